"""What customers say when asked, and whom they bring."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.schemas.base import Data, Id, Open
from shared.schemas.fields import Label

SCORES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
"""Lowest and highest score of each survey."""


class FeedbackData(Data):
    """Common to the topic ``feedback``."""

    topic: ClassVar[str] = "feedback"
    late: ClassVar[str] = "Counts with its own time."


class About(Open):
    """What a survey asked about."""

    kind: Id
    """Kind of thing, e.g. order, complaint."""
    id: Id
    """Which one of its kind."""


def _score_schema(survey: str) -> dict[str, JsonValue]:
    low, high = SCORES[survey]
    return {
        "if": {"properties": {"survey": {"const": survey}}},
        "then": {"properties": {"score": {"minimum": low, "maximum": high}}},
    }


class ScoreFields(Open):
    """An answer, as it is given in a page and as it is told."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_score_schema(survey) for survey in SCORES]})

    survey: Literal["nps", "csat", "ces"]
    """Which question: would recommend, is satisfied, how easy it was."""
    score: Annotated[int, Field(ge=0, le=10)]
    """nps 0 to 10, csat 1 to 5, ces 1 to 7."""
    comment: str | None = None
    """In the customer's words."""

    @field_validator("score")
    @classmethod
    def _in_range(cls, value: int, info: ValidationInfo) -> int:
        survey = info.data.get("survey")
        if survey is not None:
            low, high = SCORES[survey]
            if not low <= value <= high:
                raise PydanticCustomError(
                    "score",
                    "must be {low} to {high} for {survey}",
                    {"low": low, "high": high, "survey": survey},
                )
        return value


class SurveyAnswered(ScoreFields, FeedbackData):
    """A customer answered a survey."""

    event_type: ClassVar[str] = "rapport.survey.answered.v1"
    late: ClassVar[str] = "Of two answers to one survey about one thing the later event time holds."
    known_by: ClassVar[str] = "answer: customer, `survey`, `about`"
    again: ClassVar[str] = "Counts once with the first; without `about` each stands alone."

    about: About | None = None
    """What it was about."""
    reason: str | None = None
    """Why this score, where the source asked."""
    outreach_id: Id | None = None
    """The message that asked, where Rapport's own page took the answer."""


class ReviewPosted(FeedbackData):
    """A customer reviewed a product."""

    event_type: ClassVar[str] = "rapport.review.posted.v1"
    thing: ClassVar[str] = "review"
    named_by: ClassVar[tuple[str, ...]] = ("sku", "time")

    sku: Label
    """The product that is reviewed."""
    rating: Annotated[int, Field(ge=1, le=5)]
    """1 to 5 stars."""
    text: str | None = None
    """In the customer's words."""


class ReferralMade(FeedbackData):
    """A customer brought another."""

    event_type: ClassVar[str] = "rapport.referral.made.v1"
    thing: ClassVar[str] = "referral"
    named_by: ClassVar[tuple[str, ...]] = ("referred_customer",)
    tells_of: ClassVar[tuple[str, ...]] = ("referred_customer",)

    referred_customer: Id
    """The new customer's id."""
