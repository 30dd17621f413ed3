"""What Rapport makes of a customer: what follows from all that was heard. Written by Rapport."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Data, Id
from shared.schemas.fields import Count, Label


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
