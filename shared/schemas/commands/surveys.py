"""What the page of a survey asks for."""

from typing import ClassVar

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command
from shared.schemas.feedback import About, ScoreFields


class SurveyAnswerRequested(ScoreFields, Command):
    """Take a customer's answer; the last one holds."""

    event_type: ClassVar[str] = "rapport.followup.survey_answer.requested.v1"

    about: About
    """What it is about."""
    outreach_id: Id
    """The message that asked."""
    closes_at: Time
    """From then on the link that it came by takes no answer."""
