"""The four services in memory on one log, each reading at a pace of its own."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.followup.channels.registry import load_channels
from services.followup.config import load_policy
from services.followup.settings import FollowupSettings
from services.followup.worker import handler_of as followup
from services.interactions.worker import handler as interactions
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler as loyalty
from services.metrics.domain.apply import CONSUMES
from services.metrics.domain.apply import apply as count
from services.metrics.domain.cells import Delta
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.domain import Handler
from shared.journal.testing import InMemoryWorker
from shared.runtime.settings import Settings
from shared.schemas.event import Event
from shared.schemas.times import micros
from shared.schemas.topics import TOPICS

from .histories import START, Told

NOWHERE: dict[str, Any] = {
    "kafka": "nowhere:1",
    "mongo": "mongodb://nowhere",
    "secret_key": "0123456789abcdef",
}
PROGRAM = Path(__file__).parent / "program.yaml"


@cache
def handlers() -> tuple[Handler[Any], ...]:
    """Those that keep their states by the journal; made once, since files are read for them."""
    policy = load_policy(FollowupSettings(**NOWHERE), load_channels())
    return (
        interactions(Settings(**NOWHERE)),
        loyalty(LoyaltySettings(**NOWHERE, program=PROGRAM)),
        followup(policy),
    )


@dataclass(slots=True)
class Metrics:
    """Metrics' worker in memory: its domain, without an id twice."""

    records: dict[str, Tracked] = field(default_factory=dict)
    cells: Delta = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def read(self, event: Event, now: datetime) -> None:
        if not isinstance(event.data, CONSUMES) or event.uid in self.seen:
            return
        record = self.records.setdefault(event.subject, Tracked(Customer()))
        if count(record, event, micros(now), self.cells):
            self.seen.add(event.uid)


class World:
    """All of a history told, and what each service makes of it."""

    def __init__(self, history: Sequence[Told], dice: random.Random) -> None:
        self.workers: dict[str, InMemoryWorker[Any]] = {
            handler.service: InMemoryWorker(handler, now=START) for handler in handlers()
        }
        self.metrics = Metrics()
        self.heard: dict[str, dict[str, datetime]] = {service: {} for service in self.workers}
        """Service -> an event's ``uid`` -> when that service read it first."""
        self.logs: dict[str, list[Event]] = {topic: [] for topic in TOPICS}
        self.now = START
        self._read = {(service, topic): 0 for service in (*self.workers, "metrics") for topic in TOPICS}
        self._heard = dict.fromkeys(self.workers, 0)
        self._play(list(history), dice)

    def _play(self, history: list[Told], dice: random.Random) -> None:
        while True:
            ready = [at for at, n in self._read.items() if n < len(self.logs[at[1]])]
            if history and (not ready or dice.random() < 0.4):
                told = history.pop(0)
                self.now = max(self.now, told.produced)
                self.logs[told.event.data.topic].append(told.event)
            elif ready:
                self._one(*dice.choice(ready))
            else:
                break
        self.now += timedelta(days=2)  # what was dated ahead has come to pass
        for service in self.workers:
            self._pass(service)
        while ready := [at for at, n in self._read.items() if n < len(self.logs[at[1]])]:
            self._one(*dice.choice(ready))

    def _one(self, service: str, topic: str) -> None:
        """A service reads one record."""
        event = self.logs[topic][self._read[service, topic]]
        self._read[service, topic] += 1
        if service == "metrics":
            self.metrics.read(event, self.now)
            return
        self._pass(service)
        self.heard[service].setdefault(event.uid, self.now)
        self.workers[service].send(event)
        self._publish(service)

    def _pass(self, service: str) -> None:
        self.workers[service].advance(self.now)
        self._publish(service)

    def _publish(self, service: str) -> None:
        emitted = self.workers[service].emitted
        for event in emitted[self._heard[service] :]:
            if event.data.topic != "commands":  # the kit has handled its own
                self.logs[event.data.topic].append(event)
        self._heard[service] = len(emitted)

    def facts(self, subject: str) -> list[Event]:
        """All that is told of a customer on the topics of facts, each in its order."""
        return [
            e for topic, log in self.logs.items() if topic != "commands" for e in log if e.subject == subject
        ]

    def told_by(self, service: str, subject: str) -> Iterator[Event]:
        """What a service emitted about a customer."""
        return (e for e in self.workers[service].emitted if e.subject == subject)
