"""What a fold is given and gives: one fact told of a customer, and what it changes."""

from typing import NamedTuple, TypeVar

from services.interactions.domain.state import Complaint, Customer
from shared.domain import Append, Context, Put, Retract, Unseen
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.times import Micros, day_of, micros

D = TypeVar("D", bound=Data)


class Told(NamedTuple):
    """A fact, and how it came here."""

    event: Event
    at: Micros
    """The event's time."""
    context: Context
    asked: bool = False
    """A command asked for it just now: nobody told it."""

    @property
    def unseen(self) -> Unseen:
        """Of a fact that has no effect here, and is another service's dead letter."""
        return Unseen(self.event, self.context.origin)

    @property
    def now(self) -> Micros:
        return micros(self.context.now)

    @property
    def day(self) -> int:
        """The day on which it is heard, as names keep it."""
        return heard_on(self.now)


def heard_on(now: Micros) -> int:
    """The day, as names keep it."""
    return min(max(day_of(now), 0), 2**16 - 1)


class Note(NamedTuple):
    """Why a row of the timeline is not what it seems: one word before its line, and a sentence."""

    word: str
    """Empty where the fact has its effect, and there is only something to say about it."""
    why: str


COPY = Note("Copy", "It was told before under another event id, and counts once.")
TOLD_OTHERWISE = Note("Copy", "It was told before, with other data: what was told first holds.")
ANSWERED_BEFORE = Note("Again", "Of two answers about one thing the later holds, and they count once.")
HUSHED = Note("Silenced", "A bot said it though people had the conversation: it is no answer.")
WAITS_FOR_ORDER = Note("Waiting", "It counts once its order is known.")
ORDER_NEVER_TOLD = Note("Refused", "It counts nowhere: its order was not told in time.")
WAITS_FOR_COMPLAINT = Note("Waiting", "It holds once its complaint is known.")


def refused(why: str) -> Note:
    return Note("Refused", why)


class Change(NamedTuple):
    """What a fact does to the customer and to rows other than its own."""

    customer: Customer
    counted: int = 1
    """How many more facts of its topic have an effect by now: 0 for a copy."""
    note: Note | None = None
    """What its own row says beside what was told."""
    complaint: Complaint | None = None
    """The complaint that it changed."""
    conversation_id: str | None = None
    """Of a message: what its row is found by."""
    rows: tuple[Append | Put, ...] = ()
    retracts: tuple[Retract, ...] = ()
    unseen: tuple[Unseen, ...] = ()
