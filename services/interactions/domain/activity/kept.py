"""What a customer's state keeps of what they bought, and of what other services plan and make of them."""

from shared.facts.names import Packed
from shared.schemas.base import Open
from shared.schemas.times import Micros


class Planned(Open):
    """A message that followup has planned and of which it has told no end."""

    outreach_id: str
    rule: str
    channel: str
    due_at: Micros


class Driver(Open):
    """One of the things that health is made of."""

    driver: str
    points: float
    of: float
    why: str = ""


class Health(Open):
    """As metrics told it last, by event time. What was never told is None."""

    at: Micros | None = None
    score: int | None = None
    drivers: tuple[Driver, ...] = ()
    churn_probability: float | None = None
    clv: tuple[int, str] | None = None
    """Amount in minor units, and currency."""
    segment: str | None = None
    segment_at: Micros | None = None
    warned_at: Micros | None = None
    """When it was told last that the customer may leave."""


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
    book: Packed = b""
    """What is left of each order (``shared.facts.order_book``)."""
