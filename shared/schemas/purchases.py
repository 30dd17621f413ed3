"""What customers buy, return, subscribe to and own."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Data, Id, Money, Open, Time
from shared.schemas.fields import Label, Price, VoucherCode

Quantity = Annotated[int, Field(ge=1, le=2**53)]


class PurchasesData(Data):
    """Common to the topic ``purchases``."""

    topic: ClassVar[str] = "purchases"


class PurchaseItem(Open):
    """A line of a purchase."""

    sku: Label
    """The product that was bought."""
    category: Label | None = None
    """The category that the product is sold under."""
    quantity: Quantity
    """How many, 1 or more."""
    unit_price: Money
    """Price of one; negative for a discount line."""


class ReturnItem(Open):
    """A line of a return."""

    sku: Label
    """The product that came back."""
    quantity: Quantity
    """How many came back."""


class PurchaseMade(PurchasesData):
    """An order was paid."""

    event_type: ClassVar[str] = "rapport.purchase.made.v1"
    judge: ClassVar[str] = "loyalty"
    late: ClassVar[str] = "Counts with its own time; returns that were heard before it take effect then."
    thing: ClassVar[str] = "order"
    named_by: ClassVar[tuple[str, ...]] = ("order_id",)

    order_id: Id
    """Names the order, for returns and questions about it."""
    channel: Id
    """Where it was made, e.g. web, store."""
    store_id: Id | None = None
    """The store, where it was made in one."""
    total: Price
    """What was paid, 0 or more."""
    items: tuple[PurchaseItem, ...]
    """What was bought, line by line."""
    voucher_codes: tuple[VoucherCode, ...] = ()
    """Vouchers and coupons used."""


class PurchaseReturned(PurchasesData):
    """Goods, or only money, went back."""

    event_type: ClassVar[str] = "rapport.purchase.returned.v1"
    judge: ClassVar[str] = "loyalty"
    late: ClassVar[str] = (
        "Waits 730 days for its order in every service, then counts as far as that was paid; of accounts of"
        " it that wait, the first that can."
    )
    thing: ClassVar[str] = "return"
    named_by: ClassVar[tuple[str, ...]] = ("order_id", "return_id")

    order_id: Id
    """The order that it undoes, in part or whole."""
    return_id: Id
    """Names this return, one of maybe several of the order."""
    items: tuple[ReturnItem, ...] = ()
    """Lines that came back; empty: money back without goods."""
    refund: Price
    """What was paid back, 0 or more."""


class SubscriptionTerm(PurchasesData):
    """A paid term of a subscription."""

    late: ClassVar[str] = "The term told later, by event time, holds; it ends a cancellation from before it."

    subscription_id: Id
    """Names the subscription through all of its terms."""
    plan: Label
    """What was subscribed to."""
    price: Price
    """Price of the term, 0 or more."""
    expires_at: Time
    """The term's end."""


class SubscriptionStarted(SubscriptionTerm):
    """A subscription began."""

    event_type: ClassVar[str] = "rapport.subscription.started.v1"
    thing: ClassVar[str] = "term"
    named_by: ClassVar[tuple[str, ...]] = ("subscription_id", "expires_at")


class SubscriptionRenewed(SubscriptionTerm):
    """A subscription goes on for another term."""

    event_type: ClassVar[str] = "rapport.subscription.renewed.v1"
    thing: ClassVar[str] = "term"
    named_by: ClassVar[tuple[str, ...]] = ("subscription_id", "expires_at")


class SubscriptionCancelled(PurchasesData):
    """A subscription will not be renewed, or ended."""

    event_type: ClassVar[str] = "rapport.subscription.cancelled.v1"
    late: ClassVar[str] = "Ends the term that held at its time; one from before a new term ends nothing."
    again: ClassVar[str] = "Nothing: it says what is known."

    subscription_id: Id
    """The subscription that was started under this id."""
    reason: str | None = None
    """Why, in the customer's words or the source's."""
    ends_at: Time | None = None
    """When it ends, if not at once."""


class ProductRegistered(PurchasesData):
    """A customer owns a product that may need maintenance."""

    event_type: ClassVar[str] = "rapport.product.registered.v1"
    late: ClassVar[str] = "Counts with its own time."
    thing: ClassVar[str] = "product"
    named_by: ClassVar[tuple[str, ...]] = ("product_id",)

    product_id: Id
    """This very piece, e.g. its serial number."""
    sku: Label
    """The product that it is a piece of."""
    purchased_at: Time
    """When it was bought."""
    maintenance_every_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days between two maintenances."""
