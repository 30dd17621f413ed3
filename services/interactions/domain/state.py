"""What interactions knows about one customer: frozen and bounded, stored as one document.

Times are whole microseconds since 1970 (``Micros``): the latest of two events must not depend on whether a
state was loaded or still in memory. Fields that a later version has put in are kept (``Open``): what
changes is copied, not made anew.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import Field

from shared.schemas.base import Open
from shared.schemas.times import Micros

MAX_CHANNELS = 50
"""Distinct channels counted by name; further ones count as ``OTHER_CHANNEL``."""
OTHER_CHANNEL = "other"
MAX_CONSENTS = 300
MAX_COMPLAINTS = 200
"""Complaints remembered with their status; beyond that the oldest closed ones are forgotten."""
MAX_SUBSCRIPTIONS = 100

Status: TypeAlias = Literal["opened", "acknowledged", "resolved", "closed", "reopened"]
STATUSES: tuple[Status, ...] = ("opened", "acknowledged", "resolved", "closed", "reopened")
OPEN_STATUSES: frozenset[Status] = frozenset({"opened", "acknowledged", "reopened"})
"""Somebody still has to act."""


class Known(Open):
    """A profile field's value and the time of the event that told it."""

    encoded: str
    """The value as JSON text: sources invent preferences that a BSON document could not hold."""
    at: Micros


class Consent(Open):
    """What the customer last said about a purpose on a channel."""

    purpose: str
    channel: str
    granted: bool
    at: Micros


class ChannelUse(Open):
    """How often the customer came by a channel, and when last."""

    channel: str
    count: int
    last_at: Micros


class Complaint(Open):
    """A complaint in brief; its texts are in the timeline."""

    complaint_id: str
    status: Status
    channel: str
    category: str
    severity: str
    summary: str
    """The description's beginning."""
    order_id: str | None = None
    assignee: str | None = None
    opened_at: Micros
    updated_at: Micros
    acknowledged_at: Micros | None = None
    """First response; kept when the complaint is reopened."""
    resolved_at: Micros | None = None
    closed_at: Micros | None = None
    missed: tuple[str, ...] = ()
    """SLA clocks that ran out and whose step has not been taken since."""
    steps: int = 1
    """How many facts made it what it is."""

    @property
    def open(self) -> bool:
        """Whether somebody still has to act."""
        return self.status in OPEN_STATUSES

    @property
    def overdue(self) -> bool:
        """Whether a deadline passed and its step is still due."""
        return self.open and bool(self.missed)


class Subscription(Open):
    """The terms that were told last, None where never told; ``amount`` is in minor units of ``currency``."""

    subscription_id: str
    at: Micros
    """Time of the latest event about it."""
    plan: str | None = None
    amount: int | None = None
    currency: str | None = None
    started_at: Micros | None = None
    expires_at: Micros | None = None
    cancelled_at: Micros | None = None
    ends_at: Micros | None = None
    """When a cancelled one ends; None: at once."""


class Spend(Open):
    """Money in one currency, in minor units."""

    currency: str
    purchased: int = 0
    refunded: int = 0


class Purchases(Open):
    """Orders and returns, counted and summed up per currency."""

    count: int = 0
    returns: int = 0
    first_at: Micros | None = None
    last_at: Micros | None = None
    spend: tuple[Spend, ...] = ()


class Loyalty(Open):
    """As loyalty's own events tell it, in the order of its log."""

    enrolled_at: Micros | None = None
    balance: int = 0
    tier: str | None = None


class Customer(Open):
    """The state: all that the 360 shows, and what the rules need."""

    customer_id: str
    profile: dict[str, Known] = Field(default_factory=dict)
    consents: tuple[Consent, ...] = ()
    channels: tuple[ChannelUse, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    loyalty: Loyalty | None = None
    subscriptions: tuple[Subscription, ...] = ()
    purchases: Purchases = Purchases()
    counts: dict[str, int] = Field(default_factory=dict)
    """Events handled, by topic."""
    seen_at: Micros | None = None
    """Time of the first event handled; orders search results."""


def initial(customer_id: str) -> Customer:
    """A customer never seen."""
    return Customer(customer_id=customer_id)


M = TypeVar("M", bound=Open)


def placed(items: tuple[M, ...], new: M, key: Callable[[M], Any]) -> tuple[M, ...]:
    """``items`` with ``new`` in the place of the one of the same key, or at the end."""
    wanted = key(new)
    for index, item in enumerate(items):
        if key(item) == wanted:
            return (*items[:index], new, *items[index + 1 :])
    return (*items, new)


def found(items: Sequence[M], wanted: Any, key: Callable[[M], Any]) -> M | None:
    """The item of this key."""
    for item in items:
        if key(item) == wanted:
            return item
    return None
