"""A loyalty program as data: how points are earned, tiers reached and rewards bought.

Every number that multiplies is an exact decimal; nothing here counts with floats.
"""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from services.loyalty import errors
from services.loyalty.domain.program.campaigns import Campaign, Labels, Stacking
from services.loyalty.domain.program.catalogue import Reward
from services.loyalty.domain.program.numbers import (
    Amount,
    Days,
    Exact,
    Given,
    Instant,
    Share,
    Title,
    Whole,
    distinct,
)
from shared.schemas.base import Currency, Id, Strict
from shared.schemas.faults import fault
from shared.schemas.times import Micros, micros


class Exclusion(Strict):
    """Goods of these categories, and goods of these SKUs."""

    categories: Labels = ()
    skus: Labels = ()

    def covers(self, sku: str, category: str | None) -> bool:
        return sku in self.skus or category in self.categories

    def __bool__(self) -> bool:
        return bool(self.categories or self.skus)


class Earning(Strict):
    """``points`` for every ``per`` minor units, times the tier's multiplier, rounded down once."""

    points: Annotated[Whole, Field(ge=1, le=1_000_000)] = 1
    per: Annotated[Whole, Field(ge=1, le=1_000_000_000)] = 100
    pending_days: Annotated[Whole, Field(ge=0, le=3_650)] = 0
    """Days until points can be spent."""
    expire_days: Days = 365
    """Days from the purchase to the expiry of its points."""
    exclude: Exclusion = Exclusion()
    """What earns nothing and lifts no tier, such as gift cards."""

    @model_validator(mode="after")
    def _in_order(self) -> "Earning":
        if self.pending_days >= self.expire_days:
            raise fault("pending_days", "must be less than expire_days, or points expire unseen")
        return self


class Tier(Strict):
    """A level, reached by the net spend of the last ``tier_days`` days."""

    name: Id
    spend: Amount
    """Least net spend, in minor units of the program's currency."""
    multiplier: Exact = Decimal(1)


class Referral(Strict):
    """Points to both at the friend's first purchase."""

    points: Given
    per_year: Annotated[Whole, Field(ge=1, le=1_000_000)] = 20
    """Rewarded friends of one referrer in 365 days, at most."""
    minimum_total: Given = 1
    """What the friend's purchase must come to, in minor units of the program's currency."""


class Anniversary(Strict):
    """``points`` times the years since enrolment, each year."""

    points: Given


class Birthday(Strict):
    """``points``, a present, or both, at the start of the birthday, once a year."""

    points: Given | None = None
    reward: Id | None = None
    """A reward of the program: its voucher is issued without points."""

    @model_validator(mode="after")
    def _something(self) -> "Birthday":
        if self.points is None and self.reward is None:
            raise fault("points", "is missing: write points, a reward, or both")
        return self


class Notice(Strict):
    """Told of points that expire within ``days``, at most once in ``every_days``."""

    days: Days = 30
    every_days: Days = 21

    @model_validator(mode="after")
    def _in_order(self) -> "Notice":
        if self.every_days >= self.days:
            raise fault("every_days", "must be less than days, or some points expire unannounced")
        return self


class Program(Strict):
    """The whole program. ``tiers`` rise; the first is everybody's and starts at 0."""

    name: Id
    title: Title | None = None
    """What members see the program called; none: ``name``."""
    effective_from: Instant | None = None
    """Purchases from this instant on are judged by this version; none: from the beginning."""
    currency: Currency
    """The currency that spend and tiers are counted in."""
    rates: dict[Currency, Exact]
    """Minor units of the program's currency for one minor unit of each currency taken."""
    enrolment: Literal["automatic", "explicit"] = "automatic"
    """``automatic``: at the first purchase. ``explicit``: only by the API or an event."""
    welcome_bonus: Amount = 0
    earn: Earning = Earning()
    tier_days: Days = 365
    """The days that spend counts for, and that a tier is held for."""
    at_risk_days: Annotated[Whole, Field(ge=0, le=36_500)] = 30
    """Days before the end of a tier that its member is warned; 0: never."""
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=50)]
    rewards: Annotated[tuple[Reward, ...], Field(max_length=10_000)] = ()
    referral: Referral | None = None
    anniversary: Anniversary | None = None
    birthday: Birthday | None = None
    expiring: Notice | None = Notice()
    campaigns: Annotated[tuple[Campaign, ...], Field(max_length=1_000)] = ()
    stacking: Stacking = "best"
    point_value: Exact = Decimal(1)
    """What a point costs when it is redeemed, in minor units: for the liability."""
    breakage: Share = Decimal(0)
    """The share of points that is expected never to be redeemed, until the ledger itself tells."""

    @field_validator("tiers")
    @classmethod
    def _tiers_rise(cls, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        if tiers and tiers[0].spend != 0:
            raise fault("[0].spend", "must be 0: the first tier is everybody's")
        for number, (below, above) in enumerate(pairwise(tiers), start=1):
            if above.spend <= below.spend:
                raise fault(
                    f"[{number}].spend",
                    f"must be more than the {below.spend} of {below.name}: tiers rise and never overlap",
                )
        distinct([tier.name for tier in tiers], "name")
        return tiers

    @field_validator("rewards", "campaigns")
    @classmethod
    def _ids_differ(cls, parts: tuple[Reward | Campaign, ...]) -> tuple[Reward | Campaign, ...]:
        distinct([part.id for part in parts], "id")
        return parts

    @model_validator(mode="after")
    def _whole(self) -> "Program":
        if self.rates.get(self.currency) != 1:
            raise fault(f"rates.{self.currency}", "must be 1: it is the program's own currency")
        if self.at_risk_days >= self.tier_days:
            raise fault("at_risk_days", "must be less than tier_days")
        if self.birthday is not None and self.birthday.reward not in (None, *self.catalogue):
            raise fault("birthday.reward", f"is no reward of this program: {self.birthday.reward}")
        for at, tier in self._tiers_named():
            if tier not in self.ranks:
                raise fault(at, f"is no tier of this program: {tier}")
        return self

    def _tiers_named(self) -> list[tuple[str, str]]:
        """Where a tier is named, and which."""
        named = [(f"rewards[{n}].tier", r.tier) for n, r in enumerate(self.rewards) if r.tier is not None]
        named += [
            (f"rewards[{n}].early_access.tier", r.early_access.tier)
            for n, r in enumerate(self.rewards)
            if r.early_access is not None
        ]
        return named + [
            (f"campaigns[{n}].when.tiers[{k}]", tier)
            for n, campaign in enumerate(self.campaigns)
            for k, tier in enumerate(campaign.when.tiers)
        ]

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The place of each tier by name, 0 the lowest."""
        return {tier.name: rank for rank, tier in enumerate(self.tiers)}

    @cached_property
    def catalogue(self) -> dict[str, Reward]:
        return {reward.id: reward for reward in self.rewards}

    @cached_property
    def by_cost(self) -> tuple[Reward, ...]:
        """The rewards, the cheapest first."""
        return tuple(sorted(self.rewards, key=lambda reward: (reward.cost, reward.id)))

    @cached_property
    def costs(self) -> tuple[int, ...]:
        """The costs of ``by_cost``."""
        return tuple(reward.cost for reward in self.by_cost)

    @cached_property
    def by_priority(self) -> tuple[Campaign, ...]:
        return tuple(sorted(self.campaigns, key=lambda campaign: (-campaign.priority, campaign.id)))

    @cached_property
    def _rates(self) -> dict[str, str]:
        return {currency: str(Fraction(rate)) for currency, rate in self.rates.items()}

    @cached_property
    def _terms(self) -> dict[tuple[str, int], str]:
        base = Fraction(self.earn.points, self.earn.per)
        return {
            (currency, rank): f"{currency} {base * Fraction(rate) * Fraction(tier.multiplier)} {rate}"
            for currency, rate in self._rates.items()
            for rank, tier in enumerate(self.tiers)
        }

    @cached_property
    def version(self) -> str:
        """What names this version: its name and the date from which it holds."""
        return self.name if self.effective_from is None else f"{self.name} {self.effective_from:%Y-%m-%d}"

    def rank(self, tier: str) -> int:
        """A tier's place; a name that an older program gave and this one lacks counts as the lowest."""
        return self.ranks.get(tier, 0)

    def terms(self, currency: str, rank: int) -> str:
        """What a purchase in ``currency``, which has a rate, is made under: ``state.Terms`` in one string."""
        return self._terms[currency, rank]

    def rate(self, currency: str) -> str:
        """What one minor unit is worth in the program's currency, as an exact fraction.

        Raises ``RefusedError`` (``unknown_currency``).
        """
        rate = self._rates.get(currency)
        if rate is None:
            taken = ", ".join(self.rates)
            raise errors.UNKNOWN_CURRENCY(field="total.currency", currency=currency, taken=taken)
        return rate

    def offers(self, reward: Reward, rank: int, at: Micros) -> bool:
        """Whether a member of this rank may have the reward at ``at``; stock and points are not looked at."""
        if reward.tier is not None and rank < self.rank(reward.tier):
            return False
        start, early, end = reward.window
        if reward.early_access is not None and rank >= self.rank(reward.early_access.tier):
            start = early
        return (start is None or at >= start) and (end is None or at < end)

    def supported(self, spend: int) -> int:
        """The place of the highest tier that this spend reaches."""
        rank = 0
        for place, tier in enumerate(self.tiers):
            if spend >= tier.spend:
                rank = place
        return rank


class Programs:
    """All versions of a program, each in force from its own instant to the next one's."""

    def __init__(self, versions: Sequence[Program]) -> None:
        """``versions`` by time; see ``check_versions``."""
        self.versions = tuple(versions)
        self._starts = [micros(v.effective_from) for v in self.versions[1:] if v.effective_from is not None]

    def at(self, instant: Micros) -> Program:
        """The version in force at ``instant``; before the first, the first."""
        if not self._starts:  # most programs have one version, and each event asks several times
            return self.versions[0]
        return self.versions[bisect_right(self._starts, instant)]


def check_versions(versions: Sequence[Program]) -> None:
    """Raises a fault where the versions do not follow one another."""
    for number, (before, after) in enumerate(pairwise(versions), start=1):
        if after.effective_from is None:
            raise fault(f"[{number}].effective_from", "is missing: it says from when this version holds")
        if before.effective_from is not None and after.effective_from <= before.effective_from:
            raise fault(f"[{number}].effective_from", "must be after that of the version before")
        if after.currency != before.currency:
            raise fault(f"[{number}].currency", f"must be {before.currency}, as in the version before")
