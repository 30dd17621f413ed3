"""What followup asks of itself when its rules are others."""

from typing import ClassVar

from shared.schemas.commands import Command
from shared.schemas.fields import Label


class RulesReviewRequested(Command):
    """See anew what the rules await of a customer: some may be new, and nothing has been heard since."""

    event_type: ClassVar[str] = "rapport.followup.rules_review.requested.v1"

    rules: Label
    """What stands for the rules that are meant."""
