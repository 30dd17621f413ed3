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
from services.followup.domain.history.learning import SUBJECTS
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
from services.metrics.journal.seen import event_hash
from shared.domain import Handler
from shared.journal.testing import InMemoryWorker
from shared.runtime.settings import Settings
from shared.schemas.complaints import CompensationGranted, ComplaintOpened, ComplaintsData
from shared.schemas.event import Event
from shared.schemas.times import micros
from shared.schemas.topics import TOPICS
from shared.worker.processing import Origin

from .histories import START, Correction, Told

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
    object.__setattr__(policy, "subjects", SUBJECTS)  # whatever the rules ask, all of the past is kept
    return (
        interactions(Settings(**NOWHERE)),
        loyalty(LoyaltySettings(**NOWHERE, program=PROGRAM)),
        followup(policy),
    )


@dataclass(slots=True)
class Metrics:
    """Metrics' worker in memory: its domain, without an id twice."""

    records: dict[str, Tracked] = field(default_factory=dict)
    cells: Delta = field(default_factory=Delta)
    seen: set[int] = field(default_factory=set)

    def read(self, event: Event, now: datetime) -> None:
        id = event_hash(event.uid)
        if not isinstance(event.data, CONSUMES) or id in self.seen:
            return
        record = self.records.setdefault(event.subject, Tracked(Customer()))
        self.seen.update(count(record, event, micros(now), self.cells, id))


class World:
    """All of a history told, and what each service makes of it."""

    def __init__(
        self, history: Sequence[Told], dice: random.Random, corrections: Sequence[Correction] = ()
    ) -> None:
        self.workers: dict[str, InMemoryWorker[Any]] = {
            handler.service: InMemoryWorker(handler, now=START) for handler in handlers()
        }
        self.metrics = Metrics()
        self.heard: dict[str, dict[str, datetime]] = {service: {} for service in self.workers}
        """Service -> an event's ``uid`` -> when that service read it first."""
        self.logs: dict[str, list[Event]] = {topic: [] for topic in TOPICS}
        self.dead: set[tuple[str, int]] = set()
        """Topic and place of each record that a service made a dead letter of."""
        self.now = START
        self._history, self._corrections = list(history), list(corrections)
        self._read = {(service, topic): 0 for service in (*self.workers, "metrics") for topic in TOPICS}
        self._heard = dict.fromkeys(self.workers, 0)
        self._buried = dict.fromkeys(self.workers, 0)
        self._play(dice)
        self.now += timedelta(days=2)  # what was dated ahead has come to pass
        for service in self.workers:
            self._pass(service)
        self._play(dice)

    def _play(self, dice: random.Random) -> None:
        """Until all is told and read."""
        while True:
            ready = [at for at, n in self._read.items() if n < len(self.logs[at[1]])]
            if self._history and (not ready or dice.random() < 0.4):
                told = self._history.pop(0)
                self.now = max(self.now, told.produced)
                self.logs[told.event.data.topic].append(told.event)
            elif ready:
                self._one(*dice.choice(ready))
            else:
                break
            self._put_right(dice)

    def _put_right(self, dice: random.Random) -> None:
        """The sources hear of new dead letters, and some tell what they should have told."""
        for service, worker in self.workers.items():
            letters = worker.dead_letters[self._buried[service] :]
            self._buried[service] += len(letters)
            for letter in letters:
                self.dead.add((letter.origin.topic, letter.origin.offset))
                right = next((one for one in self._corrections if one.fits(letter.event)), None)
                # Of one that stands in the log twice the log does not say whether its copy was a copy, or
                # was judged anew: only then is there room for another.
                log = self.logs[letter.origin.topic]
                if right is not None and sum(one.uid == letter.event.uid for one in log) == 1:
                    self._corrections.remove(right)
                    place = dice.randint(0, min(3, len(self._history)))
                    self._history.insert(place, Told(right.of(letter.event), self.now))

    def _one(self, service: str, topic: str) -> None:
        """A service reads one record."""
        place = self._read[service, topic]
        event = self.logs[topic][place]
        self._read[service, topic] += 1
        if service == "metrics":
            self.metrics.read(event, self.now)
            return
        self._pass(service)
        self.heard[service].setdefault(event.uid, self.now)
        self.workers[service].send(event, origin=Origin(topic, 0, place))
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
        """All that is told of a customer on the topics of facts, each in its order, as it was put right."""
        return [
            event
            for topic in self.logs
            if topic != "commands"
            for event in self._holding(topic)
            if event.subject == subject
        ]

    def _holding(self, topic: str) -> list[Event]:
        """Of what was told under one id the first holds; but a dead letter makes room for the next. With it
        go its copies under other ids, where it is a step of a complaint: that did not happen."""
        log, holding, copies = self.logs[topic], dict[str, int](), set[str]()
        for place, event in enumerate(log):
            before = holding.get(event.uid)
            if before is not None and (topic, before) in self.dead and event != log[before]:
                copies |= {uid for uid, at in holding.items() if _same_step(log[before], log[at])}
            if before is None or (topic, before) in self.dead:
                holding[event.uid] = place
                copies.discard(event.uid)
        return [log[place] for place in sorted(holding.values()) if log[place].uid not in copies]

    def told_by(self, service: str, subject: str) -> Iterator[Event]:
        """What a service emitted about a customer."""
        return (e for e in self.workers[service].emitted if e.subject == subject)


def _same_step(one: Event, other: Event) -> bool:
    return (
        isinstance(one.data, ComplaintsData)
        and isinstance(other.data, ComplaintsData)
        and (one.subject, one.time, one.type) == (other.subject, other.time, other.type)
        and one.data.complaint_id == other.data.complaint_id
        and not isinstance(one.data, ComplaintOpened | CompensationGranted)
    )
