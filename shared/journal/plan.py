"""What a plan is: all that the messages and timers of a step do to state, journal, timers and topics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic

from shared.domain import Retract, S
from shared.journal.counters import Counters
from shared.journal.erasing import Chore
from shared.journal.refusals import API_SOURCES, Refusal, Rejected
from shared.kafka.publisher import Record
from shared.runtime.digest import digest
from shared.schemas.event import Event
from shared.worker.processing import COMMANDS, TIMER_TOPIC, Message, Origin


@dataclass(frozen=True, slots=True)
class Timer:
    """A row of the ``timers`` collection."""

    subject: str
    """The id of the state that it is set for: a customer's id, most often."""
    name: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.subject}|{self.name}"


@dataclass(frozen=True, slots=True)
class StoredState(Generic[S]):
    """A state as the store has it; version 0 is one it has never seen."""

    state: S
    version: int
    size: int = field(default=0, compare=False)
    """Characters of its text in the store, about where it is not kept as text."""
    erased: bool = False
    """It went for good: whatever there is of it is not looked at."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry to be."""

    event: Event
    origin: Origin
    status: int | None
    """Of a command's outcome; None for a fact or a timer."""
    body: Mapping[str, Any] | None
    """The outcome's body, with ``status``."""
    emitted: tuple[Record, ...]
    """What is to be published, once the entry is written."""
    refusal: Refusal | None = None
    """Set for what became a dead letter: its very record is handled, another one of its id is not."""

    taken_back: bool = False
    """Set for a fact that takes itself back: likewise, and its dead letter, if this service has one, is among
    what it emits."""

    erased: str | None = None
    """Set for what is told of somebody who was erased: what the journal keeps in the place of whom it was
    about (``shared.facts.erased.entry_mark``)."""
    skipped: bool = False
    """Set where it had no effect for that reason."""

    @property
    def until(self) -> int | None:
        """Records of its id are handled up to this offset, if they are not all."""
        return self.origin.offset if self.taken_back or self.refusal is not None else None

    def covers(self, origin: Origin) -> bool:
        """Whether an event of this id that stands there is to have no effect (again)."""
        return is_covered(origin, self.origin, self.until)


def is_covered(origin: Origin, first: Origin, until: int | None) -> bool:
    """Whether a record at ``origin`` is handled with the one at ``first``: any is, or, where there is an
    ``until``, those beside it up to that offset."""
    return until is None or (beside(origin, first) and origin.offset <= until)


def beside(one: Origin, other: Origin) -> bool:
    """Whether two are on the same topic and partition."""
    return (one.topic, one.partition) == (other.topic, other.partition)


@dataclass(slots=True)
class Tombstone:
    """What the journal keeps of an event that was accepted and then taken back, so that its redelivery is
    told from another event of that id."""

    event: Event
    origin: Origin
    until: int
    """Records of the id on the origin's topic and partition are handled up to this offset."""
    emitted: tuple[Record, ...] = ()
    """What the journal's entry had of it: it may not be published yet, if its worker died."""


@dataclass(slots=True)
class Plan(Generic[S]):
    """All writes of a step."""

    entries: list[Entry] = field(default_factory=list)
    states: dict[str, S] = field(default_factory=dict)
    """The new ones of those that changed, by id."""
    erased: dict[str, Chore] = field(default_factory=dict)
    """Those that go for good, by id, and what that leaves to be done."""
    lifted: dict[str, str] = field(default_factory=dict)
    """The hashes of those who were erased and may come back, by id."""
    nameless: set[str] = field(default_factory=set)
    """Uids of its entries that the journal does not get: of facts about somebody who was erased, as their uid
    says who that was."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Likewise of the new ones, once they are made for the store."""
    timers: dict[str, Timer | None] = field(default_factory=dict)
    """Timer rows by key, None for one to delete."""
    fired: dict[str, datetime] = field(default_factory=dict)
    """Of those to delete, when they were due that fired as the store had them: a row goes as it was read."""
    appends: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    puts: dict[str, dict[Any, Mapping[str, Any]]] = field(default_factory=dict)
    increments: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """What to add to each field, by collection and key; nothing that comes to 0."""
    counters: Counters = field(default_factory=Counters)
    rejected: list[Rejected] = field(default_factory=list)
    """What becomes a dead letter; each has an entry too, so that its redelivery is told from a replay."""
    repeated: list[Message] = field(default_factory=list)
    """Messages without effect: they were seen before."""
    retracted: list[Retract] = field(default_factory=list)
    """Events accepted earlier and taken back now; their dead letters are with the entry that says so."""
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    """Of them, by uid, those whose id no other event of the plan has."""
    forgotten: set[str] = field(default_factory=set)
    """Uids whose journal entries, older than the plan, go before its own are written."""

    @property
    def outbox(self) -> list[str]:
        """Uids of its timers' entries with something to publish: no record brings them again."""
        return [e.event.uid for e in self.entries if e.origin.topic == TIMER_TOPIC and e.emitted]


def command_digest(entry: Entry) -> str | None:
    """The digest of a command's body, by which the API tells a retry from another request. Ids could be tried
    by it: of what an API did not ask, and of the erased, there is none."""
    event = entry.event
    if event.data.topic != COMMANDS or not event.source.startswith(API_SOURCES) or entry.erased is not None:
        return None
    return digest(entry.event.subject, entry.event.data)
