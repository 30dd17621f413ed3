"""Every client there is on a real broker with TLS, passwords and tokens; and what is said of a refusal."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from rapport import broker
from rapport.connections import read
from rapport.embedded import ports
from rapport.home import Home
from rapport.replay.record import Record as Replayed
from rapport.replay.sinks import KafkaSink, SendFailedError
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.kafka.clients import Assigned, BrokerRefusedError, Record
from shared.kafka.librdkafka_consumer import LibrdkafkaConsumer, consumer_options
from shared.kafka.librdkafka_producer import LibrdkafkaProducer, producer_options
from shared.kafka.publisher import Publisher
from shared.runtime.refusal import EXIT_CODE, Refusal
from shared.runtime.transport import KafkaSettings
from tests.certificates import Authority
from tests.secured import ELSEWHERE, EXPIRED, HOST, MECHANISMS, MUTUAL, SASL, SecuredKafka, secured_kafka
from tests.tokens import TokenServer, token_server

TOPIC = "purchases"


@dataclass(frozen=True)
class World:
    kafka: SecuredKafka
    tokens: TokenServer
    token_authority: Authority

    def env(self, way: str) -> dict[str, str]:
        """The variables of a client that is let in: by a mechanism, or by its certificate."""
        if way == MUTUAL:
            own = self.kafka.authority.issue("client")
            return {**self.kafka.env(MUTUAL), "RAPPORT_KAFKA_CERTIFICATE": str(own)}
        env = self.kafka.env(SASL, way)
        if way == "OAUTHBEARER":
            env |= self.tokens.env() | {"RAPPORT_KAFKA_OAUTH_CA": str(self.token_authority.file)}
        return env

    def brokers(self, way: str, **changed: str) -> Brokers:
        return Brokers.of(read(KafkaSettings, self.env(way) | changed))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder / "tokens", "Tokens' CA")
    with (
        token_server(authority.issue("endpoint", HOST)) as tokens,
        secured_kafka(Home(folder / "home"), tokens.jwks) as kafka,
    ):
        yield World(kafka, tokens, authority)


@pytest.mark.parametrize("way", [*MECHANISMS, MUTUAL])
async def test_every_client_is_let_in(world: World, way: str) -> None:
    brokers = world.brokers(way)
    value = uuid.uuid4().hex.encode()
    producer = LibrdkafkaProducer(brokers, producer_options(timeout=5.0, largest=1024 * 1024))
    options = consumer_options(f"group-{uuid.uuid4().hex[:8]}", session_seconds=6.0, poll_seconds=60.0)
    member = LibrdkafkaConsumer(brokers, options, [TOPIC])
    try:
        await producer.send([Record(TOPIC, b"k", value, partition=0)], 20.0)
        found: list[bytes | None] = []
        held: frozenset[tuple[str, int]] = frozenset()
        async with asyncio.timeout(30):
            while value not in found:
                polled = await member.poll(0.2, 500, held)
                if isinstance(polled, Assigned):
                    assert await member.start(polled, {})  # its admin client is let in too
                    held = polled.held
                elif isinstance(polled, Sequence):
                    found += [record.value for record in polled]
    finally:
        await member.close(5.0)
        await producer.close(5.0)
    await asyncio.to_thread(_by_commands, brokers)


def _by_commands(brokers: Brokers) -> None:
    """kafka-python's three, and the replay's aiokafka."""
    with broker.admin(brokers) as admin:
        assert broker.compare(admin, 4) == []
        places = broker.partitions_of(admin, [TOPIC])
        before = sum(broker.end_offsets(admin, places).values())
        with broker.producer(brokers) as producer:
            producer.send(TOPIC, b"{}", b"k").get(timeout=20)
        with KafkaSink(brokers) as sink:
            sink.send(Replayed(datetime.now(UTC), TOPIC, "k", "/till", b"{}"))
            sink.flush()
        assert sum(broker.end_offsets(admin, places).values()) == before + 2
    with broker.consumer(brokers) as consumer:
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        assert any(consumer.poll(timeout_ms=10_000).values())


async def test_a_token_is_renewed_before_it_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker ends a connection whose token has expired, so each write after that shows a new one. It also
    ends one that shows two within a second, so a token lasts some seconds."""
    monkeypatch.setattr(world.tokens, "lasting", 8.0)
    before = world.tokens.given
    producer = LibrdkafkaProducer(
        world.brokers("OAUTHBEARER"), producer_options(timeout=5.0, largest=1024 * 1024)
    )
    try:
        until = monotonic() + 60
        while world.tokens.given < before + 3:
            assert monotonic() < until
            await producer.send([Record(TOPIC, b"k", b"{}", partition=0)], 5.0)
            await asyncio.sleep(0.5)
    finally:
        await producer.close(5.0)


def refusals(world: World, tmp_path: Path) -> dict[str, tuple[dict[str, str], str, str]]:
    """What is wrong, the code of it, and words of the sentence."""
    other = Authority(tmp_path / "other")
    kafka = world.kafka
    return {
        "password": (
            world.env("SCRAM-SHA-512") | {"RAPPORT_KAFKA_PASSWORD": "another"},
            "kafka_login",
            "RAPPORT_KAFKA_PASSWORD",
        ),
        "plain password": (
            world.env("PLAIN") | {"RAPPORT_KAFKA_PASSWORD": "another"},
            "kafka_login",
            "RAPPORT_KAFKA_PASSWORD",
        ),
        "client secret": (
            world.env("OAUTHBEARER") | {"RAPPORT_KAFKA_OAUTH_CLIENT_SECRET": "another"},
            "kafka_token",
            "RAPPORT_KAFKA_OAUTH_CLIENT_SECRET",
        ),
        "endpoint": (
            world.env("OAUTHBEARER") | {"RAPPORT_KAFKA_OAUTH_CA": str(kafka.authority.file)},
            "kafka_oauth_certificate",
            "RAPPORT_KAFKA_OAUTH_CA",
        ),
        "expired": (kafka.env(EXPIRED), "kafka_certificate", "expired"),
        "host": (kafka.env(ELSEWHERE), "kafka_certificate", f"not valid for '{HOST}'"),
        "authority": (
            world.env("SCRAM-SHA-512") | {"RAPPORT_KAFKA_CA": str(other.file)},
            "kafka_certificate",
            "RAPPORT_KAFKA_CA",
        ),
        "own certificate": (kafka.env(MUTUAL), "kafka_own_certificate", "RAPPORT_KAFKA_CERTIFICATE"),
        "own of others": (
            kafka.env(MUTUAL) | {"RAPPORT_KAFKA_CERTIFICATE": str(other.issue("stranger"))},
            "kafka_own_certificate",
            "RAPPORT_KAFKA_CERTIFICATE",
        ),
    }


WRONG = (
    "password", "plain password", "client secret", "endpoint", "expired", "host", "authority",
    "own certificate", "own of others",
)  # fmt: skip


@pytest.fixture(scope="module")
def told(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each is told, with code and words, all at once: a refusal is believed after some seconds."""

    async def of(env: Mapping[str, str], code: str, words: str) -> tuple[Refusal, str, str]:
        refused: asyncio.Queue[Refusal] = asyncio.Queue()
        publisher = Publisher(Brokers.of(read(KafkaSettings, env)), refused=refused.put_nowait)
        await publisher.start()
        refusal = await asyncio.wait_for(refused.get(), 20)
        await publisher.stop()
        return refusal, code, words

    async def all_of(wrong: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(wrong, await asyncio.gather(*(of(*one) for one in wrong.values())), strict=True))

    return asyncio.run(all_of(refusals(world, tmp_path_factory.mktemp("refused"))))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_refusal_at_the_start_is_told_with_its_code(told: dict[str, Any], wrong: str) -> None:
    refusal, code, words = told[wrong]
    assert refusal.code == code
    assert words in refusal.sentence
    assert "another" not in refusal.sentence


@pytest.mark.parametrize("wrong", ["password", "expired", "own certificate", "client secret"])
def test_commands_say_it_too(world: World, tmp_path: Path, wrong: str) -> None:
    env, _, words = refusals(world, tmp_path)[wrong]
    brokers = Brokers.of(read(KafkaSettings, env))
    with pytest.raises(TroubleError) as trouble, broker.admin(brokers):
        pass
    assert words in str(trouble.value)
    with pytest.raises(SendFailedError) as failed, KafkaSink(brokers):
        pass
    assert words in str(failed.value)


async def test_a_token_of_another_authority_is_refused(world: World) -> None:
    """So the broker of these tests does look at signatures, audience and end."""
    monkey = world.tokens.audience
    world.tokens.audience = "another"
    try:
        producer = LibrdkafkaProducer(
            world.brokers("OAUTHBEARER"), producer_options(timeout=5.0, largest=1024 * 1024)
        )
        with pytest.raises(BrokerRefusedError) as refused:
            await _answered(producer)
        await producer.close(1.0)
    finally:
        world.tokens.audience = monkey
    assert refused.value.refusal.code == "kafka_login"


async def _answered(producer: LibrdkafkaProducer) -> None:
    """Asks until it is let in, or refused."""
    async with asyncio.timeout(20):
        while True:
            try:
                await producer.counts()
            except BrokerRefusedError:
                raise
            except Exception:  # not known yet
                continue
            return


def process(module: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A service's process up to its end."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    needed = {
        "RAPPORT_MONGO": "mongodb://localhost:1",
        "RAPPORT_SECRET_KEY": "k" * 16,
        "RAPPORT_API_KEY": "k" * 16,
        "RAPPORT_API_PORT": "0",
        "RAPPORT_WORKER_PORT": str(ports.pick()),
    }
    return subprocess.run(
        [sys.executable, "-m", module],
        env=own | needed | dict(env),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("module", ["services.loyalty.worker", "services.loyalty.api"])
def test_a_process_ends_with_a_sentence_in_its_last_line(world: World, tmp_path: Path, module: str) -> None:
    env, code, words = refusals(world, tmp_path)["password"]
    ended = process(module, env)
    assert ended.returncode == EXIT_CODE, ended
    last: Any = json.loads(ended.stdout.splitlines()[-1])
    assert (last["code"], last["level"]) == (code, "critical")
    assert words in last["event"]
    assert "Traceback" not in ended.stdout + ended.stderr


async def becomes(publisher: Publisher, *, ready: bool) -> None:
    while publisher.ready is not ready:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.05)


async def test_a_password_that_is_changed_later_is_waited_for(world: World) -> None:
    """Once let in, a process stays: whoever rotates passwords brings a good one again."""
    told: list[Refusal] = []
    made: list[LibrdkafkaProducer] = []
    good, bad = world.brokers("PLAIN"), world.brokers("PLAIN", RAPPORT_KAFKA_PASSWORD="another")

    def make() -> LibrdkafkaProducer:
        options = producer_options(timeout=5.0, largest=1024 * 1024)
        made.append(LibrdkafkaProducer(bad if len(made) == 1 else good, options))
        return made[-1]

    publisher = Publisher(good, producer=make, refused=told.append)
    await publisher.start()
    async with asyncio.timeout(30):
        await publisher.connected()
        first = made[0]
        publisher._replace(first, "for the test")
        await becomes(publisher, ready=False)
        await becomes(publisher, ready=True)
    await publisher.stop()
    assert told == []
