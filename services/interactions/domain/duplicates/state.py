"""What is known of two customers who may be one, and of those who have something in common."""

from typing import Literal

from shared.schemas.base import Open
from shared.schemas.commands.duplicates import Likeness
from shared.schemas.times import Micros

MAX_MEMBERS = 300
"""Customers remembered of a place; beyond that those who came first make room."""

Status = Literal["open", "confirmed", "rejected"]


class Member(Open):
    """A customer, and their name as names are compared."""

    customer: str
    name: str


class Block(Open):
    """The state: one document for a birthday, or for a postcode and the beginning of names."""

    key: str
    members: tuple[Member, ...] = ()
    """In the order in which they came."""


class Reason(Open):
    """What two have in common, and when that was found."""

    reason: Likeness
    at: Micros
    score: int = 100


class Pair(Open):
    """The state: one document for two customers."""

    key: str
    customers: tuple[str, ...] = ()
    """Both, in the order of their ids."""
    reasons: tuple[Reason, ...] = ()
    """In the order in which they were found."""
    status: Status = "open"
    decided_at: Micros | None = None
    decided_by: str | None = None


def initial_block(state_id: str) -> Block:
    """Nobody, from ``block/<key>``."""
    return Block(key=state_id.partition("/")[2])


def initial_pair(state_id: str) -> Pair:
    """Two of whom nothing was found, from ``pair/<key>``."""
    return Pair(key=state_id.partition("/")[2])
