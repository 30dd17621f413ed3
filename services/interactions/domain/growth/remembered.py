"""What is remembered of customers' answers for the agents whom they are about."""

from typing import Literal, TypeAlias

from shared.schemas.base import Open
from shared.schemas.times import Micros

Thing: TypeAlias = Literal["conversation", "complaint"]


class Answer(Open):
    """An answer about a conversation or a complaint: the latest to a survey about it."""

    thing: Thing
    id: str
    survey: str
    score: int
    at: Micros
    key: str
    """A hash of its event."""
    comment: str | None = None
    """Thanks that nobody was told of yet."""
    thanked: bool = False
    """An agent was told of it, or of the one that it took the place of."""
