"""The image, built; the embedded servers where containers reach them; and each process of each service in a
container: read-only, as uid 10001, without a temporary folder."""

import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException

import pytest

from rapport.embedded.stack import INFRASTRUCTURE
from rapport.home import Home, read_env
from rapport.launch import fetch, launch, stop
from shared.schemas.services import SERVICES
from tests import containers
from tests.containers import Container
from tests.image_build import NoImageError, built, built_to_fit
from tests.stack import Stack
from tests.told import Ticking, say

PORTS = {"api": 8000, "worker": 8001}
MARGIN = 300.0
"""Seconds in which what must come has come, however busy the machine is."""


@pytest.fixture(scope="session")
def image() -> str:
    """Built from this tree, or ``RAPPORT_IMAGE``, which is there already."""
    try:
        with Ticking("building the image"):
            return built()
    except NoImageError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def fitting(image: str) -> str:
    """The image of `rapport clv fit`, built upon the other or ``RAPPORT_FIT_IMAGE``."""
    try:
        with Ticking("building the image that fits"):
            return built_to_fit()
    except NoImageError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def servers(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Kafka, MongoDB and SMTP of `rapport up`, where containers reach them and the network does not."""
    home = Home(tmp_path_factory.mktemp("image"))
    with Ticking("starting Kafka, MongoDB and an SMTP server"):
        fetch(INFRASTRUCTURE)
        launch(home, INFRASTRUCTURE, {"RAPPORT_UP_BIND": containers.gateway()})
    try:
        yield home
    finally:
        stop(home)


@dataclass(frozen=True)
class Running:
    """All processes in containers, by ``(service, kind)``, and the platform that they are."""

    parts: dict[tuple[str, str], Container]
    home: Home
    env: dict[str, str]

    @property
    def stack(self) -> Stack:
        """By the ports that are published now: a new start gives new ones."""
        apis = {service: self.parts[service, "api"].address(PORTS["api"]) for service in SERVICES}
        urls = {f"RAPPORT_{service.upper()}_URL": f"http://{address}" for service, address in apis.items()}
        return Stack(self.home, self.env | urls)


def ready(container: Container, port: int) -> bool:
    """Asks from outside, by the published port."""
    try:
        with urllib.request.urlopen(f"http://{container.address(port)}/readyz", timeout=3) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def await_ready(parts: dict[tuple[str, str], Container]) -> None:
    began, left = time.monotonic(), set(parts)
    while left:
        for service, kind in sorted(left):
            part = parts[service, kind]
            assert part.state["Running"], f"{part.name} ended:\n{part.logs()}"
            if ready(part, PORTS[kind]):
                left.discard((service, kind))
                say(f"{service} {kind} is ready after {time.monotonic() - began:.1f} s")
        late = [parts[each].logs() for each in left]
        assert time.monotonic() - began < MARGIN, "not ready: " + "\n".join(late)
        time.sleep(0.2)  # between two rounds of questions


@pytest.fixture(scope="session")
def running(image: str, servers: Home) -> Iterator[Running]:
    env = {key: value for key, value in read_env(servers).items() if key != "RAPPORT_MAILBOX"}
    run = uuid.uuid4().hex[:6]
    parts: dict[tuple[str, str], Container] = {}
    try:
        with Ticking("starting eight processes in containers"):
            for service in SERVICES:
                for kind, port in PORTS.items():
                    name = f"rapport-{run}-{service}-{kind}"
                    command = ("rapport", "run", service, kind)
                    parts[service, kind] = containers.start(image, command, name=name, env=env, ports=(port,))
            await_ready(parts)
        yield Running(parts, servers, env)
    finally:
        for part in parts.values():
            part.remove()
