"""Rewards: what points buy, for whom, from when to when, and how many there are."""

from fractions import Fraction
from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from services.loyalty.domain.program.numbers import Days, Given, Instant, Title, Whole
from shared.schemas.base import Id, Strict
from shared.schemas.faults import fault
from shared.schemas.times import DAY, Micros, micros


class EarlyAccess(Strict):
    """Members of ``tier`` and above may have a reward ``days`` before its ``from``."""

    tier: Id
    days: Days


class Reward(Strict):
    """Something that points buy: a voucher for it is issued."""

    id: Id
    name: Title
    cost: Given
    """Points."""
    validity_days: Days = 90
    """Days from the issue to the expiry of its voucher."""
    tier: Id | None = None
    """The least tier that may have it; none: every member."""
    amount_off: Given | None = None
    """What its voucher takes off a purchase, in minor units of the program's currency."""
    percent_off: Annotated[Whole, Field(ge=1, le=100)] | None = None
    """What its voucher takes off a purchase, in percent of what is to be paid. With neither, what it is good
    for is the till's business."""
    stock: Annotated[Whole, Field(ge=0, le=10**12)] | None = None
    """How many there are in all; none: no end of them."""
    starts_at: Annotated[Instant | None, Field(alias="from")] = None
    ends_at: Annotated[Instant | None, Field(alias="until")] = None
    """It can be had in [from, until)."""
    early_access: EarlyAccess | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Reward":
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise fault("until", "must be after from")
        if self.early_access is not None and self.starts_at is None:
            raise fault("early_access", "needs a from to be earlier than")
        if self.amount_off is not None and self.percent_off is not None:
            raise fault("percent_off", "goes without amount_off: a voucher takes off one or the other")
        return self

    @cached_property
    def window(self) -> tuple[int | None, int | None, int | None]:
        """From, from for early access, until; microseconds since 1970."""
        start = None if self.starts_at is None else micros(self.starts_at)
        early = None if start is None or self.early_access is None else start - self.early_access.days * DAY
        return start, early, None if self.ends_at is None else micros(self.ends_at)

    def ends(self, issued_at: Micros) -> Micros:
        """From when on a voucher for it is good no more."""
        return issued_at + self.validity_days * DAY

    def takes_off(self, amount: int, rate: str) -> int | None:
        """Of an amount in minor units of a currency, of which one is worth ``rate`` of the program's: no more
        than the amount, rounded down; None where the program does not say."""
        if self.percent_off is not None:
            return amount * self.percent_off // 100
        if self.amount_off is not None:
            return min(amount, int(self.amount_off / Fraction(rate)))
        return None

    @property
    def counter(self) -> str:
        """The shared counter of its stock."""
        return f"stock:{self.id}"
