"""All parts of the embedded stack as one plan, and each of the three servers by itself for tests.

with start_kafka(Home(tmp_path)) as kafka:
    print(kafka.address, kafka.pid)
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rapport.embedded import kafka, mongo, ports, probes
from rapport.embedded.part import Part, Spec
from rapport.home import Home
from rapport.topics import DEFAULT_PARTITIONS
from rapport.trouble import TroubleError
from shared.schemas.services import SERVICES

INFRASTRUCTURE = ("kafka", "mongo", "smtp")
MAIL = "interactions-mail"
"""Takes mail in; it has a port for that, ``mail``, and one for its health."""
PARTS = (*INFRASTRUCTURE, *(f"{name}-{kind}" for name in SERVICES for kind in ("worker", "api")), MAIL)
GROUPS = {
    "all": PARTS,
    "infra": INFRASTRUCTURE,
    "workers": tuple(p for p in PARTS if p.endswith("-worker")),
    "apis": tuple(p for p in PARTS if p.endswith("-api")),
}
POLICY_FILES = (
    "RAPPORT_PROGRAM",
    "RAPPORT_RULES",
    "RAPPORT_SLA",
    "RAPPORT_DESK",
    "RAPPORT_METRICS_POLICY",
)
"""Variables that name YAML files of one's own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and the variables that tell others about it."""

    specs: tuple[Spec, ...]
    env: Mapping[str, str]
    """What ``.rapport/env`` says."""


def select(text: str) -> tuple[str, ...]:
    """Part names from a comma-separated list of parts, services and groups (all, infra, workers, apis),
    with the servers that they need. Raises TroubleError for a name that is none of those."""
    chosen: set[str] = set()
    for word in filter(None, (w.strip() for w in text.split(","))):
        if word in GROUPS:
            chosen.update(GROUPS[word])
        elif word in PARTS:
            chosen.add(word)
        elif word in SERVICES:
            chosen.update(part for part in PARTS if part.startswith(f"{word}-"))
        else:
            raise TroubleError(f"There is no part {word!r}: use {', '.join((*GROUPS, *SERVICES, *PARTS))}.")
    if chosen - set(INFRASTRUCTURE):
        chosen.update(("kafka", "mongo"))
    if "followup-worker" in chosen:
        chosen.add("smtp")
    if not chosen:
        raise TroubleError(f"Name at least one part: {', '.join((*GROUPS, *SERVICES, *PARTS))}.")
    return tuple(part for part in PARTS if part in chosen)


def partitions(environ: Mapping[str, str]) -> int:
    """``RAPPORT_PARTITIONS``, 4 unless told. Raises TroubleError when it is no positive number."""
    text = environ.get("RAPPORT_PARTITIONS") or str(DEFAULT_PARTITIONS)
    if not text.isdigit() or int(text) < 1:
        raise TroubleError(f"RAPPORT_PARTITIONS is {text!r}: give a number from 1 up.")
    return int(text)


def plan(home: Home, parts: Iterable[str] = PARTS, environ: Mapping[str, str] | None = None) -> Plan:
    """Choose ports and servers and work out every process. Raises TroubleError; starts nothing."""
    environ = dict(os.environ if environ is None else environ)
    parts = tuple(parts)
    home.create()
    where = ports.where(environ)
    beside = {"kafka": "kafka-controller", MAIL: "mail"}
    named = (*parts, *(port for part, port in beside.items() if part in parts))
    at = ports.choose(home, named, environ, where.bind)
    env = variables(home, at, environ, where.host)
    inherited = {**environ, **env, "RAPPORT_HOME": str(home.root), "PYTHONUNBUFFERED": "1"}
    return Plan(tuple(_spec(name, home, at, inherited, where) for name in parts), env)


def variables(
    home: Home, at: Mapping[str, int], environ: Mapping[str, str], host: str = ports.HOST
) -> dict[str, str]:
    """The lines of ``.rapport/env``: addresses of what runs, the keys, the clock, the YAML files."""
    env: dict[str, str] = {}
    for name, part in (("RAPPORT_KAFKA", "kafka"), ("RAPPORT_MONGO", "mongo")):
        if part not in at and environ.get(name):
            env[name] = environ[name]  # of others, which services that run here are told
    if "kafka" in at:
        env["RAPPORT_KAFKA"] = f"{host}:{at['kafka']}"
    if "RAPPORT_KAFKA" in env:
        env["RAPPORT_PARTITIONS"] = str(partitions(environ))
    if "mongo" in at:
        env["RAPPORT_MONGO"] = mongo.uri(at["mongo"], host)
    for name in SERVICES:
        if f"{name}-api" in at:
            env[f"RAPPORT_{name.upper()}_URL"] = f"http://{host}:{at[f'{name}-api']}"
    env |= home.keep_secrets(environ)
    env["RAPPORT_MAILBOX"] = str(home.mailbox)
    if "mail" in at:
        env["RAPPORT_MAIL_IN"] = f"{host}:{at['mail']}"
    if "smtp" in at:
        env |= {"RAPPORT_SMTP_HOST": host, "RAPPORT_SMTP_PORT": str(at["smtp"])}
    env["RAPPORT_CLOCK"] = _clock(environ)
    for name in POLICY_FILES:
        if environ.get(name):
            env[name] = str(_existing(name, environ[name]))
    return env


def _clock(environ: Mapping[str, str]) -> str:
    clock = environ.get("RAPPORT_CLOCK") or "wall"
    if clock not in ("wall", "stream"):
        raise TroubleError(f"RAPPORT_CLOCK is {clock!r}: use wall or stream.")
    return clock


def _existing(name: str, value: str) -> Path:
    path = Path(value).expanduser().resolve()
    if not path.is_file():
        raise TroubleError(f"{name} names {path}, which is no file: correct it, or unset it for the default.")
    return path


def _spec(name: str, home: Home, at: Mapping[str, int], env: Mapping[str, str], where: ports.Where) -> Spec:
    if name == "kafka":
        return kafka.spec(home, at["kafka"], at["kafka-controller"], env, _topics(env), where)
    if name == "mongo":
        return mongo.spec(home, at["mongo"], env, where)
    if name == "smtp":
        return _smtp(home, at["smtp"], env, where)
    needs = tuple(p for p in ("kafka", "mongo") if p in at)
    if name == MAIL:
        return _mail(at[name], at["mail"], env, where, needs)
    return _service(name, at[name], env, where, needs)


class _topics:
    """Applies the topics once; a broker that was started again has them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._servers = env["RAPPORT_KAFKA"]
        self._partitions = partitions(env)
        self._done = False

    def __call__(self) -> None:
        if not self._done:
            from rapport.broker import apply_topics  # the client costs 0.2 s to import
            from shared.kafka.brokers import Brokers

            apply_topics(Brokers(self._servers), self._partitions)
            self._done = True


def _smtp(home: Home, port: int, env: Mapping[str, str], where: ports.Where) -> Spec:
    options = ["--host", where.bind, "--port", str(port)]
    options += ["--maildir", str(home.mailbox), "--refuse", str(home.refusals)]
    return Spec(
        name="smtp",
        command=lambda: [sys.executable, "-m", "rapport.embedded.smtp", *options],
        ready=lambda: probes.smtp(port, where.own),
        port=port,
        host=where.host,
        env=env,
        stop_seconds=5.0,
        stop_order=1,
    )


def _service(
    name: str, port: int, env: Mapping[str, str], where: ports.Where, needs: tuple[str, ...]
) -> Spec:
    service, _, kind = name.partition("-")
    return Spec(
        name=name,
        command=lambda: [sys.executable, "-m", f"services.{service}.{kind}"],
        ready=lambda: probes.http_ready(port, where.own),
        port=port,
        host=where.host,
        env={"RAPPORT_HOST": where.bind, **env, f"RAPPORT_{kind.upper()}_PORT": str(port)},
        needs=needs,
        stop_seconds=12.0,
    )


def _mail(
    port: int, mail_port: int, env: Mapping[str, str], where: ports.Where, needs: tuple[str, ...]
) -> Spec:
    listens = {"RAPPORT_MAIL_HOST": where.bind, "RAPPORT_MAIL_PORT": str(mail_port)}
    return Spec(
        name=MAIL,
        command=lambda: [sys.executable, "-m", "services.interactions.mail"],
        ready=lambda: probes.http_ready(port, where.own) and probes.smtp(mail_port, where.own),
        port=port,
        host=where.host,
        env={"RAPPORT_HOST": where.bind, **env, **listens, "RAPPORT_API_PORT": str(port)},
        needs=needs,
        stop_seconds=12.0,
    )


def start_part(home: Home, name: str, environ: Mapping[str, str] | None = None) -> Part:
    """Start one of kafka (with its topics), mongo or smtp and wait for it. Raises PartFailedError.

    Nobody starts it again when it dies: ``part.kill()`` then ``part.start(); part.wait_ready()`` do.
    """
    part = Part(plan(home, (name,), environ).specs[0], home)
    try:
        part.start()
        part.wait_ready()
    except BaseException:
        part.stop()
        raise
    return part


def start_kafka(home: Home, environ: Mapping[str, str] | None = None) -> Part:
    """A broker with Rapport's topics; ``part.address`` is its bootstrap server."""
    return start_part(home, "kafka", environ)


def start_mongo(home: Home, environ: Mapping[str, str] | None = None) -> Part:
    """A MongoDB-wire server; ``mongo.uri(part.port)`` is what clients connect to."""
    return start_part(home, "mongo", environ)


def start_smtp(home: Home, environ: Mapping[str, str] | None = None) -> Part:
    """An SMTP server that writes ``home.mailbox``."""
    return start_part(home, "smtp", environ)
