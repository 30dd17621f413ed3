"""What a member is, and what is whose in an account of several ids: small frozen models."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from pydantic import ConfigDict

from shared.facts.names import Names
from shared.facts.profile import Known
from shared.schemas.base import Open
from shared.schemas.times import Micros

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Period:
    """A tier held in [start, end); ``end`` None: for ever."""

    __pydantic_config__ = _STRICT

    tier: str
    start: Micros
    end: Micros | None = None
    warned: bool = False
    """Whether the end's warning was judged."""


class Invited(Open):
    """Who referred this customer, and when."""

    referrer: str
    """Empty once they are erased, or rewarded."""
    at: Micros
    claimed: bool = False
    """Whether the reward was asked for, at the first purchase, or never will be."""
    listed: bool = False
    """Its row says who it was, by which it is found should they be erased."""

    def without(self, gone: Container[str]) -> "Invited":
        """Whoever is gone is not named."""
        return self.model_copy(update={"referrer": ""}) if self.referrer in gone else self


class UsedCode(Open):
    """A voucher's code that a purchase used while its voucher may have been on its way here."""

    code: str
    of: str
    """Whom the purchase was told of."""
    at: Micros
    order_id: str
    out: tuple[tuple[str, int], ...] = ()
    """As ``Voucher.out``."""
    heard_at: Micros = 0
    """A purchase may be told long after it was made."""


class Stayed(Open):
    """What stays of a member who is another by now: they have it again at once, should that not be so."""

    enrolled_at: Micros | None = None
    periods: tuple[Period, ...] = ()
    bought_at: Micros | None = None
    invited: Invited | None = None
    birthday_given_at: Micros | None = None


class Apart(Open):
    """Of an account in which there are things of others, who are this member: what is whose."""

    things: Mapping[str, str] = {}
    """``lot``, ``order``, ``voucher`` or ``told`` and its name -> the old id. What is not there is the
    member's own."""
    profiles: Mapping[str, Mapping[str, Known]] = {}
    """By old id what was told of them, and under an empty one what was told of the member."""
    names: Mapping[str, Names] = {}
    """By old id: those among ``names`` that came with them, or were told of them since."""
    credited: Mapping[str, int] = {}
    """By old id: points that came in with them, or that they have earned since."""
    lifetime: Mapping[str, int] = {}
    """By old id: lifetime points that came with them beside those."""
    stayed: Stayed | None = None
    """Of one who is another by now."""
