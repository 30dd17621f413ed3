"""A loyalty program as data: how points are earned, tiers reached and rewards bought.

Every number that multiplies is an exact decimal; nothing here counts with floats.
"""

from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.runtime.effects import Refused
from shared.schemas.base import Currency, Id

MAX_POINTS = 2**53
"""What every JSON reader holds exactly; no balance goes beyond it."""


def _number(value: object) -> object:
    # YAML's yes and no, and a quoted number, are mistakes here and not numbers.
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "must be a number")
    return value


Whole = Annotated[int, BeforeValidator(_number)]
Exact = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(gt=0, le=1_000_000, decimal_places=9),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""A positive number of at most nine decimals, e.g. a multiplier. Only JSON shows it as a float."""
Days = Annotated[Whole, Field(ge=1, le=36_500)]
Amount = Annotated[Whole, Field(ge=0, le=MAX_POINTS)]


class Part(BaseModel):
    """A part of a program: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Earning(Part):
    """``points`` for every ``per`` minor units, times the tier's multiplier, rounded down once."""

    points: Annotated[Whole, Field(ge=1, le=1_000_000)] = 1
    per: Annotated[Whole, Field(ge=1, le=1_000_000_000)] = 100
    pending_days: Annotated[Whole, Field(ge=0, le=3_650)] = 0
    """Days until points can be spent."""
    expire_days: Days = 365
    """Days from the purchase that points are good for."""

    @model_validator(mode="after")
    def _in_order(self) -> "Earning":
        if self.pending_days >= self.expire_days:
            raise PydanticCustomError(
                "order", "must be less than expire_days, or points expire unseen", {"at": "pending_days"}
            )
        return self


class Tier(Part):
    """A level, reached by the net spend of the last ``tier_days`` days."""

    name: Id
    spend: Amount
    """Least net spend, in minor units of the program's currency."""
    multiplier: Exact = Decimal(1)


class Reward(Part):
    """Something that points buy: a voucher for it is issued."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)]
    cost: Annotated[Whole, Field(ge=1, le=MAX_POINTS)]
    """Points."""
    validity_days: Days = 90
    """Days that the voucher is good for."""
    tier: Id | None = None
    """The least tier that may have it; none: every member."""


class Program(Part):
    """The whole program. ``tiers`` rise; the first is everybody's and starts at 0."""

    name: Id
    currency: Currency
    """The currency that spend and tiers are counted in."""
    rates: dict[Currency, Exact]
    """Minor units of the program's currency for one minor unit of each currency taken."""
    enrolment: Literal["automatic", "explicit"] = "automatic"
    """``automatic``: at the first purchase. ``explicit``: only by the API or an event."""
    welcome_bonus: Amount = 0
    earn: Earning = Earning()
    tier_days: Days = 365
    """The days that spend counts for, and that a tier is held for."""
    at_risk_days: Annotated[Whole, Field(ge=0, le=36_500)] = 30
    """Days before the end of a tier that its member is warned; 0: never."""
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=50)]
    rewards: Annotated[tuple[Reward, ...], Field(max_length=10_000)] = ()

    @field_validator("tiers")
    @classmethod
    def _tiers_rise(cls, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        if tiers and tiers[0].spend != 0:
            raise _fault("[0].spend", "must be 0: the first tier is everybody's")
        for number, (below, above) in enumerate(pairwise(tiers), start=1):
            if above.spend <= below.spend:
                raise _fault(
                    f"[{number}].spend",
                    f"must be more than the {below.spend} of {below.name}: tiers rise and never overlap",
                )
        _distinct([tier.name for tier in tiers], "name")
        return tiers

    @field_validator("rewards")
    @classmethod
    def _rewards_differ(cls, rewards: tuple[Reward, ...]) -> tuple[Reward, ...]:
        _distinct([reward.id for reward in rewards], "id")
        return rewards

    @model_validator(mode="after")
    def _whole(self) -> "Program":
        if self.rates.get(self.currency) != 1:
            raise _fault(f"rates.{self.currency}", "must be 1: it is the program's own currency")
        if self.at_risk_days >= self.tier_days:
            raise _fault("at_risk_days", "must be less than tier_days")
        for number, reward in enumerate(self.rewards):
            if reward.tier is not None and reward.tier not in self.ranks:
                raise _fault(f"rewards[{number}].tier", f"is no tier of this program: {reward.tier}")
        return self

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The place of each tier by name, 0 the lowest."""
        return {tier.name: rank for rank, tier in enumerate(self.tiers)}

    @cached_property
    def catalogue(self) -> dict[str, Reward]:
        return {reward.id: reward for reward in self.rewards}

    @cached_property
    def _awards(self) -> dict[tuple[str, int], str]:
        base = Fraction(self.earn.points, self.earn.per)
        return {
            (currency, rank): str(base * Fraction(rate) * Fraction(tier.multiplier))
            for currency, rate in self.rates.items()
            for rank, tier in enumerate(self.tiers)
        }

    def rank(self, tier: str) -> int:
        """A tier's place; a name that an older program gave and this one lacks counts as the lowest."""
        return self.ranks.get(tier, 0)

    def award(self, currency: str, rank: int) -> str:
        """Points for one minor unit of ``currency``, as an exact fraction like ``1/80``."""
        return self._awards[currency, rank]

    def rate(self, currency: str) -> str:
        """What one minor unit is worth in the program's currency, as an exact fraction.

        Raises ``Refused`` (``unknown_currency``).
        """
        rate = self.rates.get(currency)
        if rate is None:
            taken = ", ".join(self.rates)
            raise Refused(
                "unknown_currency",
                f"{currency} has no rate in the program, which takes {taken}.",
                status=422,
                field="total.currency",
            )
        return str(Fraction(rate))

    def supported(self, spend: int) -> int:
        """The place of the highest tier that this spend reaches."""
        rank = 0
        for place, tier in enumerate(self.tiers):
            if spend >= tier.spend:
                rank = place
        return rank


def _fault(at: str, message: str) -> PydanticCustomError:
    """An error whose path continues with ``at`` below the field that the validator sits on."""
    context: dict[str, Any] = {"at": at, "message": message}
    return PydanticCustomError("program", "{message}", context)


def _distinct(names: list[str], field: str) -> None:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            raise _fault(f"[{number}].{field}", f"is used twice: {name}")
        seen.add(name)
