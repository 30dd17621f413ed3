"""What the metrics make of a customer. Written by Rapport."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Data
from shared.schemas.fields import Label


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
