"""What Rapport announced so far, read from its own topics ``loyalty`` and ``outreach`` while it runs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Any

import msgspec
from kafka import TopicPartition

from rapport import broker
from shared.kafka.brokers import Brokers
from shared.schemas.codec import BadRecordError, Envelope, open_envelope

TOPICS = ("loyalty", "outreach")


class _Fact(msgspec.Struct):
    """The fields of both topics' data that are counted."""

    points: int = 0
    balance: int = 0
    rule: str = ""
    reason: str = ""
    outreach_id: str = ""
    channel: str = ""
    from_: str = msgspec.field(name="from", default="")
    to: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a customer, for the stories."""

    at: datetime
    what: str
    """``tier`` or ``sent``."""
    detail: str
    """The new tier, or the outreach rule."""
    before: str = ""
    due: datetime | None = None
    """When a message was due."""
    channel: str = "email"
    """What it went by; a task is its team's to do."""


@dataclass(slots=True)
class Tally:
    """Counts; an event that is published twice under its id counts once."""

    seen: set[tuple[str, str]] = field(default_factory=set)
    balances: dict[str, int] = field(default_factory=dict)
    tiers: dict[str, str] = field(default_factory=dict)
    points: Counter[str] = field(default_factory=Counter)
    """By kind: earned, reversed, redeemed, expired..."""
    outreach: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (sent / suppressed / ..., rule)."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Suppressed, by reason."""
    moments: dict[str, list[Moment]] = field(default_factory=lambda: defaultdict(list))

    def add(self, envelope: Envelope) -> None:
        key = (envelope.source, envelope.id)
        if key in self.seen:
            return
        self.seen.add(key)
        _, area, action, _ = envelope.type.split(".")
        customer = envelope.subject
        fact = msgspec.json.decode(envelope.data, type=_Fact)
        if area == "points":
            self.points[action] += fact.points
            self.balances[customer] = fact.balance
        elif area == "member":
            self.tiers.setdefault(customer, "bronze")
        elif area == "tier" and action == "changed":
            self.tiers[customer] = fact.to
            self.moments[customer].append(Moment(envelope.time, "tier", fact.to, fact.from_))
        elif area == "outreach":
            self.outreach[action, fact.rule] += 1
            if action == "suppressed":
                self.reasons[fact.reason] += 1
            if action == "sent":
                went = Moment(envelope.time, "sent", fact.rule, due=fact.due_at, channel=fact.channel)
                self.moments[customer].append(went)


class Follower:
    """Reads the topics in a thread of its own. Use as a context."""

    def __init__(self, servers: Brokers) -> None:
        self._servers = servers
        self._stop = Event()
        self._lock = Lock()
        self._tally = Tally()
        self._positions: dict[TopicPartition, int] = {}
        self._thread = Thread(target=self._read, name="tally", daemon=True)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def snapshot(self) -> Tally:
        """Counts as they are now; the moments are shared, for reading when all is quiet."""
        with self._lock:
            now = self._tally
            return Tally(
                balances=dict(now.balances),
                tiers=dict(now.tiers),
                points=Counter(now.points),
                outreach=Counter(now.outreach),
                reasons=Counter(now.reasons),
                moments=now.moments,
            )

    def caught_up(self, ends: dict[TopicPartition, int]) -> bool:
        """Whether all up to these offsets has been counted."""
        with self._lock:
            return all(self._positions.get(part, 0) >= end for part, end in ends.items())

    def _read(self) -> None:
        with broker.consumer(self._servers) as client:
            parts = [
                TopicPartition(topic, number)
                for topic in TOPICS
                for number in sorted(client.partitions_for_topic(topic) or ())
            ]
            client.assign(parts)
            client.seek_to_beginning(*parts)
            while not self._stop.is_set():
                for part, records in client.poll(timeout_ms=500, max_records=2000).items():
                    self._count(part, records)

    def _count(self, part: TopicPartition, records: Iterable[Any]) -> None:
        with self._lock:
            for one in records:
                try:
                    self._tally.add(open_envelope(one.key, one.value, one.headers))
                except BadRecordError:
                    continue  # the dead-letter topic tells of it
                finally:
                    self._positions[part] = one.offset + 1
