"""How much a caller may give to make good without asking another."""

from collections.abc import Collection
from typing import Annotated

from pydantic import Field, model_validator

from shared.schemas.base import Currency, Money, Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Count, Severity


class LimitMoney(Strict):
    """An amount in minor units (cents)."""

    amount: Annotated[int, Field(strict=True, ge=0, le=2**53)]
    currency: Currency


class Limit(Strict):
    """What callers with ``scope`` may give for a complaint."""

    scope: Annotated[str, Field(pattern=r"^[a-z]+(:[a-z]+)?$")]
    severity: Severity | None = None
    """None: of every severity."""
    points: Count | None = None
    """0: none without an approval. None: it says nothing about points."""
    money: LimitMoney | None = None
    """None: it says nothing about refunds."""

    @model_validator(mode="after")
    def _something(self) -> "Limit":
        if self.points is None and self.money is None:
            raise fault("", "must limit points or money")
        return self


class Compensation(Strict):
    """The limits. What no limit of a caller's scopes speaks of is not limited; of several the highest counts.
    A refund in a currency that they do not name is above them."""

    limits: Annotated[tuple[Limit, ...], Field(max_length=1_000)] = ()

    def allows(
        self, scopes: Collection[str], severity: str, points: int | None = None, money: Money | None = None
    ) -> bool:
        """Whether callers with these scopes may give so much without an approval. A voucher has no amount."""
        held = [one for one in self.limits if one.scope in scopes and one.severity in (None, severity)]
        most = [one.points for one in held if one.points is not None]
        if points is not None and most and points > max(most):
            return False
        sums = [one.money for one in held if one.money is not None]
        if money is None or not sums:
            return True
        return any(one.currency == money.currency and money.amount <= one.amount for one in sums)
