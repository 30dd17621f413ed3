"""What is remembered of complaints beside their steps: compensation that waits, and answers about them."""

from shared.schemas.base import Money, Open
from shared.schemas.complaints import CompensationKind
from shared.schemas.times import Micros


class Approval(Open):
    """Compensation above the limit of who asked for it: it waits until another principal approves it."""

    approval_id: str
    at: Micros
    """When it was asked for."""
    asked_by: str | None = None
    """The principal's name."""
    kind: CompensationKind
    points: int | None = None
    reward_id: str | None = None
    money: Money | None = None


class Score(Open):
    """The answer to a survey about a complaint that holds: the latest."""

    complaint_id: str
    survey: str
    score: int
    at: Micros
