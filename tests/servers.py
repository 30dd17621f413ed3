"""Kafka and MongoDB for tests: in containers, where a Docker daemon answers and has or can pull the images,
else the embedded parts. ``STACK`` is auto, containers or embedded; ``STACK_KAFKA`` and ``STACK_MONGO`` name
other images, such as those that ``python -m tests.images`` makes where none can be pulled."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from rapport.embedded import kafka, mongo, ports, probes
from rapport.embedded.kafka_jars import KAFKA_VERSION
from rapport.status import PartStatus
from tests import containers
from tests.containers import Container, DockerError

KAFKA, MONGO = f"apache/kafka:{KAFKA_VERSION}", "mongo:7"
CHOICES = ("auto", "containers", "embedded")
START_SECONDS = 300.0


class NoServersError(Exception):
    """What STACK asks for cannot be; the text says why."""


def images(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    environ = os.environ if environ is None else environ
    return {"kafka": environ.get("STACK_KAFKA") or KAFKA, "mongo": environ.get("STACK_MONGO") or MONGO}


def choose(environ: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Whether containers are used, and a sentence for people. Raises NoServersError."""
    environ = os.environ if environ is None else environ
    wanted = environ.get("STACK") or "auto"
    if wanted not in CHOICES:
        raise NoServersError(f"STACK is {wanted!r}: use {', '.join(CHOICES)}.")
    if wanted == "embedded":
        return False, "Kafka and MongoDB: the embedded parts (STACK=embedded)"
    missing = _missing(images(environ).values())
    if missing is None:
        named = " and ".join(images(environ).values())
        return True, f"Kafka and MongoDB: containers of {named} (STACK={wanted})"
    if wanted == "containers":
        raise NoServersError(f"STACK=containers: {missing}")
    return False, f"Kafka and MongoDB: the embedded parts (STACK=auto: {missing})"


def _missing(wanted: Iterable[str]) -> str | None:
    """Why the images cannot be used; None where they can."""
    if not containers.answers():
        return "no Docker daemon answers"
    for image in wanted:
        if not containers.has_image(image):
            try:
                containers.docker("pull", "--quiet", image)
            except DockerError:
                return f"{image} is not there and cannot be pulled"
    return None


@dataclass
class Servers:
    """Kafka and MongoDB in containers, as a supervisor would keep them: what was killed is started again."""

    containers: dict[str, Container]
    addresses: dict[str, int]
    """The port of each on this machine."""
    restarts: dict[str, int] = field(default_factory=lambda: {"kafka": 0, "mongo": 0})

    @property
    def env(self) -> dict[str, str]:
        return {
            "RAPPORT_KAFKA": f"{ports.HOST}:{self.addresses['kafka']}",
            "RAPPORT_MONGO": mongo.uri(self.addresses["mongo"]),
        }

    def status(self, part: str) -> PartStatus:
        state = self.containers[part].state
        port, again = self.addresses[part], self.restarts[part]
        ready = "ready" if state["Running"] else "restarting"
        return PartStatus(part, state["Pid"] or None, ready, again, port)

    def signal(self, part: str, number: signal.Signals) -> None:
        container = self.containers[part]
        containers.docker("kill", "--signal", number.name, container.name)
        if number is signal.SIGKILL:
            Thread(target=self._again, args=(part,)).start()

    def _again(self, part: str) -> None:
        containers.docker("wait", self.containers[part].name)
        containers.docker("start", self.containers[part].name)
        self.restarts[part] += 1

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        containers.docker("pause", self.containers[part].name)
        try:
            yield
        finally:
            containers.docker("unpause", self.containers[part].name)


@contextmanager
def in_containers(partitions: int) -> Iterator[Servers]:
    """Both, with Rapport's topics and a replica set of one."""
    at = {"kafka": ports.pick()}
    at["mongo"] = ports.pick(at.values())
    run, named = uuid.uuid4().hex[:6], images()
    started: dict[str, Container] = {}
    try:
        for part, inside, env, command in (
            ("kafka", 9092, _kafka(at["kafka"]), ()),
            ("mongo", 27017, {}, ("mongod", "--replSet", "rs0", "--bind_ip_all")),
        ):
            options = ("--publish", f"{ports.HOST}:{at[part]}:{inside}")
            started[part] = containers.start(
                named[part], command, name=f"stack-{run}-{part}", env=env, options=options
            )
        servers = Servers(started, at)
        _await(servers, "mongo", lambda: probes.mongo(at["mongo"]))
        _initiate(servers.env["RAPPORT_MONGO"])
        _await(servers, "kafka", lambda: probes.kafka(at["kafka"]))
        _make_topics(servers, partitions)
        yield servers
    finally:
        for container in started.values():
            container.remove()


def _make_topics(servers: Servers, partitions: int) -> None:
    """As people do it; whatever is told of another stack in this shell stays out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    told = kept | servers.env | {"RAPPORT_PARTITIONS": str(partitions)}
    command = [sys.executable, "-m", "rapport", "topics", "apply"]
    done = subprocess.run(command, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _kafka(port: int) -> dict[str, str]:
    """The settings of the embedded broker as the image takes them: ``KAFKA_A_B`` for ``a.b``."""
    lines = kafka.properties(9092, 9093, Path("/tmp/kafka")).splitlines()
    told = dict(line.split("=", 1) for line in lines)
    del told["controller.quorum.bootstrap.servers"]  # the image formats its folder for fixed voters
    told["controller.quorum.voters"] = "1@127.0.0.1:9093"
    told["listeners"] = "PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093"
    told["advertised.listeners"] = f"PLAINTEXT://{ports.HOST}:{port}"
    return {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in told.items()}


def _initiate(uri: str) -> None:
    """A replica set of one, where it is none yet: without one there are no transactions."""
    member = {"_id": 0, "host": "127.0.0.1:27017"}
    deadline = time.monotonic() + START_SECONDS
    with MongoClient(uri) as client:
        hello = client.admin.command("hello")
        if not hello.get("setName") and not hello.get("isWritablePrimary"):
            try:
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            except OperationFailure as error:
                raise NoServersError(f"MongoDB takes no replica set: {error}") from None
        while not client.admin.command("hello").get("isWritablePrimary"):
            assert time.monotonic() < deadline, "MongoDB did not become the primary"
            time.sleep(0.2)  # between two questions


def _await(servers: Servers, part: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        container = servers.containers[part]
        assert container.state["Running"], f"{part} ended:\n{container.logs()}"
        assert time.monotonic() < deadline, f"{part} does not answer:\n{container.logs()}"
        time.sleep(0.2)  # between two questions
