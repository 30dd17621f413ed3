"""What is known of an alias: whose it is, and who waits for it. What it is called stands nowhere in it."""

from hashlib import blake2b
from typing import Literal

from shared.schemas.base import Open
from shared.schemas.times import Micros

MAX_WAITING = 20
"""Customers who wait for one alias; further ones are only told that it is another's, and ask again whenever
something is told of what they are called or of their profile."""
MAX_TURNS = 50
"""Changes remembered; beyond that the oldest are forgotten."""


class Waiting(Open):
    """A customer who asked for it after another had it."""

    customer: str
    at: Micros
    """Time of the event that asked."""


class Turn(Open):
    """A change of it."""

    at: Micros
    customer: str
    what: Literal["given", "waits", "released"]


class AliasState(Open):
    """The state: one document an alias."""

    key: str
    owner: str | None = None
    since: Micros | None = None
    """Time of the event by which the owner has it."""
    known: bool = False
    """The owner has asked for it by itself: one that was made for it may not have heard of it yet."""
    made: int = 0
    """Customers that were made for it."""
    waiting: tuple[Waiting, ...] = ()
    """In the order of their events' times."""
    revision: int = 0
    """How often it has changed."""
    turns: tuple[Turn, ...] = ()
    """Its history, the oldest first."""


def initial(state_id: str) -> AliasState:
    """An alias never heard of, from ``alias/<key>``."""
    return AliasState(key=state_id.partition("/")[2])


def new_customer(key: str, nth: int) -> str:
    """The id of the customer who is made for an alias, the ``nth`` that was."""
    return f"c-{blake2b(f'{key} {nth}'.encode(), digest_size=12).hexdigest()}"
