"""What loyalty remembers of one customer: small frozen models, times in microseconds since 1970.

Growth is bounded: spent, expired and reversed lots leave at once (the ledger keeps their history),
orders and closed vouchers after ``MEMORY``, waiting returns when they have waited long enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from msgspec import structs
from pydantic import ConfigDict, Field

from services.loyalty.domain.membership import Apart, Invited, Period, UsedCode
from services.loyalty.domain.rules import Accrual
from shared.facts.names import Names
from shared.facts.orders import RETURNABLE_DAYS
from shared.facts.profile import Known
from shared.merging.state import Standing
from shared.schemas.base import Open
from shared.schemas.part import Part
from shared.schemas.times import DAY, Micros

MEMORY = RETURNABLE_DAYS * DAY
"""How long an order can be returned, and a closed voucher is known."""
PROFILE = frozenset({"birthday", "timezone", "segment"})
"""What loyalty keeps of a profile."""


# What a member has dozens of is a ``Part``: read and looked through in a tenth of the time of a model. Fields
# of a later version, which models keep by themselves, are refused in it and in dataclasses, and so noticed
# and put aside (``shared/journal/later.py``), by the first two fields of what they are on: let those be ones
# that do not change.
_STRICT = ConfigDict(extra="forbid")


class Lot(Part, frozen=True):
    """Points of one accrual. Its cause is in the ledger, under the same ``entry_id``."""

    entry_id: str
    order_id: str | None
    points: int
    """As earned."""
    remaining: int
    """Still there, 1 or more while the lot is kept."""
    earned_at: Micros
    expires_at: Micros


class Pending(Open):
    """A lot that is not available yet; the ledger hears of it when it is."""

    lot: Lot
    available_at: Micros
    cause: tuple[str, str]
    """Source and id of the event that earned it."""
    why: Annotated[Accrual, Field(discriminator="rule")]
    """The rule that gave it, for the ledger."""


class Terms(NamedTuple):
    """What a purchase was made under; exact fractions like ``1/80``. Read from ``Order.terms``."""

    currency: str
    award: str
    """Points for one of its minor units."""
    rate: str
    """What one minor unit was worth in the program's currency."""


class Order(Part, frozen=True):
    """What returns and tiers need to know of a purchase. Amounts in its own minor units, of what earns: what
    the program exempts is in an ``Exempt``."""

    order_id: str
    at: Micros
    total: int
    terms: str
    """``Terms`` in one string, since there are many orders and few different terms."""
    left: int
    """The total less all refunds."""
    spend: int
    """What is left, in minor units of the program's currency: tiers add it up with every purchase."""
    lines: int = 0
    """How many there were: a refund may be so many minor units over."""

    @classmethod
    def paid(cls, order_id: str, at: int, total: int, terms: str, lines: int = 0) -> "Order":
        """A purchase of which nothing came back yet."""
        spend = times(total, read_terms(terms).rate)
        return cls(order_id, at, total, terms, total, spend, lines)

    def refunded(self, amount: int) -> "Order":
        """After one more return, of no more than what is left."""
        left = self.left - amount
        return structs.replace(self, left=left, spend=times(left, read_terms(self.terms).rate))

    def points(self) -> int:
        """Points that the purchase keeps after its refunds."""
        return times(self.left, read_terms(self.terms).award)


Pieces = tuple[tuple[str, int], ...]
"""(SKU, units)."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A voucher is held from ``since`` until ``until``."""

    __pydantic_config__ = _STRICT

    since: Micros
    until: Micros
    order_id: str | None = None
    """The order that alone may use it meanwhile; none: whoever knows the code."""


class Voucher(Open):
    """A reward that was bought, to be used once before ``expires_at``."""

    code: str
    reward_id: str
    cost: int
    issued_at: Micros
    expires_at: Micros
    status: Literal["open", "redeemed", "cancelled"] = "open"
    pieces: tuple[Lot, ...] = ()
    """What paid for it, each lot with the points taken as its ``remaining``; empty once it cannot be open
    any more."""
    order_id: str | None = None
    """The purchase that used it: it is open again when that is returned whole."""
    out: Pieces = ()
    """Of an order that cost nothing, what is still to come back until it is returned whole."""
    reserved: Reservation | None = None
    """Only while it is open."""


class Told(Open):
    """A fact as it was told, kept until it can be judged. It may become a dead letter yet."""

    at: Micros
    type: str
    """Of its event."""
    data: str
    """As JSON text."""
    extensions: str | None = None
    """The event's other attributes, as JSON text."""
    cause: tuple[str, str]
    """Source and id of its event."""
    origin: str
    """Where its record stands in the log."""
    heard_at: Micros
    counted: int = 0
    """Of a return of the future: what it will take of its order."""


class Line(Open):
    """Goods of a purchase that something depends on."""

    sku: str
    quantity: int
    amount: str
    """What was paid for them, discounts off: an exact fraction of minor units, ``2500/3``."""


class Exempt(Open):
    """What an order holds that earns nothing, in the order's minor units."""

    order_id: str
    total: int
    left: int
    """The total less what was refunded of it: below 0 where that was rounded up."""
    lines: tuple[Line, ...]
    """Those that did not come back."""


class Bonus(Open):
    """What a campaign gave for a purchase, and what a return needs to know of it."""

    order_id: str
    campaign: str
    points: int
    """As given: the rest of a cap or a budget may have been less than the effect says."""
    kept: int
    """Of these, after returns."""
    multiplier: str = ""
    """An exact fraction, for the effect ``multiplier``."""
    per_line: int = 0
    """For the effect ``points_per_line``; with neither it is a ``bonus`` for the whole purchase."""
    lines: tuple[Line, ...] = ()
    """The lines that count; none: all of the purchase."""


class MemberState(Open):
    """A customer of the program; a member once ``enrolled_at`` is set."""

    packed: ClassVar[tuple[str, ...]] = ("lots", "orders", "names")

    at: Micros = 0
    """The latest instant judged: expiries and tier ends up to and including it are done."""
    enrolled_at: Micros | None = None
    seq: int = 0
    """Ledger entries so far."""
    lifetime: int = 0
    """Points earned and adjusted in all, less those reversed."""
    debt: int = 0
    """Points owed after returns; above 0 only while no lot is active."""
    lots: tuple[Lot, ...] = ()
    """Active, by earliest expiry."""
    pending: tuple[Pending, ...] = ()
    """By earliest availability."""
    orders: tuple[Order, ...] = ()
    """By time."""
    periods: tuple[Period, ...] = ()
    """By time, without gaps."""
    vouchers: tuple[Voucher, ...] = ()
    waiting: tuple[Told, ...] = ()
    """Returns seen before their purchases, as they came."""
    bonuses: tuple[Bonus, ...] = ()
    """What campaigns gave for the orders above."""
    returned: tuple[tuple[str, str, int], ...] = ()
    """(order, sku, units) that came back, of orders whose bonuses go by the line."""
    campaigns: tuple[tuple[str, int], ...] = ()
    """(campaign, points) given so far, less those taken back, of campaigns with a cap."""
    bought_at: Micros | None = None
    """The first purchase above 0, in the order of the log."""
    invited: Invited | None = None
    referrals: tuple[Micros, ...] = ()
    """When friends' first purchases were rewarded, of the last 365 days, by time."""
    profile: Mapping[str, Known] = {}
    """Of ``PROFILE``, what was told."""
    anniversary_at: Micros | None = None
    """The next anniversary of the enrolment."""
    birthday_at: Micros | None = None
    """The next birthday's first instant, where the member lives."""
    birthday_given_at: Micros | None = None
    told_at: Micros | None = None
    """When the member was last told of points that expire."""
    told_until: Micros = 0
    """Up to which expiry."""
    booked_at: Micros = 0
    """The instant that the latest ledger entry is booked at; it never goes back."""
    names: Names = b""
    """Of orders, returns and referrals that were heard of."""
    ahead: tuple[Told, ...] = ()
    """Facts of the future, by time: each takes effect when its time comes."""
    early: tuple[Told, ...] = ()
    """Purchases of one who is no member as far as is known, where joining is explicit, as they came."""
    exempt: tuple[Exempt, ...] = ()
    """Of the orders above."""
    due: Micros | None = None
    """When the member's timer is set for: the next instant at which time alone changes something."""
    merging: Standing | None = None
    apart: Apart | None = None
    used: tuple[UsedCode, ...] = ()
    """Codes whose vouchers may be on their way here, by a merge or home; the latest few."""


def built(before: MemberState, **fields: Any) -> MemberState:
    """A state of all these fields, and as ``before`` of those that only a later version knows. Not validated:
    each part was when it was read or made. ``model_construct`` takes more than twice the time."""
    state = MemberState.__new__(MemberState)
    put = object.__setattr__
    put(state, "__dict__", fields)
    put(state, "__pydantic_fields_set__", ALL_FIELDS)
    put(state, "__pydantic_extra__", before.__pydantic_extra__)
    put(state, "__pydantic_private__", None)
    return state


ALL_FIELDS = set(MemberState.model_fields)


@lru_cache(maxsize=1024)
def read_terms(terms: str) -> Terms:
    """``EUR 1/80 1`` as its parts."""
    return Terms(*terms.split(" "))


@lru_cache(maxsize=1024)
def _fraction(text: str) -> tuple[int, int]:
    numerator, _, denominator = text.partition("/")
    return int(numerator), int(denominator or 1)


def times(amount: int, fraction: str) -> int:
    """``amount`` (0 or more) times a fraction like ``1/80``, rounded down; exact."""
    numerator, denominator = _fraction(fraction)
    return amount * numerator // denominator
