"""What is kept of a customer's past. Times are in microseconds, amounts in minor units."""

from typing import Any, NamedTuple

from pydantic import SerializerFunctionWrapHandler, model_serializer

from shared.facts.names import Packed
from shared.schemas.base import Open
from shared.schemas.times import Micros

_EMPTY: tuple[Any, ...] = ((), [], "", b"")


class Part(Open):
    """What is not known of it is not written either: most rules ask for little."""

    @model_serializer(mode="wrap")
    def _known(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            name: value for name, value in whole(self).items() if value is not None and value not in _EMPTY
        }


class Bought(Open):
    """One of the latest orders."""

    order_id: str
    at: Micros
    currency: str
    amount: int
    refunded: int = 0
    returned: bool = False
    """Something went back, goods or money."""
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Spend(NamedTuple):
    """All that was paid in one currency, and paid back."""

    currency: str
    paid: int
    refunded: int


class Return(NamedTuple):
    """A return that waits for its order: the hashes of its name and its order's, and what it told."""

    key: str
    order: str
    told: str
    currency: str
    amount: int
    lines: int
    heard: Micros


class Purchases(Part):
    """Orders and what went back of them, as far as all services let it count."""

    count: int = 0
    first_at: Micros | None = None
    last_at: Micros | None = None
    spend: tuple[Spend, ...] = ()
    latest: tuple[Bought, ...] = ()
    """By event time, the latest first."""
    book: Packed = b""
    """What is left of each order (``shared.facts.order_book``)."""
    waiting: tuple[Return, ...] = ()
    """Returns whose orders are not known, the first heard first."""
    refused: tuple[str, ...] = ()
    """Names of returns that counted nothing: told otherwise they may."""


class Loyalty(Part):
    """The program, as its own events tell it."""

    tier: str | None = None
    balance: int | None = None
    enrolled_at: Micros | None = None


class Subscription(Part):
    """One subscription through all of its terms."""

    subscription_id: str
    heard_of: Micros
    """Event time of the latest that was told of it."""
    started_at: Micros | None = None
    term_at: Micros | None = None
    """Event time of the term that holds; None while only a cancellation is known."""
    plan: str | None = None
    expires_at: Micros | None = None
    cancelled_at: Micros | None = None
    ends_at: Micros | None = None
    """When the cancellation ends it, if not at once."""


class Product(Part):
    """One piece that the customer owns."""

    product_id: str
    sku: str
    purchased_at: Micros
    maintenance_every_days: int | None = None


class Contacts(Part):
    """The latest contacts of one kind and direction about one product, or about none."""

    kind: str
    direction: str
    sku: str | None = None
    times: tuple[Micros, ...]
    """The latest first."""


class Score(NamedTuple):
    """The latest answer to one survey."""

    survey: str
    score: int
    at: Micros


class Review(NamedTuple):
    """The latest review of one product."""

    sku: str
    rating: int
    at: Micros


class Segment(NamedTuple):
    """What the metrics make of the customer."""

    name: str
    at: Micros


class Health(Part):
    """How the metrics see the relationship, as they told it last."""

    at: Micros | None = None
    """Of score and value; None while none was told."""
    score: int | None = None
    churn_probability: float | None = None
    churn_at: Micros | None = None
    """Of the probability."""
    clv: tuple[int, str] | None = None
    """Minor units, and currency."""
    warned_at: Micros | None = None
    """When it was told that the customer may leave."""


class Basket(NamedTuple):
    """What counts of an order."""

    order: str
    """The hash of its name."""
    at: Micros
    skus: tuple[str, ...]
    """The dearest lines first."""
    quantities: tuple[int, ...]
    """How many of each."""


class Back(NamedTuple):
    """A product that came back, maybe before its order was heard of."""

    order: str
    sku: str
    quantity: int


class Baskets(Part):
    """What was bought together."""

    latest: tuple[Basket, ...] = ()
    """By event time, the latest last; one more than are kept, until the next is heard of."""
    back: tuple[Back, ...] = ()
    owned: Packed = b""
    """All that was ever bought (``owned``)."""


class History(Part):
    """What the rules in force ask for; the rest stays empty."""

    purchases: Purchases | None = None
    loyalty: Loyalty | None = None
    subscriptions: tuple[Subscription, ...] = ()
    products: tuple[Product, ...] = ()
    contacts: tuple[Contacts, ...] = ()
    scores: tuple[Score, ...] = ()
    reviews: tuple[Review, ...] = ()
    segment: Segment | None = None
    health: Health | None = None
    baskets: Baskets | None = None
