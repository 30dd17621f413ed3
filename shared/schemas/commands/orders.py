"""What shops tell of their orders (ADR 72). Keyed by the order, of which is told how it stands: what changed
is decided by the order's own state. Amounts are minor units of the order's currency."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Currency, Id, Open, Time
from shared.schemas.commands import Command
from shared.schemas.fields import Label, VoucherCode
from shared.schemas.purchases import PurchaseMade, PurchaseReturned, Quantity

ORDER = "order"
"""What the subject of these commands is, and how the ids of orders' states begin."""

Minor = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""Minor units."""


def order_state(order: str) -> str:
    """The id of the state that knows what was told of a shop's order."""
    return f"{ORDER}/{order}"


class ShopLine(Open):
    """A line of an order: goods, or what was paid beside them."""

    line: Label
    """Names the line in the shop."""
    sku: Label
    """The product; ``shipping``, ``tip``, ``duties`` and ``fee`` are what is paid beside goods."""
    category: Label | None = None
    """The category that it is sold under, where the shop says one."""
    quantity: Quantity
    """How many."""
    price: Minor
    """Of all of them, taxes in, before discounts."""
    amount: Minor
    """What was paid for all of them: taxes in, discounts off."""
    removed: Annotated[int, Field(ge=0, le=2**53)] = 0
    """How many of them an edit took away without a refund that names them."""


class ShopReturn(Open):
    """Of a line, what came back."""

    line: Label
    """The line."""
    sku: Label
    """Its product."""
    quantity: Quantity
    """How many."""


class ShopRefund(Open):
    """Money that went back, with goods or without."""

    refund_id: Id
    """Names it in the shop."""
    at: Time
    """When."""
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,16}(\.[0-9]{1,8})?$")]
    """How much, as a decimal number of units: it may come without the order, and without its currency."""
    currency: Currency | None = None
    """In which currency, where the shop says so; else that of the order."""
    items: tuple[ShopReturn, ...] = ()
    """What came back."""
    unpaid: bool = False
    """Nothing was paid for that yet: ``amount`` is what it had cost, and money alone pays for it first."""


class ShopOrder(Open):
    """An order as it stands in the shop."""

    order_id: Id
    """Names the order for customers and other services."""
    customer_id: Id
    """Whose it is."""
    channel: Id
    """Where it was made."""
    store_id: Id | None = None
    """The store, where it was made in one."""
    at: Time
    """When it was paid, or else placed."""
    updated_at: Time
    """When it became as it is."""
    told_at: Time | None = None
    """When the shop told of it, if it says so: to the microsecond, where changes are told to the second."""
    currency: Currency
    """Of all amounts."""
    paid: bool
    """It was paid, at least in part: from then on it is told."""
    void: bool = False
    """It was cancelled: what is left of it goes back."""
    total: Annotated[Minor, Field(ge=0)]
    """Of all that was ever in it, before refunds."""
    current: Annotated[Minor, Field(ge=0)] | None = None
    """What it is worth by now in the shop's own words, where it has any."""
    worth: Annotated[Minor, Field(ge=0)] | None = None
    """What it is worth by now, with all of these refunds, where the shop says enough. Left out, as it was by
    those who told before there was one, it is the total less what went back, or ``current`` if that
    is less."""
    owed: Annotated[Minor, Field(ge=0)] = 0
    """What of goods that are gone is still to be paid back: it is not in ``worth`` any more."""
    lines: tuple[ShopLine, ...] = ()
    """What is in it."""
    refunds: tuple[ShopRefund, ...] = ()
    """What went back of it so far."""
    voucher_codes: tuple[VoucherCode, ...] = ()
    """Vouchers and coupons used."""


class OrderCommand(Command):
    """Common to what is told of a shop's order."""

    entity: ClassVar[str] = ORDER

    def state_id(self, subject: str) -> str:
        return order_state(subject)


class OrderTellRequested(OrderCommand):
    """An order stands so."""

    event_type: ClassVar[str] = "rapport.interactions.order_tell.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("order.customer_id",)

    order: ShopOrder
    """The order."""
    restored: bool = False
    """It was deleted, and is there again."""


class OrderRefundRequested(OrderCommand):
    """Money went back, maybe of an order of which nothing was heard yet."""

    event_type: ClassVar[str] = "rapport.interactions.order_refund.requested.v1"

    refund: ShopRefund
    """What went back."""


class OrderDeleteRequested(OrderCommand):
    """An order is in the shop no more."""

    event_type: ClassVar[str] = "rapport.interactions.order_delete.requested.v1"


class OrderForgetRequested(OrderCommand):
    """Whose it is has been erased: it is nobody's from then on."""

    event_type: ClassVar[str] = "rapport.interactions.order_forget.requested.v1"

    customer_id: Id | None = None
    """Whose it was, or was to be: another's it stays. Left out where something of it was told of them after
    they were erased: of whom it was told."""


class PurchaseTellRequested(Command):
    """By what a shop told, a customer has bought something."""

    event_type: ClassVar[str] = "rapport.interactions.purchase_tell.requested.v1"

    at: Time
    """When."""
    purchase: PurchaseMade
    """What."""
    order: Id | None = None
    """The order's key; left out in what was told before there was one here."""


class ReturnTellRequested(Command):
    """By what a shop told, something went back."""

    event_type: ClassVar[str] = "rapport.interactions.return_tell.requested.v1"

    at: Time
    """When."""
    returned: PurchaseReturned
    """What."""
    order: Id | None = None
    """As of a purchase."""
