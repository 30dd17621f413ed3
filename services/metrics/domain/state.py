"""A customer's record as it is stored: all that is needed to say what the customer counts as.

What happened is kept as times in order, not as a status, so that facts which arrive in another order, or
late, end in the same counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import asdict, astuple

from services.metrics.domain.answered import Answer
from services.metrics.domain.looked import Looked
from services.metrics.domain.parts import GivenUp, Merging, Message, TermStep, Trial
from services.metrics.domain.places import Where, shop
from services.metrics.domain.spoken import Text
from shared.facts.complaints import Life, ToldStep, life_of
from shared.schemas.times import Micros, day_of

Ids: TypeAlias = tuple[int, ...]
"""Hashes of events' ids that are to be known for ever."""
Turn: TypeAlias = tuple[Micros, int]
"""When something was said in a conversation, and by whom (``turns``)."""
Merge: TypeAlias = tuple[Micros, str, str]
"""When a conversation became part of another, which, and of which."""
BEGINNING, END = -(2**31), 2**31 - 1
"""A day before all others, and one after."""


class Return(msgspec.Struct, array_like=True, frozen=True):
    """What a return says; kept while it waits for its order."""

    return_id: str
    amount: int
    """Minor units of its currency."""
    currency: str
    lines: int
    """How many lines came back; 0 for money alone."""
    told: int = 0
    """Tells what was told of it from other accounts (``shared.facts.names.Name.told``)."""
    id: int = 0
    """Its event's, as ``Customer.waiting`` has it; 0 once it took effect."""


class Order(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A purchase, or what is known of it: a return may come first. Amounts in minor units."""

    touched: Micros
    """Time of its latest event, as far as it has passed."""
    made: Micros | None = None
    channel: str = ""
    amount: int = 0
    currency: str = ""
    left: int = 0
    """The amount less what was paid back."""
    lines: int = 0
    returns: Mapping[str, int] = {}
    """The returns that took effect: by id, ``Return.told``. Never changed in place, nor what waits."""
    waiting: Sequence[Return] = []
    """Returns heard before the order, in that order."""
    store: str = ""
    """Where it was made in one."""

    @property
    def where(self) -> Where:
        """Where it counts."""
        return shop(self.channel, self.store)

    @property
    def counts_at(self) -> tuple[int | None, Where]:
        """The day on which it counts, and where."""
        return self.day, self.where

    @property
    def day(self) -> int | None:
        """The day it counts on; None if it does not: not made yet, or paid back in full."""
        if self.made is None or (self.amount and not self.left):
            return None
        return day_of(self.made)


class Complaint(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What is known of a complaint; its opening may come last."""

    channel: str = ""
    steps: list[ToldStep] = []
    """As ``shared.facts.complaints.with_step`` orders them; none until it is opened."""
    waiting: list[tuple[Micros, int, Micros, int]] = []
    """Time and kind of those heard before the opening, when they were heard, and ``ToldStep.by``."""
    causes: list[tuple[Micros, str]] = []
    """The root causes that resolutions name, by the resolution's time."""
    told: int = 0
    """Tells what its opening says from other accounts (``shared.facts.names.Name.told``)."""
    conversation: str = ""
    """In which it was made, and is answered."""
    team: str = ""
    """That was asked last in its conversation."""
    judged: list[tuple[int, Micros, Micros, bool]] = []
    """Promises that were decided: the clock (a place in ``kpis.clocks.CLOCKS``), when it was due, when that
    was decided, and whether it was kept."""

    @property
    def where(self) -> Where:
        """Where it counts."""
        return Where(self.channel, team=self.team)

    @property
    def life(self) -> Life:
        """What the steps make of it."""
        return life_of([told.step for told in self.steps])

    @property
    def latest(self) -> Micros:
        """The latest time it knows."""
        steps, judged = (told.at for told in self.steps), (one[2] for one in self.judged)
        return max((*steps, *(one[0] for one in self.waiting), *judged), default=0)


class Talk(msgspec.Struct, array_like=True):
    """What is known of a conversation."""

    latest: Micros = 0
    """Time of its latest event, as far as it has passed."""
    channel: str = ""
    """Of its first message, by event time; none is known yet."""
    began: Micros = 0
    turns: list[Turn] = []
    """What the customer and agents said, by time."""
    team: str = ""
    """That was asked last."""
    team_at: Micros = 0
    hands: list[tuple[Micros, int]] = []
    """When an agent took it, and when it was in nobody's hands (``talks``), by time."""

    @property
    def where(self) -> Where:
        """Where it counts."""
        return Where(self.channel, team=self.team)


class Agent(msgspec.Struct, array_like=True):
    """When an agent of a team was at work."""

    steps: list[tuple[Micros, bool]] = []
    """When it changed, or was told anew, by time."""
    before: bool = False
    """Whether they were at work before the first of these."""
    floor: Micros = BEGINNING
    """What was before it is settled."""


class Customer(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The record as it is stored (MessagePack)."""

    segment: str = ""
    segment_at: Micros | None = None
    """Time of the profile that told the segment."""
    orders: dict[str, Order] = {}
    complaints: dict[str, Complaint] = {}
    counts: dict[int, dict[str, int]] = {}
    """What its events count as by themselves, nowhere in particular: day to fields."""
    latest: int = BEGINNING
    """Day of the latest fact."""
    floor: int = BEGINNING
    """Orders before this day are no longer kept: they stay counted as they were."""
    past: dict[str, list[int]] = {}
    """Days of orders no longer kept that are next to what may still change, by chain (see ``tracked``), in
    order: what they count as goes by the orders after them."""
    answers: dict[str, Answer] = {}
    """By the name of what was answered (``shared.facts.names.answer_of``), in hexadecimal."""
    names: bytes = b""
    """Of orders that are no longer kept since there are too many (``shared.facts.names``)."""
    waiting: dict[int, str] = {}
    """Returns that wait: by the hashes of their events' ids, the order. These are no longer free, and not
    known for ever yet."""
    tier: str = ""
    """In the loyalty program, as loyalty told it last; none before that."""
    elsewhere: dict[str, dict[int, dict[str, int]]] = {}
    """As ``counts``, of events that happened somewhere: by ``Where.name``."""
    talks: dict[str, Talk] = {}
    """Conversations by id."""
    merges: list[Merge] = []
    """Of conversations, as they were heard."""
    messages: dict[int, Message] = {}
    """By the hash of their names: those of which more may be heard. They count in ``elsewhere``."""
    trials: dict[str, Trial] = {}
    """By rule."""
    agents: dict[str, Agent] = {}
    """Of a team's record alone, which is of no customer."""
    months: dict[int, int] | None = None
    """How many purchases count in each month (``cohorts``). None: what follows from a customer's life is not
    counted yet, as of records that an earlier version wrote."""
    firsts: dict[str, int] = {}
    """The day of the first of the purchases that are no longer kept, by chain."""
    subscriptions: dict[str, list[TermStep]] = {}
    """Terms and cancellations by event time; of one instant in the order of the log."""
    begun: bool = False
    """There were runs of terms before those that are kept."""
    since: int = END
    """Day of the first fact."""
    looked: Looked = Looked()
    placed: bool = False
    """The segment is what health makes of the customer, since the profile names none."""
    texts: dict[str, Text] = {}
    """Comments and reviews that hold (``texts``), by their names in hexadecimal."""
    given_up: dict[int, GivenUp] = {}
    """By the day of a purchase, that P(alive) fell below the bound after it (``given_up``)."""
    days_before: int = 0
    """On so many days there was a purchase that is no longer kept, and none that is."""
    by_days: bool = False
    """Its purchases count by days (``gaps``): not yet, where an earlier version wrote it."""
    merging: Merging | None = None
    """None of nearly all: of who was never merged."""


# Fields that a later version has put at the end are refused, and so noticed at no cost else. Only then the
# structs are of these classes, which carry them along.


class LaterOrder(Order, array_like=True):
    """An order as a later version wrote it."""

    later: tuple[Any, ...] = ()


class LaterComplaint(Complaint, array_like=True):
    """A complaint as a later version wrote it."""

    later: tuple[Any, ...] = ()


class LaterCustomer(Customer, array_like=True):
    """A record as a later version wrote it, in whole or in part."""

    later: tuple[Any, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Customer)
_ORDERS = Customer.__struct_fields__.index("orders")
_COMPLAINTS = Customer.__struct_fields__.index("complaints")


def encode(customer: Customer) -> bytes:
    if not isinstance(customer, LaterCustomer):
        return _encoder.encode(customer)
    fields = _fields(customer)
    for place in (_ORDERS, _COMPLAINTS):
        fields[place] = {name: _fields(one) for name, one in fields[place].items()}
    return _encoder.encode(fields)


def decode(data: bytes) -> Customer:
    """Raises ``msgspec.ValidationError``, but not for fields that a later version has put at an end."""
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError:
        return _decode_later(msgspec.msgpack.decode(data, type=list[Any]))


def _decode_later(fields: list[Any]) -> Customer:
    known = len(Customer.__struct_fields__)
    later_orders = _cut(fields[_ORDERS], Order)
    later_complaints = _cut(fields[_COMPLAINTS], Complaint)
    customer = msgspec.convert(fields[:known], Customer)
    for name, later in later_orders.items():
        customer.orders[name] = LaterOrder(**asdict(customer.orders[name]), later=later)
    for name, later in later_complaints.items():
        customer.complaints[name] = LaterComplaint(**asdict(customer.complaints[name]), later=later)
    return LaterCustomer(**asdict(customer), later=tuple(fields[known:]))


def _cut(structs: dict[str, list[Any]], kind: type[msgspec.Struct]) -> dict[str, tuple[Any, ...]]:
    """Leave in each, in place, the fields that ``kind`` knows. The others, of those that have any."""
    known = len(kind.__struct_fields__)
    later = {name: tuple(fields[known:]) for name, fields in structs.items() if len(fields) > known}
    for name in later:
        del structs[name][known:]
    return later


def _fields(struct: Order | Complaint | Customer) -> list[Any]:
    """In their order, those of a later version at the end."""
    fields = [*astuple(struct)]
    if isinstance(struct, LaterOrder | LaterComplaint | LaterCustomer):
        fields[-1:] = fields[-1]
    return fields
