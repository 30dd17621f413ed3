"""What a domain function takes and gives: plain frozen data, no I/O.

A service's domain is ``apply(state, event, context) -> Effects``. The worker writes the effects in
one transaction, publishes what is emitted, and only then commits the offset.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from shared.schemas.base import Data
from shared.schemas.event import Event

S = TypeVar("S", bound=BaseModel)


class RefusedError(Exception):
    """The domain says no. For a command that is its outcome; for a fact, a dead letter.

    ``code`` is stable, for programs; ``detail`` is for whoever asked; ``reason`` is as much of it as logs and
    dead letters may have: nothing that came with the event. ``field`` names the bad input."""

    def __init__(
        self, code: str, detail: str, *, status: int = 409, field: str | None = None, reason: str = ""
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.reason = reason or code
        self.status = status
        self.field = field


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One way in which a service says no. Each service lists its own in ``errors.py``; its routes' documents
    and its README are made from that list. Calling one makes the refusal to raise."""

    code: str
    """Stable, for programs."""
    status: int
    """The HTTP status; of a fact, which nobody waits for, the refusal is a dead letter."""
    sentence: str
    """For people: a ``str.format`` template, complete, with a capital and a stop."""
    ours: tuple[str, ...] = ()
    """What of it is filled with words and limits of ours, and no value that came with the event."""

    def __call__(self, *, field: str | None = None, **told: object) -> RefusedError:
        """``field`` names the bad input; ``told`` fills the sentence."""
        ours = {name: value if name in self.ours else "…" for name, value in told.items()}
        detail, reason = (self.sentence.format(**one) for one in (told, ours))
        return RefusedError(self.code, detail, status=self.status, field=field, reason=reason)


ERASED = ErrorCode("erased", 410, "The customer has been erased.")
"""What the journal says, for every service, to a command that is about somebody it has erased."""


def declared(module: Mapping[str, object]) -> tuple[ErrorCode, ...]:
    """The codes among a module's names, in their order."""
    return tuple(value for value in module.values() if isinstance(value, ErrorCode))


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of a service's own rows, and what it holds of whom: export and erasure go by that."""

    name: str
    owner: str | None
    """The field that holds the customer's id; None where no row is about one customer."""
    personal: tuple[str, ...]
    """The fields that say something about a person, their contact data or their words, which erasure
    removes; empty where the rows are only numbers and ids."""
    indexes: tuple[str, ...] = ()
    """Each a comma-separated key list, ``-`` before a descending key. Every index costs each write."""
    expires: tuple[str, timedelta] | None = None
    """A field that holds a time, and how long after it the row is deleted."""
    also: tuple[str, ...] = ()
    """Further fields that hold a customer's id: the row is about that one too, and goes with either."""
    forget: Callable[[Mapping[str, Any]], "Emit | None"] | None = None
    """Where another state holds what a row says: what is told of it (with a subject) before the row goes by
    an erasure. It is told again where the worker dies meanwhile."""
    names: tuple[str, ...] = ()
    """Fields (``part.field`` in a part) with ids of others, of whom the row tells its owner."""
    without: Callable[[Mapping[str, Any], frozenset[str]], Mapping[str, Any]] = lambda row, gone: {}
    """It stays when these are erased: the fields that are then set, by the row and who of them is."""

    @property
    def owners(self) -> tuple[str, ...]:
        """All fields that hold a customer's id; none where no row is about one customer."""
        return () if self.owner is None else (self.owner, *self.also)

    def about(self, customer: str) -> dict[str, Any]:
        """The query of the rows about a customer, where rows can be about one."""
        found = [{owner: customer} for owner in self.owners]
        return found[0] if len(found) == 1 else {"$or": found}

    def is_about(self, row: Mapping[str, Any], customer: str) -> bool:
        """Whether that query finds the row."""
        return any(row.get(owner) == customer for owner in self.owners)


@dataclass(frozen=True, slots=True)
class Context:
    """All that is not in the state or the event: time, ids, secrets. The same event gets the same ones."""

    now: datetime
    """The wall clock, or under ``RAPPORT_CLOCK=stream`` the watermark with this event in it."""
    new_id: Callable[[str], str]
    """``new_id(tag)``: an id made of the event's source and id and the tag (deterministic, 24 hex digits)."""
    secret: Callable[[str], str]
    """``secret(tag)``: as ``new_id``, but keyed, so nobody can guess it (16 characters, A-Z and 2-7)."""
    used: Callable[[str], int] = lambda counter: 0
    """``used(counter)``: how much of a shared counter is taken (see ``Take``), by this batch too."""
    origin: str = ""
    """Where the event stands in the log, ``topic/partition/offset``; kept by a domain that may have to
    ``Retract`` the event later."""
    emitted: Callable[[int], str] = lambda place: ""
    """``emitted(n)``: the id of the event that is emitted in that place of ``Effects.emits``, from 0."""
    gone: frozenset[str] = frozenset()
    """The erased of those of whom the event tells others, or whose the state is: see ``Kind``."""


@dataclass(frozen=True, slots=True)
class Emit:
    """An event to publish on its data's topic, keyed by its subject. The worker adds the id."""

    data: Data
    time: datetime
    subject: str | None = None
    """Whom it is about, if that is another than the event's own subject: another customer, or a team."""


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire ``TimerFired(name, due_at, payload)`` at ``due_at``. A customer has one timer of a name:
    setting it again moves it."""

    name: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Fire the customer's timer of this name no more; none of that name: nothing happens."""

    name: str


@dataclass(frozen=True, slots=True)
class Append:
    """Insert a new document (with its ``_id``) into one of the service's collections: the cheapest write."""

    collection: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Put:
    """Replace, or insert, the document with this ``_id``. The last of a batch wins."""

    collection: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Increment:
    """Add to whole numbers of a partition's own document ``key``: one write per document and step."""

    collection: str
    key: str
    fields: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Take:
    """Take from what all customers share, such as a stock or a budget; a negative ``amount`` gives back.
    The domain looks at ``Context.used`` first and refuses by itself. The batch's transaction holds only if
    no counter goes above its ``limit``: where another worker was faster, the batch is planned again."""

    counter: str
    amount: int
    limit: int | None = None
    """None where more may be taken than there is, as when giving back."""


@dataclass(frozen=True, slots=True)
class Retract:
    """An event that was accepted earlier and turns out to be bad: it becomes a dead letter with its first
    place in the log, and its id counts as not seen. It may be the very event that is applied, where what it
    does to the state is to stay."""

    event: Event
    origin: str
    """``Context.origin`` of that time."""
    code: str
    reason: str
    """Why, for people: the refusal's own, which has nothing that came with the event."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """An event that has no effect here, or none any more, since it is bad, but is no dead letter of this
    service: its id counts as not seen, so that the event put right under it has its effect here too."""

    event: Event
    origin: str
    """``Context.origin`` of when it was heard."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command's caller is answered: an HTTP status and body."""

    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effects(Generic[S]):
    """All that one event does. ``state`` that *is* the old state costs no write."""

    state: S
    emits: tuple[Emit, ...] = ()
    timers: tuple[SetTimer | CancelTimer, ...] = ()
    rows: tuple[Append | Put | Increment, ...] = ()
    outcome: Outcome = Outcome()
    takes: tuple[Take, ...] = ()
    retracts: tuple[Retract, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    erase: bool = False
    """The state goes for good, with its timers, and ``state`` is not looked at. Whatever is told of its id
    from then on has no effect; a command is refused (410 ``erased``)."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a service still does about somebody whom it has erased. There is no state, and no such fact is
    journalled: one that is heard again does the same again, so rows are put under ids that it gives."""

    rows: tuple[Put | Increment, ...] = ()
    """Sums only of a command, which is heard once."""
    emits: tuple[Emit, ...] = ()
    outcome: Outcome = Outcome()
    """Of a command, which is journalled without whom it was about."""
    lift: bool = False
    """They are erased no more: whatever comes from then on has its effect, on the initial state."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """States of another kind than a customer's, such as a team's task (``Data.state_id``)."""

    state: type[S]
    """A frozen Pydantic model, stored as one document each."""
    initial: Callable[[str], S]
    """The state that was never heard of, from its id, ``<kind>/<record key>`` and maybe more."""
    apply: Callable[[S, Event, Context], Effects[S]]
    """As ``Handler.apply``."""
    judges: tuple[type[Data], ...] = ()
    """Those of these types that tell of customers who are erased are put to it; else that has no effect."""
    owner: Callable[[S], str | None] | None = None
    """Whose a state is, where whatever comes next is to find out that they are erased (``Context.gone``)."""


@dataclass(frozen=True, slots=True)
class Handler(Generic[S]):
    """A service as the worker sees it: which events it uses and what they do."""

    service: str
    consumes: tuple[type[Data], ...]
    """Data classes it applies; it subscribes to their topics and skips every other type.
    Its own facts (source ``/rapport/<service>``) are skipped too: they were applied when decided.
    ``TimerFired`` need not be listed."""
    state: type[S]
    """A frozen Pydantic model, stored as one document per customer."""
    initial: Callable[[str], S]
    """The state of a customer never seen, from the customer id."""
    apply: Callable[[S, Event, Context], Effects[S]]
    """Pure. Raises ``RefusedError`` to say no."""
    collections: tuple[Collection, ...] = ()
    """All that ``rows`` name, so that they exist, with their indexes, before the first transaction."""
    reads_everything: bool = False
    """Interactions alone: all topics; what nobody can read is a dead letter, what is misplaced forwarded."""
    judges: tuple[type[Data], ...] = ()
    """As ``Kind.judges``."""
    kinds: Mapping[str, Kind[Any]] = field(default_factory=dict)
    """Its states that are no customer's, by the word with which their ids begin."""
    of_erased: Callable[[str, Event, Context], Aftermath | None] | None = None
    """What is still done about an event on somebody who was erased, from their hash and the event. Pure.
    None: nothing, as of all such events unless it is given; the event is counted, a command refused (410).
    Raises ``RefusedError`` to refuse a command otherwise. Its own ``ErasureCompleted`` is put to it too."""

    def of(self, state_id: str) -> "Handler[S] | Kind[Any]":
        """What decides about the state of this id."""
        return self if "/" not in state_id else self.kinds[state_id.partition("/")[0]]
