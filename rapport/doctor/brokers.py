"""Kafka: does it let us in, which version is it, are the topics as they should be, who reads them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rapport import broker
from rapport.doctor import certificates, clocks
from rapport.doctor.finding import Finding
from rapport.topics import Difference
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.kafka.clients import BrokerRefusedError
from shared.kafka.librdkafka_trouble import why_away
from shared.schemas.services import SERVICES

OLDEST = (4, 0)
SHOWN = 3
"""Differences of topics that are named; `rapport topics check` names all."""


def look(brokers: Brokers, partitions: int | None) -> list[Finding]:
    """``partitions``: as many as each topic should have; None: as many as most have."""
    found: list[Finding] = []
    if brokers.tls:
        trust = certificates.by(brokers.ca, brokers.certificate, brokers.key)
        found += certificates.shown("kafka", brokers.hosts, trust, "RAPPORT_KAFKA")
        found += certificates.files(
            [("RAPPORT_KAFKA_CA", brokers.ca), ("RAPPORT_KAFKA_CERTIFICATE", brokers.certificate)]
        )
    away = why_away(brokers)
    if away is not None:
        known = isinstance(away, BrokerRefusedError)
        do = "" if known else "start it, or correct RAPPORT_KAFKA; look at its log and at firewalls"
        return [Finding("broker", brokers.servers, "bad", str(away), do), *found]
    try:
        with broker.admin(brokers) as client:
            return [*_cluster(client, brokers), _topics(client, partitions), *_groups(client), *found]
    except TroubleError as trouble:
        return [Finding("broker", brokers.servers, "bad", str(trouble)), *found]


def _cluster(client: Any, brokers: Brokers) -> list[Finding]:
    nodes = [node["broker_id"] for node in client.describe_cluster()["brokers"]]
    versions = {tuple(client.get_broker_version_data(node).broker_version) for node in nodes}
    return [
        Finding(
            "broker", brokers.servers, "ok", f"{len(nodes)} broker{'' if len(nodes) == 1 else 's'} answer"
        ),
        version(versions),
        _clock(client),
    ]


def version(versions: set[tuple[int, ...]]) -> Finding:
    """Of all brokers."""
    said = "Kafka " + ", ".join(".".join(map(str, one)) for one in sorted(versions))
    if min(versions) < OLDEST:
        return Finding("broker", "version", "bad", said, "Rapport needs Kafka 4: upgrade the brokers")
    if len(versions) > 1:
        return Finding("broker", "version", "warn", said, "bring all brokers to the same version")
    return Finding("broker", "version", "ok", said)


def _clock(client: Any) -> Finding:
    """That of the controller that leads: of itself it says when it fetched last, which is now."""
    before = time.time()
    try:
        (part,) = client.describe_metadata_quorum()["topics"][0]["partitions"]
        leader = next(v for v in part["current_voters"] if v["replica_id"] == part["leader_id"])
    except Exception as error:  # whatever this client makes of a broker that does not tell, or may not
        said = f"the broker does not tell its time ({type(error).__name__})"
        return Finding("clocks", "broker", "skipped", said)
    return clocks.judged("broker", leader["last_fetch_timestamp"] / 1000, before, time.time())


def _topics(client: Any, partitions: int | None) -> Finding:
    return topics(broker.compare(client, partitions))


def topics(different: Sequence[Difference]) -> Finding:
    """Of how they differ from what they should be."""
    if not different:
        return Finding("topics", "topics", "ok", "all are as they should be")
    named = [f"{d.topic}: {d.what} {d.found or '-'}, not {d.wanted}" for d in different[:SHOWN]]
    more = f", and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
    grow = [d for d in different if d.what == "partitions"]
    do = "run `rapport topics apply`" if len(grow) < len(different) else ""
    if grow:
        do = " and then ".join(filter(None, (do, f"`rapport topics grow {grow[0].wanted}`")))
    return Finding("topics", "topics", "bad", "; ".join(named) + more, do)


def _groups(client: Any) -> list[Finding]:
    names = [f"{broker.GROUP_PREFIX}{service}" for service in SERVICES]
    there = broker.group_ids(client)
    known = [name for name in names if name in there]
    described: Mapping[str, Any] = client.describe_groups(known) if known else {}
    members = {name: len(described.get(name, {}).get("members", ())) for name in names}
    return [workers(name.removeprefix(broker.GROUP_PREFIX), members[name]) for name in names]


def workers(service: str, count: int) -> Finding:
    """Of the members of its group."""
    if not count:
        do = f"start it: rapport run {service} worker"
        return Finding("services", f"{service} worker", "bad", "none is in its group", do)
    said = f"{count} {'is' if count == 1 else 'are'} in the group"
    return Finding("services", f"{service} worker", "ok", said)
