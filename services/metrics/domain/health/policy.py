"""What a company decides of its customers' health: the policy file's section ``health``."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.metrics.domain.churn_policy import Days
from shared.schemas.base import Strict
from shared.schemas.faults import fault

Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Span = Annotated[Days, Field(ge=7, le=730)]


class Weights(Strict):
    """How much each driver is of the score. Only their proportions count; 0 leaves a driver out."""

    recency: Weight = 60
    """The silence, against the own rhythm."""
    frequency: Weight = 5
    """Whether they buy as often as before."""
    spend: Weight = 5
    """Whether they pay as much as before."""
    complaints: Weight = 10
    """What they complained of, and how that ended."""
    answers: Weight = 5
    """What they answer to surveys."""
    sentiment: Weight = 5
    """How they speak to us."""
    loyalty: Weight = 5
    """Whether they earn and use points."""
    reach: Weight = 5
    """Whether messages reach them."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.recency + self.complaints:
            raise fault("", "recency or complaints must have a weight: of some customers no more is known")
        return self


class Segments(Strict):
    """Where a customer belongs: the first that fits of lost, new, at risk, promising, champions, loyal."""

    lost_below: Share = 0.1
    """Lost: the probability that they buy within the time ahead is less than this."""
    new: Span = 60
    """New: the first purchase was no longer ago, or there was none."""
    at_risk_below: Annotated[int, Field(ge=0, le=100)] = 50
    """At risk: the score is less than this."""
    promising_purchases: Annotated[int, Field(ge=1, le=1000)] = 4
    """Promising: they bought on fewer days than this."""
    champion_purchases: Annotated[int, Field(ge=1, le=1000)] = 12
    """Champions: they bought on so many days or more within a year, and"""
    champion_score: Annotated[int, Field(ge=0, le=100)] = 80
    """the score is this or more. All others are loyal."""


class HealthPolicy(Strict):
    """What the score is made of, and what follows from it."""

    weights: Weights = Weights()
    ahead: Span = 91
    """Recency goes by the probability that they buy within this time; at nine in ten it gives half."""
    trend: Span = 91
    """Frequency and spend: such a time up to now, against all before."""
    half_life: Span = 180
    """What customers said and did counts half so long after."""
    segments: Segments = Segments()
