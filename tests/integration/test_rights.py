"""Each service as the user that the chart makes for it: with those rights all of it works, and no right is
wanted that is not there."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import TopicAuthorizationFailedError

from rapport import broker
from rapport.check import run
from rapport.client import Client
from rapport.embedded import kafka, mongo, ports, probes
from rapport.embedded.part import Part, Spec
from rapport.embedded.stack import start_mongo
from rapport.home import Home
from shared.kafka.brokers import Brokers
from shared.schemas.services import SERVICES
from tests.rendered_chart import golden, of_kind
from tests.stack import Stack, event, new_customer, purchase, until

PASSWORD = "the same for all here"
SIGNED_IN = "SIGNED_IN"
"""The listener for users; whoever comes by the other one may do everything."""
AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SECRETS = {"RAPPORT_SECRET_KEY": "k" * 16, "RAPPORT_API_KEY": "a key of all scopes"}


class _Broker(kafka.Broker):
    """One that asks who is there, and looks up what they may do."""

    def __init__(self, home: Home, at: Mapping[str, int]) -> None:
        super().__init__(home, at["kafka"], at["kafka-controller"])
        self._at = at

    def prepare(self) -> None:
        super().prepare()
        open_to_all = f"PLAINTEXT://{ports.HOST}:{self._at['kafka']}"
        for_users = f"{SIGNED_IN}://{ports.HOST}:{self._at[SIGNED_IN]}"
        users = " ".join(f'user_rapport-{service}="{PASSWORD}"' for service in SERVICES)
        added = {
            "listeners": f"{open_to_all},{for_users},CONTROLLER://{ports.HOST}:{self._at['kafka-controller']}",
            "advertised.listeners": f"{open_to_all},{for_users}",
            "listener.security.protocol.map": (
                f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{SIGNED_IN}:SASL_PLAINTEXT"
            ),
            "inter.broker.listener.name": "PLAINTEXT",
            f"listener.name.{SIGNED_IN.lower()}.sasl.enabled.mechanisms": "PLAIN",
            f"listener.name.{SIGNED_IN.lower()}.plain.sasl.jaas.config": f"{PLAIN} required {users};",
            "authorizer.class.name": AUTHORIZER,
            "super.users": "User:ANONYMOUS",
        }
        with self.config.open("a") as config:
            config.writelines(f"{name}={value}\n" for name, value in added.items())

    def command(self) -> list[str]:
        program, *rest = super().command()
        return [program, "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=info", *rest]


def rights() -> Iterator[ACL]:
    """Those of the KafkaUsers that the chart makes."""
    for user in of_kind(golden("strimzi"), "KafkaUser"):
        for rule in user["spec"]["authorization"]["acls"]:
            kind = ResourceType[rule["resource"]["type"].upper()]
            pattern = ResourcePattern(kind, rule["resource"]["name"], ACLResourcePatternType.LITERAL)
            for operation in rule["operations"]:
                yield ACL(
                    f"User:{user['metadata']['name']}",
                    "*",
                    ACLOperation[operation.upper()],
                    ACLPermissionType.ALLOW,
                    pattern,
                )


@contextmanager
def guarded_kafka(home: Home) -> Iterator[tuple[Part, int]]:
    """The broker with Rapport's topics and the rights; and the port for users."""
    home.create()
    at = ports.choose(home, ("kafka", "kafka-controller", SIGNED_IN), {})
    made = _Broker(home, at)
    spec = Spec("kafka", made.command, lambda: probes.kafka(made.port), made.port, prepare=made.prepare)
    with Part(spec, home) as part:
        part.start()
        part.wait_ready()
        broker.apply_topics(Brokers(part.address))
        with broker.admin(Brokers(part.address)) as admin:
            admin.create_acls(list(rights()))
        yield part, at[SIGNED_IN]


@contextmanager
def running(service: str, kind: str, env: Mapping[str, str], log: Path) -> Iterator[None]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    command = [sys.executable, "-m", f"services.{service}.{kind}"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=own | dict(env), stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path, int]]:
    """The eight processes, each as its service's user; the broker's log; the port for users."""
    root = tmp_path_factory.mktemp("rights")
    with ExitStack() as parts:
        part, port = parts.enter_context(guarded_kafka(Home(root / "kafka")))
        store = parts.enter_context(start_mongo(Home(root / "store")))
        taken = [ports.pick()]
        while len(taken) < 2 * len(SERVICES):
            taken.append(ports.pick(taken))
        workers, apis = taken[: len(SERVICES)], taken[len(SERVICES) :]
        urls = {
            f"RAPPORT_{service.upper()}_URL": f"http://127.0.0.1:{api}"
            for service, api in zip(SERVICES, apis, strict=True)
        }
        for service, worker, api in zip(SERVICES, workers, apis, strict=True):
            env = {
                **SECRETS,
                **urls,
                "RAPPORT_KAFKA": f"{ports.HOST}:{port}",
                "RAPPORT_KAFKA_SECURITY": "sasl_plaintext",
                "RAPPORT_KAFKA_SASL_MECHANISM": "PLAIN",
                "RAPPORT_KAFKA_USERNAME": f"rapport-{service}",
                "RAPPORT_KAFKA_PASSWORD": PASSWORD,
                "RAPPORT_MONGO": mongo.uri(store.port),
                "RAPPORT_WORKER_PORT": str(worker),
                "RAPPORT_API_PORT": str(api),
            }
            for kind in ("worker", "api"):
                parts.enter_context(running(service, kind, env, root / f"{service}-{kind}.log"))
        with_all = {**SECRETS, **urls, "RAPPORT_KAFKA": part.address}
        yield Stack(Home(root), with_all), part.home.log("kafka"), port


def denied(log: Path) -> list[str]:
    return [line for line in log.read_text(errors="replace").splitlines() if "Denied" in line]


def test_all_works_with_the_rights_that_the_chart_gives(guarded: tuple[Stack, Path, int]) -> None:
    stack, log, _ = guarded
    with Client(stack.env) as client:
        assert run(client, seconds=120).points > 0
    customer = new_customer()
    contact = {"name": "Ada", "email": f"{customer}@example.com", "timezone": "UTC"}
    marketing = {"purpose": "marketing", "channel": "email", "granted": True}
    complaint = {"customer_id": customer, "channel": "email", "category": "late", "severity": "normal"}
    stack.post_events(
        event("customer.registered", customer, contact),
        event("consent.changed", customer, marketing),
        event("survey.answered", customer, {"survey": "nps", "score": 3, "comment": "late"}),
        purchase(customer, 20_000),
    )
    opened = stack.call("interactions", "POST", "/complaints", {**complaint, "description": "It came late."})
    assert opened.status in (201, 202), opened
    until(lambda: stack.balance(customer) == 200, "the points of 200 euros", 60.0)
    until(lambda: len(stack.records("outreach")) > 0, "followup says what it thinks of it", 60.0)
    stack.settle(60.0)
    # A record on the wrong partition is forwarded, and what nobody can read becomes a dead letter.
    stack.produce("feedback", customer.encode(), b"not an event")
    until(lambda: len(stack.records("feedback.dlq")) > 0, "the dead letter", 60.0)
    assert denied(log) == []


def test_a_user_may_do_nothing_else(guarded: tuple[Stack, Path, int]) -> None:
    _, log, port = guarded
    producer = KafkaProducer(
        bootstrap_servers=f"{ports.HOST}:{port}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="rapport-loyalty",
        sasl_plain_password=PASSWORD,
    )
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            producer.send("outreach", b"{}", b"c-1").get(timeout=20)
    finally:
        producer.close(timeout=5)
    until(lambda: denied(log), "the broker's log says whom it denied what", 10.0)
