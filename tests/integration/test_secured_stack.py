"""A purchase through a service whose broker and store want TLS and a password; and a store that refuses."""

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rapport import broker
from rapport.connections import read
from rapport.embedded import ports
from rapport.home import Home
from shared.kafka.brokers import Brokers
from shared.runtime.mongo import connect, until_let_in
from shared.runtime.refusal import EXIT_CODE, Refusal
from shared.runtime.settings import Settings
from shared.runtime.transport import KafkaSettings
from tests.certificates import Authority
from tests.secured import HOST, secured_kafka
from tests.secured_store import SecuredStore, secured_store
from tests.stack import Stack, new_customer, purchase, until

SECRETS = {"RAPPORT_SECRET_KEY": "k" * 16, "RAPPORT_API_KEY": "a key of all scopes"}


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Of a process: what this one has, and no variable of Rapport's but these."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    return own | SECRETS | dict(more)


@contextmanager
def running(module: str, env: Mapping[str, str], log: Path) -> Iterator[None]:
    """A service's process."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=environment(env), stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()
            process.wait(20)


def test_a_purchase_earns_points_over_tls_and_passwords(tmp_path: Path) -> None:
    with ExitStack() as parts:
        kafka = parts.enter_context(secured_kafka(Home(tmp_path / "kafka")))
        authority = Authority(tmp_path / "store-ca")
        store = parts.enter_context(
            secured_store(Home(tmp_path / "store"), authority.issue("store", HOST), authority, auth=True)
        )
        api_port = ports.pick()
        env = {
            **kafka.env(),
            **store.env(),
            "RAPPORT_WORKER_PORT": str(ports.pick([api_port])),
            "RAPPORT_API_PORT": str(api_port),
            "RAPPORT_LOYALTY_URL": f"http://127.0.0.1:{api_port}",
        }
        for kind in ("worker", "api"):
            module = f"services.loyalty.{kind}"
            parts.enter_context(running(module, env, tmp_path / f"{kind}.log"))
        stack = Stack(Home(tmp_path), environment(env))
        customer = new_customer()
        event = purchase(customer, 10_000)
        with broker.producer(Brokers.of(read(KafkaSettings, env))) as producer:
            producer.send("purchases", json.dumps(event).encode(), customer.encode()).get(timeout=20)

        def points() -> bool:
            try:
                return stack.balance(customer) == 100
            except OSError:
                return False  # the API is starting

        until(points, "the points of 100 euros", 60.0)
        command = [sys.executable, "-m", "rapport", "lag", "--json"]
        told = subprocess.run(command, env=environment(env), capture_output=True, text=True, timeout=60)
        assert told.returncode == 0, told
        rows = json.loads(told.stdout)
        assert {row["group"] for row in rows} == {"rapport-loyalty"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def store(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredStore]:
    """One for each test: it takes one handshake at a time, and waits for what a refused client left open."""
    home = Home(tmp_path_factory.mktemp("store"))
    with secured_store(home, authority.issue("store", HOST), authority, auth=True) as store:
        yield store


def settings(env: Mapping[str, str]) -> Settings:
    return read(Settings, environment({"RAPPORT_KAFKA": "localhost:1", **env}))


leaves_a_socket = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*socket.socket:pytest.PytestUnraisableExceptionWarning"
)
"""PyMongo's async client forgets to close a socket whose handshake failed; found by ``gc.collect``."""


async def refused(env: Mapping[str, str], seconds: float = 30.0) -> Refusal:
    """What a process is told that writes to loyalty's database. Raises TimeoutError where it is let in, or
    waits."""
    told: asyncio.Queue[Refusal] = asyncio.Queue()
    found = settings(env)
    async with connect(found) as client, asyncio.timeout(seconds):

        async def write() -> None:
            await client["rapport_loyalty"]["state"].insert_one({})

        asking = asyncio.create_task(until_let_in(found, write, told.put_nowait))
        try:
            return await told.get()
        finally:
            asking.cancel()
            await asyncio.wait({asking})
            gc.collect()


async def test_the_user_of_the_settings_is_let_in(store: SecuredStore) -> None:
    found = settings(store.env())
    async with connect(found) as client, asyncio.timeout(30):
        await until_let_in(found, client["rapport_loyalty"]["state"].find_one)


@leaves_a_socket
async def test_a_store_that_does_not_let_us_in_is_told(store: SecuredStore, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    wrong: dict[str, tuple[dict[str, str], str]] = {
        "mongo_login": ({"RAPPORT_MONGO": store.uri(password="an0ther")}, "authSource"),
        "mongo_rights": ({"RAPPORT_MONGO": store.uri(None)}, "may not do this"),
        "mongo_certificate": ({"RAPPORT_MONGO_CA": str(other.file)}, "RAPPORT_MONGO_CA"),
    }
    for code, (env, words) in wrong.items():
        refusal = await refused(store.env() | env)
        assert refusal.code == code
        assert words in refusal.sentence
        assert "an0ther" not in refusal.sentence


@leaves_a_socket
async def test_a_store_that_is_named_otherwise_is_told(store: SecuredStore) -> None:
    named = {"RAPPORT_MONGO": store.uri().replace(f"@{HOST}:", "@127.0.0.1:")}
    assert "not valid for '127.0.0.1'" in (await refused(store.env() | named)).sentence


@leaves_a_socket
async def test_a_store_whose_certificate_has_expired_is_told(authority: Authority, tmp_path: Path) -> None:
    expired = authority.issue("expired", HOST, days=-1)
    with secured_store(Home(tmp_path), expired, authority) as store:
        refusal = await refused({**store.env(), "RAPPORT_MONGO": store.uri(None)})
    assert (refusal.code, "expired" in refusal.sentence) == ("mongo_certificate", True)


async def test_a_certificate_of_ours_lets_us_in(authority: Authority, tmp_path: Path) -> None:
    own = {"RAPPORT_MONGO_CERTIFICATE": str(authority.issue("own"))}
    wants = ["--tls-ca-file", str(authority.file), "--tls-require-client-cert"]
    server = authority.issue("mutual", HOST)
    with secured_store(Home(tmp_path), server, authority, more=wants) as store:
        found = settings({**store.env(), "RAPPORT_MONGO": store.uri(None), **own})
        async with connect(found) as client, asyncio.timeout(30):
            await until_let_in(found, client["rapport_loyalty"]["state"].find_one)


@pytest.mark.parametrize("module", ["services.loyalty.worker", "services.loyalty.api"])
def test_a_process_that_the_store_refuses_says_so_last(store: SecuredStore, module: str) -> None:
    env = {
        **store.env(),
        "RAPPORT_MONGO": store.uri(password="another"),
        "RAPPORT_KAFKA": "localhost:1",
        "RAPPORT_WORKER_PORT": str(ports.pick()),
        "RAPPORT_API_PORT": "0",
    }
    command = [sys.executable, "-m", module]
    ended = subprocess.run(command, env=environment(env), capture_output=True, text=True, timeout=120)
    assert ended.returncode == EXIT_CODE, ended
    last: Any = json.loads(ended.stdout.splitlines()[-1])
    assert (last["code"], last["level"]) == ("mongo_login", "critical")
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "another" not in ended.stdout + ended.stderr
