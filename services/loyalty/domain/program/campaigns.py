"""Campaigns as data: in a time window, under a condition, more points than usual."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.loyalty.domain.program.numbers import Amount, Exact, Given, Instant, Title, Whole
from shared.schemas.base import Id, Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Label
from shared.schemas.times import micros

Stacking = Literal["best", "sum"]
"""Of several campaigns that hold: the one that gives most, or all of them."""

EffectName = Literal["multiplier", "bonus", "points_per_line"]

Labels = Annotated[tuple[Label, ...], Field(max_length=1000)]


class Condition(Strict):
    """All that is given must hold; of a list, one. With ``categories`` or ``skus`` a multiplier counts for
    the lines that match alone."""

    categories: Labels = ()
    skus: Labels = ()
    channels: Labels = ()
    stores: Labels = ()
    tiers: Labels = ()
    """The tier held before the purchase."""
    segments: Labels = ()
    minimum_total: Amount = 0
    """Minor units of the program's currency."""
    first_purchase: bool = False

    @property
    def by_line(self) -> bool:
        return bool(self.categories or self.skus)


class Effect(Strict):
    """Exactly one of the three."""

    multiplier: Annotated[Exact, Field(gt=1)] | None = None
    """Times the points that the tier gives."""
    bonus: Given | None = None
    """Points for the purchase."""
    points_per_line: Given | None = None
    """Points for each line that matches."""

    @model_validator(mode="after")
    def _one(self) -> "Effect":
        if len(self._given()) != 1:
            raise fault("", "must be one of multiplier, bonus, points_per_line")
        return self

    @cached_property
    def given(self) -> tuple[EffectName, int | float]:
        """Which of the three, and its number."""
        ((name, number),) = self._given().items()
        return name, number

    def _given(self) -> dict[EffectName, int | float]:
        numbers: dict[EffectName, int | float | None] = {
            "multiplier": None if self.multiplier is None else float(self.multiplier),
            "bonus": self.bonus,
            "points_per_line": self.points_per_line,
        }
        return {name: number for name, number in numbers.items() if number is not None}


class Campaign(Strict):
    """More points in [from, until) for purchases that meet ``when``."""

    id: Id
    name: Title
    starts_at: Annotated[Instant, Field(alias="from")]
    ends_at: Annotated[Instant, Field(alias="until")]
    when: Condition = Condition()
    effect: Effect
    cap: Given | None = None
    """Points that one member can get from it."""
    budget: Given | None = None
    """Points that all members together can get from it."""
    priority: Annotated[Whole, Field(ge=-1000, le=1000)] = 0
    """The higher goes first: it takes its share of ``sum`` first and wins a draw of ``best``."""

    @model_validator(mode="after")
    def _in_order(self) -> "Campaign":
        if self.ends_at <= self.starts_at:
            raise fault("until", "must be after from")
        return self

    @cached_property
    def window(self) -> tuple[int, int]:
        """From and until, microseconds since 1970."""
        return micros(self.starts_at), micros(self.ends_at)

    @property
    def counter(self) -> str:
        """The shared counter of its budget."""
        return f"budget:{self.id}"
