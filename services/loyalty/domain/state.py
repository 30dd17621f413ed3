"""What loyalty remembers of one customer: small frozen models, times in microseconds since 1970.

Growth is bounded: spent, expired and reversed lots leave at once (the ledger keeps their history),
orders, closed vouchers and waiting returns after ``MEMORY``.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field

from services.loyalty.domain.rules import Accrual
from shared.schemas.base import Open
from shared.schemas.purchases import PurchaseReturned
from shared.schemas.times import DAY, Micros

MEMORY = 730 * DAY
"""How long an order can be returned, and a closed voucher is known."""


# What a member has dozens of is a dataclass with slots: read from the store and looked through in half the
# time of a model. Pydantic checks both alike when it reads them. Fields of a later version, which models keep
# by themselves, are refused, and so noticed and put aside (``shared/journal/later.py``), by the first two
# fields of what they are on: let those be ones that do not change.
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Lot:
    """Points of one accrual. Its cause is in the ledger, under the same ``entry_id``."""

    __pydantic_config__ = _STRICT

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


@dataclass(frozen=True, slots=True)
class Order:
    """What returns and tiers need to know of a purchase. Amounts in its own minor units."""

    __pydantic_config__ = _STRICT

    order_id: str
    at: Micros
    total: int
    terms: str
    """``Terms`` in one string, since there are many orders and few different terms."""
    left: int
    """The total less all refunds."""
    spend: int
    """What is left, in minor units of the program's currency: tiers add it up with every purchase."""
    refunds: tuple[tuple[str, int], ...] = ()
    """Return ids with their amounts."""

    @classmethod
    def paid(cls, order_id: str, at: int, total: int, terms: str) -> "Order":
        """A purchase of which nothing came back yet."""
        spend = times(total, read_terms(terms).rate)
        return cls(order_id=order_id, at=at, total=total, terms=terms, left=total, spend=spend)

    def refunded(self, return_id: str, amount: int) -> "Order":
        """After one more return, of no more than what is left."""
        left = self.left - amount
        spend = times(left, read_terms(self.terms).rate)
        refunds = (*self.refunds, (return_id, amount))
        return replace(self, left=left, spend=spend, refunds=refunds)

    def points(self) -> int:
        """Points that the purchase keeps after its refunds."""
        return times(self.left, read_terms(self.terms).award)


@dataclass(frozen=True, slots=True)
class Period:
    """A tier held in [start, end); ``end`` None: for ever."""

    __pydantic_config__ = _STRICT

    tier: str
    start: Micros
    end: Micros | None = None
    warned: bool = False
    """Whether the end's warning was judged."""


class Voucher(Open):
    """A reward that was bought, to be used once before ``expires_at``."""

    code: str
    reward_id: str
    cost: int
    issued_at: Micros
    expires_at: Micros
    status: Literal["open", "redeemed", "cancelled"] = "open"
    pieces: tuple[Lot, ...] = ()
    """What paid for it, each lot with the points taken as its ``remaining``; empty once closed."""


class Waiting(Open):
    """A return seen before its purchase, as it came: it may become a dead letter yet."""

    data: PurchaseReturned
    at: Micros
    cause: tuple[str, str]
    """Source and id of its event."""
    origin: str
    """Where its record stands in the log."""


class Line(Open):
    """A line of a purchase that a campaign rewards."""

    sku: str
    quantity: int
    unit_price: int


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


class Invited(Open):
    """Who referred this customer, and when."""

    referrer: str
    at: Micros
    claimed: bool = False
    """Whether the reward was asked for, at the first purchase, or never will be."""


class MemberState(Open):
    """A customer of the program; a member once ``enrolled_at`` is set."""

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
    waiting: tuple[Waiting, ...] = ()
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
    profile_at: Micros | None = None
    """The time of the profile that the next three are from; an older one does not overwrite them."""
    birthday: str | None = None
    """``YYYY-MM-DD`` or ``--MM-DD``."""
    timezone: str | None = None
    segment: str | None = None
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
    due: Micros | None = None
    """When the member's timer is set for: the next instant at which time alone changes something."""


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
