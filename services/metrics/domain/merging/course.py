"""Merging as metrics does it: the course that all services share (``shared.merging``), of records in
memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pydantic import ConfigDict

from services.metrics.domain.cells import Delta
from services.metrics.domain.merging.handing import Handed, arrived, cut
from services.metrics.domain.merging.joined import Joined, parted, unheard_of
from services.metrics.domain.merging.taking import given_back, left, taken_in
from services.metrics.domain.parts import Merging
from services.metrics.domain.state import Customer, Ids
from services.metrics.domain.texts import Raised, taken
from services.metrics.domain.themes import Matcher
from services.metrics.domain.tracked import Tracked
from shared.domain import Context, Effects, Emit, Put
from shared.merging.course import Course, Left
from shared.merging.state import Standing
from shared.schemas.base import Data, Frozen
from shared.schemas.commands.merging import MERGING, GiveBack, Relay
from shared.schemas.complaints import ComplaintsData
from shared.schemas.customers import CustomerErased, CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.interactions import ConversationMerged
from shared.schemas.purchases import PurchaseMade, PurchaseReturned, SubscriptionTerm
from shared.schemas.times import Micros, moment

SERVICE = "metrics"
MERGING_IS_TOLD: frozenset[type[Data]] = frozenset((CustomerMerged, CustomerUnmerged, *MERGING[SERVICE].all))
PUT_RIGHT = (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionTerm,
    ComplaintsData,
    ConversationMerged,
)
"""What may be a bad event, and be told right under its id: that is not known where it is relayed. A copy that
is told once the customer is back has no second effect, as the thing has a name."""


@dataclass(slots=True)
class Taking:
    """One event that merging has to do with, and what it does."""

    now: Micros
    id: int
    """Hash of the event's id."""
    themes: Matcher
    delta: Callable[[], Delta]
    """Where it counts, if it is told of the customer."""
    counted: Delta | None = None
    """That, if it was."""
    changed: bool = False
    """The record is another than it was."""
    moved: Delta = field(default_factory=Delta)
    """What merging changes."""
    ids: Ids | None = None
    """To be known from now on, as ``apply`` says."""
    raised: list[Raised] = field(default_factory=list)
    emits: tuple[Emit, ...] = ()
    rows: tuple[Put, ...] = ()
    erased: bool = False
    """Nothing of the customer is to stay."""


class Held(Frozen):
    """A record, as the course sees it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    tracked: Any
    """``Tracked``."""
    taking: Any
    """``Taking``."""
    merging: Standing | None = None

    def with_record(self, tracked: Tracked) -> "Held":
        return self.model_copy(update={"tracked": tracked})


def take(name: str, tracked: Tracked, event: Event, taking: Taking) -> Tracked:
    """Let an event take effect that ``concerns`` merging. Returns the record, which may be another object."""
    standing = standing_of(tracked.data)
    held = Held.model_construct(name=name, tracked=tracked, taking=taking, merging=standing)
    effects = COURSE.apply(held, event, _context(event, taking.now), _act)
    taking.emits, taking.rows = effects.emits, tuple(row for row in effects.rows if isinstance(row, Put))
    taking.erased = effects.erase
    if taking.ids is None:
        relayed = any(isinstance(emit.data, Relay) for emit in effects.emits)
        free = effects.unseen or (relayed and isinstance(event.data, PUT_RIGHT))
        taking.ids = () if free else (taking.id,)
    after: Tracked = effects.state.tracked
    if effects.state is not held:
        taking.changed = True
        _stand(after, effects.state.merging)
    return after


def standing_of(record: Customer) -> Standing | None:
    """Where a customer stands among merges; None of nearly all."""
    merging = record.merging
    return Standing.model_validate_json(merging.standing) if merging and merging.standing else None


def moved_into(record: Customer) -> str | None:
    """Whom the customer is by now, if that is another."""
    standing = standing_of(record)
    return None if standing is None or standing.moved is None else standing.moved.into


def _stand(tracked: Tracked, standing: Standing | None) -> None:
    """Keep this in the record; nothing where there is nothing to keep."""
    merging = tracked.data.merging or Merging()
    merging.standing = b"" if standing is None else standing.model_dump_json().encode()
    tracked.data.merging = merging if merging != Merging() or isinstance(tracked, Joined) else None


def _act(held: Held, event: Event, _: Context) -> Effects[Held]:
    """What is told of the customer, of whichever id."""
    taking: Taking = held.taking
    tracked: Tracked = held.tracked
    if isinstance(event.data, CustomerErased):
        return Effects(held, erase=True)
    taking.counted = delta = taking.delta()
    if event.been or isinstance(tracked, Joined):
        whole = parted(held.name, tracked)
        told = whole.take(event, event.told_of, taking.now, taking.id, taking.themes, delta)
        taking.ids, taking.raised = told
        return Effects(held.with_record(whole))
    taking.ids, taking.raised = taken(tracked, event, taking.now, delta, taking.id, taking.themes)
    return Effects(held.with_record(tracked))


def _leave(held: Held, _event: Event, _: Context) -> Left[Held, Handed]:
    handed = cut(left(held.name, held.tracked, held.taking.moved))
    return Left(Effects(held.with_record(unheard_of())), handed)


def _join(held: Held, handed: Handed, _event: Event, _: Context) -> Effects[Held]:
    tracked: Tracked = held.tracked
    merging = tracked.data.merging = tracked.data.merging or Merging()
    for whole in arrived(merging.pending, handed):
        tracked = taken_in(held.name, tracked, whole, held.taking.moved)
    return Effects(held.with_record(tracked))


def _give_back(held: Held, ids: frozenset[str], event: Event, _: Context) -> Left[Held, Handed]:
    assert isinstance(event.data, GiveBack)
    found = given_back(held.name, held.tracked, event.data.customer, ids, held.taking.moved)
    return Left(Effects(held.with_record(found[0])), cut(found[1]))


def _context(event: Event, now: Micros) -> Context:
    def new_id(tag: str) -> str:
        return sha256(f"{event.uid} {tag}".encode()).hexdigest()[:24]

    return Context(moment(now), new_id, new_id)


COURSE: Course[Held, Handed] = Course(SERVICE, Handed, _leave, _join, _give_back)
