"""Marks each test with its tier, by the folder it is in; and starts the platform for those that ask."""

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from mailbox import Maildir
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml

from rapport.embedded.stack import PARTS
from rapport.home import Home, read_env
from rapport.launch import StartFailedError, fetch, launch, running_env, stop
from rapport.topics import DEFAULT_PARTITIONS
from rapport.trouble import TroubleError
from services.loyalty.config import DEFAULT
from tests.servers import NoServersError, Servers, choose, in_containers
from tests.sharing import OnePlatform
from tests.shops import SECRET as SHOP_SECRET
from tests.stack import Stack

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Tests run in as many processes as there are cores: threads of numpy would only wait for each other."""

hypothesis.settings.register_profile(
    "rapport", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("rapport")
"""How long an example takes says how busy the machine is, and nothing of what it tries."""

TIERS = ("simulation", "integration", "faults", "browser", "bench", "chart", "image", "kube")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder in TIERS:
            item.add_marker(folder)


@pytest.hookimpl(optionalhook=True)  # where xdist is
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OnePlatform | None:
    return OnePlatform(config, log) if config.getvalue("dist") == "loadfile" else None


KEPT = ("RAPPORT_MONGO_SERVER", "RAPPORT_MAVEN_URL")
"""What may come from outside: which server stands in for MongoDB, and where the jars are fetched."""


LIMITED = "limited-cup"
LIMITED_STOCK = 5
"""A reward of 10 points that the tests' program has besides those of the default one."""


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole platform, started once per session; ``RAPPORT_TEST_HOME`` names one that runs already."""
    running = os.environ.get("RAPPORT_TEST_HOME")
    if running:
        home = Home(Path(running).resolve())
        try:
            env = running_env(home)
        except TroubleError as trouble:
            pytest.fail(f"RAPPORT_TEST_HOME: {trouble}")
        yield Stack(home, env, os.environ.get("RAPPORT_JWT_SECRET"))
        return
    home = Home(tmp_path_factory.mktemp("stack"))
    secret = secrets.token_hex(32)
    with _servers(request) as servers:
        there = servers.env if servers else {}
        parts = [part for part in PARTS if not (servers and part in servers.containers)]
        try:
            fetch(parts)
            launch(home, parts, _options(secret, _program(home)) | _returns(home) | there)
        except StartFailedError as failed:
            pytest.fail(f"{failed}\n" + "\n".join(failed.failure.tail))
        try:
            yield Stack(home, read_env(home), secret, servers)
        finally:
            stop(home)


@contextmanager
def _servers(request: pytest.FixtureRequest) -> Iterator[Servers | None]:
    """Kafka and MongoDB in containers, or None: then they are parts. Says which."""
    try:
        contained, chosen = choose()
    except NoServersError as error:
        pytest.fail(str(error))
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{chosen}", flush=True)
    if not contained:
        yield None
        return
    with in_containers(DEFAULT_PARTITIONS) as servers:
        yield servers


def _program(home: Home) -> Path:
    """The default program, and one reward of which there are few."""
    document = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    document["rewards"].append({"id": LIMITED, "name": "A cup", "cost": 10, "stock": LIMITED_STOCK})
    file = home.root / "program.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


DELIVERY_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def _returns(home: Home) -> dict[str, str]:
    """Ways in which the tests' mail comes back, and shops tell of orders."""
    Maildir(home.root / "bounces", create=True)
    return {
        "RAPPORT_DELIVERY_SECRET": DELIVERY_SECRET,
        "RAPPORT_SHOPIFY_SECRET": SHOP_SECRET,
        "RAPPORT_WOOCOMMERCE_SECRET": SHOP_SECRET,
        "RAPPORT_BOUNCE_MAILDIR": str(home.root / "bounces"),
        "RAPPORT_BOUNCE_ADDRESS": "bounces+{token}@rapport.example",
    }


def _options(jwt_secret: str, program: Path) -> dict[str, str]:
    """The defaults, whatever a developer's shell has from a stack of their own; empty means unset."""
    foreign = {name: "" for name in os.environ if name.startswith("RAPPORT_") and name not in KEPT}
    return {
        **foreign,
        "RAPPORT_CLOCK": "wall",
        "RAPPORT_JWT_SECRET": jwt_secret,
        "RAPPORT_PROGRAM": str(program),
        "RAPPORT_METRICS_GAUGE_SECONDS": "1",
    }
