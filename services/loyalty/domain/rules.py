"""The rules that change a balance: a class each, which holds what the rule went by when it gave or took.

Who books an entry makes one, the ledger keeps it as the entry's ``why``, and ``reports.explain`` tells it
in words: a rule that is added here and not told there is an error of mypy's.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from services.loyalty.domain.program.campaigns import EffectName, Stacking

# ``rule`` names the class in what is stored; ``reason`` is what entries and their events say. ``program``
# is always the version that gave the points, and terms are ``state.Terms`` in one string.


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """The tier's points for an order."""

    reason: ClassVar[str] = "purchase"
    rule: Literal["purchase"] = "purchase"
    program: str
    tier: str
    """Held before the purchase."""
    total: int
    """Minor units of the order's currency."""
    terms: str
    exempt: int = 0
    """Of the total, what earns nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What a campaign adds to an order's points."""

    rule: Literal["campaign"] = "campaign"
    program: str
    campaign: str
    name: str
    stacking: Stacking
    effect: EffectName
    number: int | float
    """Of the effect: its factor, or its points."""

    @property
    def reason(self) -> str:
        return f"campaign {self.campaign}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferrerReward:
    """To the member who brought a friend."""

    reason: ClassVar[str] = "referral"
    rule: Literal["referral"] = "referral"
    program: str
    friend: str
    order_id: str
    """The friend's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FriendReward:
    """To the friend who was brought."""

    reason: ClassVar[str] = "referral"
    rule: Literal["referral"] = "referral"
    program: str
    referrer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """For joining."""

    reason: ClassVar[str] = "welcome"
    rule: Literal["welcome"] = "welcome"
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anniversary:
    """For years as a member."""

    reason: ClassVar[str] = "anniversary"
    rule: Literal["anniversary"] = "anniversary"
    program: str
    years: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Birthday:
    """For the day."""

    reason: ClassVar[str] = "birthday"
    rule: Literal["birthday"] = "birthday"
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """To make good a complaint."""

    reason: ClassVar[str] = "compensation"
    rule: Literal["compensation"] = "compensation"
    complaint_id: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """By hand: points given, or points taken."""

    rule: ClassVar[str] = "adjustment"
    reason: str
    """The agent's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What an order loses by a refund."""

    reason: ClassVar[str] = "return"
    rule: Literal["return"] = "return"
    return_id: str
    refund: int
    """Minor units of the order's currency, as are ``left``, ``over`` and ``exempt``."""
    left: int
    """Of what earned in the order, after this refund."""
    terms: str
    keeps: int
    """Points that the order keeps, those of campaigns aside."""
    campaigns: int
    """Points of campaigns that it loses."""
    over: int = 0
    """Of the refund, what is above what was paid, and does not count."""
    exempt: int = 0
    """Of the refund, what goes back for goods that had earned nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """What an order gave that was told of two ids of one person: the first by time holds."""

    reason: ClassVar[str] = "duplicate_order"
    rule: Literal["duplicate_order"] = "duplicate_order"
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What goes into another account, or comes out of one, as two customers are one, or are not after all."""

    rule: Literal["merged", "unmerged"]
    other: str
    """The other customer."""
    missing: int = 0
    """Of what came by the merge that is undone, points that are not there any more."""

    @property
    def reason(self) -> str:
        return self.rule


@dataclass(frozen=True, slots=True)
class Redemption:
    """Spent on a reward."""

    reward_id: str

    @property
    def reason(self) -> str:
        return self.reward_id


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Given back, as a reward's voucher was not used."""

    reward_id: str

    @property
    def reason(self) -> str:
        return self.reward_id


@dataclass(frozen=True, slots=True)
class Expiry:
    """Not used in time."""

    reason: ClassVar[str] = "expired"


@dataclass(frozen=True, slots=True)
class Unknown:
    """One that this version does not know, read from the ledger: another version wrote it."""

    rule: str
    reason: str


Accrual: TypeAlias = Purchase | Campaign
"""Of an order: its points wait for the program's ``pending_days``."""
Gift: TypeAlias = ReferrerReward | FriendReward | Welcome | Anniversary | Birthday | Compensation
"""Given at once."""
Credit: TypeAlias = Accrual | Gift | Adjustment | Joining
"""Opens a lot."""
Rule: TypeAlias = Credit | Return | Double | Redemption | Cancellation | Expiry | Unknown
