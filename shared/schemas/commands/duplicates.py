"""How those are found who may be one person: what customers tell the places where they are sought, what is
told to the one writer of two customers, and what people decide (ADR 71)."""

from hashlib import blake2b
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Id
from shared.schemas.commands import Command
from shared.schemas.complaints import CallerName

BLOCK = "block"
"""How the ids of states of places begin where customers are sought; the subject of what these are told."""
PAIR = "pair"
"""How the ids of two customers' states begin; the subject of what is told of two."""

Likeness = Literal["email", "phone", "card", "account", "birthday", "postcode"]
"""What two have in common: an alias; or a birthday or a postcode, and names that are close."""


def pair_key(one: str, other: str) -> str:
    """The key of two customers, in whichever order: it is the id of the suggestion too."""
    first, second = sorted((one, other))
    return f"pair:{blake2b(f'{first} {second}'.encode(), digest_size=16).hexdigest()}"


class BlockCommand(Command):
    """Common to what customers tell a place where they are sought."""

    entity: ClassVar[str] = BLOCK

    customer_id: Id
    """Who."""

    def state_id(self, subject: str) -> str:
        return f"{BLOCK}/{subject}"


class BlockJoinRequested(BlockCommand):
    """Look who is like this customer, and keep them for those to come."""

    event_type: ClassVar[str] = "rapport.interactions.block_join.requested.v1"

    trait: Literal["birthday", "postcode"]
    """What those have in common who are there."""
    name: Annotated[str, Field(min_length=1, max_length=128)]
    """Their name, as names are compared."""


class BlockLeaveRequested(BlockCommand):
    """This customer is like nobody here any more."""

    event_type: ClassVar[str] = "rapport.interactions.block_leave.requested.v1"


class PairCommand(Command):
    """Common to what is told of two customers."""

    entity: ClassVar[str] = PAIR

    def state_id(self, subject: str) -> str:
        return f"{PAIR}/{subject}"


class DuplicateFoundRequested(PairCommand):
    """Two customers may be one person."""

    event_type: ClassVar[str] = "rapport.interactions.duplicate_found.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("customer_id", "other_id")

    customer_id: Id
    """One of the two."""
    other_id: Id
    """The other one."""
    reason: Likeness
    """What they have in common."""
    score: Annotated[int, Field(ge=0, le=100)] = 100
    """How close their names are, where that is a reason."""


class DuplicateForgetRequested(PairCommand):
    """One of the two has been erased: nothing is known of both any more."""

    event_type: ClassVar[str] = "rapport.interactions.duplicate_forget.requested.v1"


class DuplicateDecideRequested(PairCommand):
    """A person has decided."""

    event_type: ClassVar[str] = "rapport.interactions.duplicate_decide.requested.v1"
    caller: ClassVar[frozenset[str]] = frozenset({"decided_by"})

    verdict: Literal["confirmed", "rejected"]
    """Whether the two are one person. It holds for ever."""
    decided_by: CallerName | None = None
    """Who decided: the principal's name."""
