"""What is asked for about what customers write in public. Keyed by the customer."""

from typing import ClassVar

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command, Text


class ReviewAnswerRequested(Command):
    """A review was answered in public: note it among the customer's contacts."""

    event_type: ClassVar[str] = "rapport.interactions.review_answer.requested.v1"

    text: Text
    """What was answered."""
    at: Time
    """When."""
    agent_id: Id | None = None
    """Who answered, where that is known."""
