"""What Rapport makes of a customer: what follows from all that was heard. Written by Rapport."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Data, Id, Money, Open
from shared.schemas.fields import Count, Day, Label

KPI, MODEL, THEME = "kpi", "model", "theme"
"""What the subject of an insight is that is about no customer."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=128)]


class InsightsData(Data):
    """Common to the topic ``insights``."""

    topic: ClassVar[str] = "insights"
    late: ClassVar[str] = "The later event time holds."
    again: ClassVar[str] = "Nothing: it says what is known."


class SegmentChanged(InsightsData):
    """A customer behaves like others now. It holds where the profile names no segment."""

    event_type: ClassVar[str] = "rapport.segment.changed.v1"

    from_: Annotated[Label | None, Field(alias="from")] = None
    """The segment before; null for the first."""
    to: Label
    """The segment now."""


class Driver(Open):
    """One of the things that a customer's health is made of."""

    driver: Label
    """Its name, e.g. recency, complaints."""
    points: Finite
    """What it gives of the score."""
    of: Finite
    """The most that it can give; all together are 100."""
    why: str = ""
    """In words: what was looked at."""


class HealthChanged(InsightsData):
    """How well the relationship with a customer goes is another now."""

    event_type: ClassVar[str] = "rapport.health.changed.v1"

    score: Annotated[int, Field(ge=0, le=100)]
    """0 (lost) to 100 (could not be better)."""
    drivers: tuple[Driver, ...] = ()
    """What it is made of: their points add up to the score, rounded."""
    churn_probability: Probability
    """That the customer does not come back: 1 - P(alive)."""
    clv: Money | None = None
    """What the customer is expected to bring within a year from now; null where no model says."""


class ChurnWarned(InsightsData):
    """A customer is likely to leave: the probability rose above the bound that is set."""

    event_type: ClassVar[str] = "rapport.churn.warned.v1"

    probability: Probability
    """That the customer does not come back."""
    drivers: tuple[Driver, ...] = ()
    """What speaks most against the customer's staying, the worst first."""


class FeedbackActed(InsightsData):
    """Something was changed because customers had asked for it; told to one of them."""

    event_type: ClassVar[str] = "rapport.feedback.acted.v1"

    theme: Label
    """What they had spoken of."""
    text: Annotated[str, Field(min_length=1)]
    """What is different now, in words for the customer."""


class ProductSuggested(InsightsData):
    """A product goes with what the customer bought: many bought both, and the customer never had it."""

    event_type: ClassVar[str] = "rapport.product.suggested.v1"
    late: ClassVar[str] = "Starts the rules of its order's time; each order is told of once."

    order_id: Id
    """The order of the customer's that it comes of."""
    because: Label
    """The product in it: the reason."""
    sku: Label
    """The product that goes with it."""
    together: Count
    """How many customers bought both within the latest year."""
    buyers: Count
    """How many bought the one that is the reason."""
    share: Annotated[float, Field(ge=0, le=1)]
    """What part of these bought both: the score."""


class KpiData(InsightsData):
    """About a figure of all customers. Its subject is the KPI's name."""

    entity: ClassVar[str] = KPI

    kpi: Label
    """As ``GET /kpis`` names it; where it has several figures, with that of the figure: ``clv.p50``."""
    day: Day
    """The UTC day that the figure is of."""


class KpiAnomaly(KpiData):
    """A KPI left what is usual for it on that weekday."""

    event_type: ClassVar[str] = "rapport.kpi.anomaly.v1"

    value: Finite
    """The figure of the day."""
    usual: Finite
    """The median of the same weekday before."""
    spread: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Their median absolute deviation (MAD), not scaled."""
    direction: Literal["up", "down"]
    """Which way it left."""
    moved_by: Mapping[Name, str] = {}
    """The segment, channel or other dimension that moved it most, by the dimension's name; empty: no one."""


class KpiRestated(KpiData):
    """The figure of a day that was told already is another, since a fact was heard late."""

    event_type: ClassVar[str] = "rapport.kpi.restated.v1"

    from_: Annotated[Finite | None, Field(alias="from")]
    """The figure as it was told; null: nothing was."""
    to: Finite | None
    """The figure now."""
    cause: str
    """The types of the facts heard late, and how many of each."""


class ModelFitted(InsightsData):
    """A model's parameters were estimated anew: scores go by them from now on. Its subject is its name."""

    event_type: ClassVar[str] = "rapport.model.fitted.v1"
    entity: ClassVar[str] = MODEL

    model: Label
    """Which one, e.g. bg-nbd."""
    parameters: Mapping[Name, Finite]
    """By name."""


class ThemeRising(InsightsData):
    """Customers speak of something more than in the month before. Its subject is the theme."""

    event_type: ClassVar[str] = "rapport.theme.rising.v1"
    entity: ClassVar[str] = THEME

    theme: Label
    """Of what."""
    week: Day
    """The Monday that the week begins with."""
    mentions: Count
    """How many complaints and comments speak of it that week."""
    usual: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """How many a week did in the month before."""
    log_odds: Finite
    """How much its share rose, as a z-score (Monroe, Colaresi and Quinn 2008)."""
