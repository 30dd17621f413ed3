"""The Kafka side of the commands: a plain synchronous client, errors as sentences."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic, sleep
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
)

from rapport.topics import DEFAULT_PARTITIONS, Difference, Topic, differences, settled_partitions, wanted
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.kafka.clients import BrokerRefusedError
from shared.kafka.librdkafka_trouble import why_away
from shared.kafka.tokens import TokenRefusedError

GROUP_PREFIX = "rapport-"
_TIMEOUT_MS = 10_000
LOADING_S, LOADING_PAUSE_S = 15.0, 0.2


@contextlib.contextmanager
def explained(servers: Brokers) -> Iterator[None]:
    """Turn the client's errors into a sentence."""
    # It tells of each try; what matters is raised here.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    if servers.security != "plaintext" and isinstance(away := why_away(servers), BrokerRefusedError):
        raise TroubleError(away.refusal.sentence)  # kafka-python would try for 10 s
    try:
        yield
    except (KafkaError, TokenRefusedError, TimeoutError, ConnectionError) as error:
        raise TroubleError(sentence(servers, error)) from error


def sentence(servers: Brokers, error: BaseException) -> str:
    """What is to be done about a client's error. Where it does not say why it found nobody, another is asked,
    which does."""
    if isinstance(error, KafkaTimeoutError | KafkaConnectionError | TimeoutError | ConnectionError):
        away = why_away(servers)
        if isinstance(away, BrokerRefusedError):
            return away.refusal.sentence
        error = away or error
    reason = str(error) or type(error).__name__
    return (
        f"The broker at {servers.servers} did not answer as needed ({reason[:300]}): check that it runs "
        "(`rapport status`) and that RAPPORT_KAFKA names it."
    )


@contextlib.contextmanager
def admin(servers: Brokers) -> Iterator[Any]:
    """An admin client, closed at the end. Raises TroubleError when nobody answers."""
    with explained(servers):
        client = KafkaAdminClient(
            **servers.kafka_python(),
            bootstrap_timeout_ms=_TIMEOUT_MS,
            request_timeout_ms=_TIMEOUT_MS,
            client_id="rapport-cli",
        )
        try:
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def producer(servers: Brokers) -> Iterator[Any]:
    """A producer that waits for all replicas and retries; flushed and closed at the end."""
    with explained(servers):
        client = KafkaProducer(
            **servers.kafka_python(),
            bootstrap_timeout_ms=_TIMEOUT_MS,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            request_timeout_ms=_TIMEOUT_MS,
            max_block_ms=_TIMEOUT_MS,
            # Below the 30 s that callers wait, so that a failure is the record's and not the wait's.
            delivery_timeout_ms=2 * _TIMEOUT_MS,
            max_request_size=4 * 1024 * 1024,
            client_id="rapport-cli",
        )
        try:
            yield client
            client.flush(timeout=30)
        finally:
            client.close(timeout=10)


@contextlib.contextmanager
def consumer(servers: Brokers) -> Iterator[Any]:
    """A consumer without a group, for reading from A to B; closed at the end."""
    with explained(servers):
        client = KafkaConsumer(
            **servers.kafka_python(),
            bootstrap_timeout_ms=_TIMEOUT_MS,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            client_id="rapport-cli",
        )
        try:
            yield client
        finally:
            client.close()


def find_topics(client: Any, names: Iterable[str]) -> dict[str, Topic]:
    """Those of the topics that exist, with the settings that Rapport cares for."""
    names = list(names)
    existing = set(client.list_topics()) & set(names)
    if not existing:
        return {}
    cares = {topic.name: list(topic.configs) for topic in wanted(1)}
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs=dict.fromkeys(cares.get(name, []), ""))
        for name in sorted(existing)
    ]
    configs = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        found["name"]: Topic(
            found["name"],
            len(found["partitions"]),
            {key: entry["value"] for key, entry in configs.get(found["name"], {}).items()},
        )
        for found in client.describe_topics(sorted(existing))
        if not found["error_code"]
    }


def compare(client: Any, asked: int | None, default: int = DEFAULT_PARTITIONS) -> list[Difference]:
    """How the cluster's topics differ from those wanted."""
    found = find_topics(client, [topic.name for topic in wanted(1)])
    return differences(wanted(settled_partitions(found, asked, default)), found)


def apply_topics(servers: Brokers, default_partitions: int = DEFAULT_PARTITIONS) -> list[Difference]:
    """Create what is missing and set what differs; never changes a partition count (``grow`` does).

    Returns what was different. Idempotent. Raises TroubleError.
    """
    with admin(servers) as client:
        found = find_topics(client, [topic.name for topic in wanted(1)])
        target = wanted(settled_partitions(found, None, default_partitions))
        different = differences(target, found)
        missing = {d.topic for d in different if d.what == "missing"}
        create = {
            topic.name: {"num_partitions": topic.partitions, "configs": dict(topic.configs)}
            for topic in target
            if topic.name in missing
        }
        if create:
            with contextlib.suppress(TopicAlreadyExistsError):  # another `apply` at the same moment
                client.create_topics(create)
            client.wait_for_topics(list(create))
        settings: dict[str, dict[str, str]] = {}
        for d in different:
            if d.what not in ("missing", "partitions"):
                settings.setdefault(d.topic, {})[d.what] = d.wanted
        if settings:
            set_configs(client, settings)
        return different


def set_configs(client: Any, settings: Mapping[str, Mapping[str, str]]) -> None:
    """Set these settings of topics, and leave the others."""
    client.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(c)) for name, c in settings.items()]
    )


def group_ids(client: Any) -> list[str]:
    """The groups of the services. A broker that has just started reads them from its log first, and is asked
    again for up to ``LOADING_S``."""
    until = monotonic() + LOADING_S
    while True:
        try:
            found = client.list_groups()
        except CoordinatorLoadInProgressError:
            if monotonic() > until:
                raise
            sleep(LOADING_PAUSE_S)
        else:
            return sorted(g["group_id"] for g in found if g["group_id"].startswith(GROUP_PREFIX))


def waits_for_partitions(client: Any, count: int) -> list[str]:
    """The groups that run and whose members have not all of so many partitions, of each topic they read."""
    return sorted(
        group
        for group in group_ids(client)
        if not _holds_all(client.describe_groups([group])[group].get("members", ()), count)
    )


def _holds_all(members: Sequence[Mapping[str, Any]], count: int) -> bool:
    held: dict[str, set[int]] = {}
    for member in members:
        assignment = member.get("member_assignment") or {}
        for topic in assignment.get("assigned_partitions", ()):
            held.setdefault(topic["topic"], set()).update(topic["partitions"])
    return not members or (bool(held) and all(len(partitions) >= count for partitions in held.values()))


def end_offsets(client: Any, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset after the last record of each partition."""
    return _offsets(client, partitions, OffsetSpec.LATEST)


def start_offsets(client: Any, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset of the first record that is still there."""
    return _offsets(client, partitions, OffsetSpec.EARLIEST)


def latest_stamp(client: Any, partitions: Iterable[TopicPartition]) -> int:
    """The latest time, in milliseconds, that a record of these has; 0 where there is none."""
    asked = dict.fromkeys(partitions, OffsetSpec.MAX_TIMESTAMP)
    found = client.list_partition_offsets(asked).values() if asked else ()
    return max((one.timestamp for one in found), default=0)


def _offsets(client: Any, partitions: Iterable[TopicPartition], spec: Any) -> dict[TopicPartition, int]:
    asked = dict.fromkeys(partitions, spec)
    if not asked:
        return {}
    return {partition: found.offset for partition, found in client.list_partition_offsets(asked).items()}


def partitions_of(client: Any, topics: Iterable[str]) -> list[TopicPartition]:
    """All partitions of those of the topics that exist."""
    names = sorted(set(client.list_topics()) & set(topics))
    if not names:
        return []
    return [
        TopicPartition(topic["name"], part["partition_index"])
        for topic in client.describe_topics(names)
        for part in sorted(topic["partitions"], key=lambda p: int(p["partition_index"]))
    ]
