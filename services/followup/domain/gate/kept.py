"""What a customer's state keeps of the gate's decisions and what they go by."""

from typing import Literal, NamedTuple, TypeAlias

from shared.schemas.base import Open
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros


class Cited(NamedTuple):
    """An event, by what names it for ever."""

    source: str
    id: str


HoldReason: TypeAlias = SuppressionReason | Literal["bundle"]
"""What holds a message; ``bundle``: others that go in one mail with it. That never refuses."""


class Held(Open):
    """Why a message that was due waits."""

    reason: HoldReason
    until: Micros
    """When it is decided anew."""
    detail: str | None = None


class Unreached(Open):
    """The last time a rule with an interval found the customer without consent or address."""

    rule: str
    at: Micros
