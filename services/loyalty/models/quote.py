"""A purchase that is asked about, and what it would do."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.loyalty.domain.reports.quote import NO_ORDER, Quote
from shared.schemas.base import Frozen, Id, Money, Strict
from shared.schemas.fields import Price, VoucherCode
from shared.schemas.purchases import PurchaseItem, PurchaseMade
from shared.schemas.times import moment

MOST_ITEMS = 1_000
MOST_CODES = 100


class QuoteBody(Strict):
    """A basket."""

    total: Annotated[Price, Field(description="What would be paid without these vouchers.")]
    items: Annotated[tuple[PurchaseItem, ...], Field(max_length=MOST_ITEMS)] = ()
    voucher_codes: Annotated[tuple[VoucherCode, ...], Field(max_length=MOST_CODES)] = ()
    channel: Annotated[Id | None, Field(description="Where it would be bought: some campaigns ask.")] = None
    store_id: Id | None = None
    order_id: Annotated[Id | None, Field(description="The order that reserved the vouchers, if any.")] = None

    def purchase(self) -> PurchaseMade:
        """As it would be told of."""
        fields = {name: getattr(self, name) for name in ("total", "items", "voucher_codes", "store_id")}
        # Checked already, and named as no order is.
        return PurchaseMade.model_construct(order_id=NO_ORDER, channel=self.channel or "quote", **fields)


class VoucherOff(Frozen):
    """A voucher of the basket."""

    voucher_code: str
    reward_id: str
    takes_off: Annotated[
        Money | None, Field(description="Null: the program does not say; the till knows what it is good for.")
    ]


class PointsOf(Frozen):
    """Points by one rule."""

    reason: str
    points: int
    available_at: datetime
    expires_at: datetime


class QuoteAnswer(Frozen):
    """What the purchase would do, were it made now. Nothing was changed."""

    customer_id: Annotated[str, Field(description="The survivor's, where the id asked for was merged.")]
    total: Money
    takes_off: Annotated[Money, Field(description="By all vouchers together.")]
    to_pay: Annotated[Money, Field(description="`total` less `takes_off`: what earns.")]
    vouchers: Annotated[list[VoucherOff], Field(description="Each takes off what those before it left.")]
    points: Annotated[int, Field(description="Earned in all.")]
    earned: Annotated[list[PointsOf], Field(description="The tier's points, and those of each campaign.")]
    balance: Annotated[int, Field(description="After it; points that wait are not in it.")]
    tier: Annotated[str, Field(description="After it.")]


def quote_answer(customer_id: str, body: QuoteBody, found: Quote) -> QuoteAnswer:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=body.total.currency)

    return QuoteAnswer(
        customer_id=customer_id,
        total=money(body.total.amount),
        takes_off=money(body.total.amount - found.to_pay),
        to_pay=money(found.to_pay),
        vouchers=[
            VoucherOff(
                voucher_code=off.voucher.code,
                reward_id=off.voucher.reward_id,
                takes_off=None if off.amount is None else money(off.amount),
            )
            for off in found.vouchers
        ],
        points=sum(one.points for one in found.earned),
        earned=[
            PointsOf(
                reason=one.why.reason,
                points=one.points,
                available_at=moment(one.available_at),
                expires_at=moment(one.expires_at),
            )
            for one in found.earned
        ],
        balance=found.balance,
        tier=found.tier,
    )
