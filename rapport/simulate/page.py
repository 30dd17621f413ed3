"""The page of a simulation: what the draft changes against the baseline, as tables and bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rapport.simulate.drawing import bars, heading, months_of, plain_table
from rapport.simulate.figures import NONE, change, change_of_share, money, number, share
from rapport.simulate.tally import Result
from services.loyalty.domain.program.campaigns import Campaign
from shared.schemas.money import figure

RULES = {
    "purchase": "purchases",
    "campaign": "campaigns",
    "referral": "referrals",
    "anniversary": "anniversaries",
    "birthday": "birthdays",
    "welcome": "welcome",
    "compensation": "compensation",
}
"""What gives points, in the order shown, and what it is called."""
ALWAYS = ("purchase", "campaign", "referral", "anniversary", "birthday", "welcome")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results over one recording, and what the reader must know of it."""

    title: tuple[str, ...]
    """Lines."""
    baseline: Result
    draft: Result
    notes: tuple[str, ...] = ()

    @property
    def currency(self) -> str | None:
        """The currency of both; None where they differ."""
        currency = self.baseline.program.currency
        return currency if currency == self.draft.program.currency else None

    @property
    def tiers(self) -> list[str]:
        """The tiers of both, the draft's first, from the top."""
        names: dict[str, None] = {}
        for result in (self.draft, self.baseline):
            names |= dict.fromkeys(tier.name for tier in reversed(result.program.tiers))
            names |= dict.fromkeys(result.tiers)
        return list(names)


def page(comparison: Comparison) -> RenderableType:
    """All of it, at most 100 columns wide."""
    parts: list[RenderableType] = [Text(line, style="bold") for line in comparison.title]
    parts += [Text(f"* {note}", style="dim") for note in comparison.notes]
    parts += [_figures(comparison), *_campaigns(comparison)]
    parts += [heading("members by tier"), _tier_bars(comparison)]
    parts += [heading("points issued by month"), _month_bars(comparison)]
    return Group(*parts)


@dataclass(slots=True)
class _Rows:
    """The rows of a table with baseline, draft and change."""

    comparison: Comparison
    table: Table = field(init=False)

    def __post_init__(self) -> None:
        self.table = plain_table("", "baseline", "draft", "change")

    def count(self, label: str, before: int, after: int, *, seldom: bool = False) -> None:
        """``seldom``: left out where both are 0."""
        if before or after or not seldom:
            by = change(before, after, lambda d: number(int(d)))
            self._add(label, (number(before), number(after)), by)

    def money(self, label: str, before: int | Decimal, after: int | Decimal) -> None:
        results = self.comparison.baseline, self.comparison.draft
        cells = [money(value, r.program.currency) for value, r in zip((before, after), results, strict=True)]
        currency = self.comparison.currency
        by = NONE if currency is None else change(before, after, lambda d: figure(int(d), currency))
        self._add(label, cells, by)

    def share(self, label: str, before: Decimal | None, after: Decimal | None) -> None:
        self._add(label, (share(before), share(after)), change_of_share(before, after))

    def members(self, label: str, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Each is so many of how many."""
        cells = [f"{some:,} ({some / max(everyone, 1):.0%})" for some, everyone in (before, after)]
        self._add(label, cells, change(before[0], after[0], lambda d: number(int(d))))

    def _add(self, label: str, cells: Sequence[str], by: str) -> None:
        self.table.add_row(label, *cells, Text(by, style="dim" if by in ("0", NONE) else ""))


def _figures(comparison: Comparison) -> Table:
    rows = _Rows(comparison)
    before, after = comparison.baseline, comparison.draft
    rows.count("purchases", before.tally.purchases, after.tally.purchases)
    rows.money("net sales", before.tally.sales, after.tally.sales)
    rows.count("members", before.members, after.members)
    for tier in comparison.tiers:
        parts = [(result.tiers.get(tier, 0), result.members) for result in (before, after)]
        rows.members(f"  {tier}", *parts)
    rows.count("points issued", before.issued, after.issued)
    for rule in _rules(comparison):
        counts = before.tally.issued[rule], after.tally.issued[rule]
        rows.count(f"  {RULES.get(rule, rule)}", *counts, seldom=rule not in ALWAYS)
    for kind in ("reversed", "expired"):
        rows.count(f"points {kind}", before.tally.kinds[kind], after.tally.kinds[kind])
    held = before.liability, after.liability
    rows.count("points outstanding", *[one.outstanding for one in held])
    rows.count("points pending", *[one.pending for one in held], seldom=True)
    rows.count("points owed", *[one.owed for one in held], seldom=True)
    rows.money("liability", *[one.money for one in held])
    rows.money("  after breakage", *[one.expected_cost for one in held])
    rows.share("cost of net sales", before.cost_share, after.cost_share)
    _add_codes(rows, "events refused", before.tally.refused, after.tally.refused)
    _add_codes(rows, "referrals declined", before.tally.declined, after.tally.declined)
    return rows.table


def _add_codes(rows: _Rows, label: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """A row for all and one for each code, where there are any."""
    rows.count(label, sum(before.values()), sum(after.values()), seldom=True)
    for code in sorted({*before, *after}):
        rows.count(f"  {code}", before.get(code, 0), after.get(code, 0))


def _rules(comparison: Comparison) -> list[str]:
    found = {*comparison.baseline.tally.issued, *comparison.draft.tally.issued}
    return [*RULES, *sorted(found - RULES.keys())]


def _campaigns(comparison: Comparison) -> list[RenderableType]:
    """A table of what each campaign gave, where there are campaigns."""
    results = comparison.baseline, comparison.draft
    budgets: dict[str, str] = {}
    for result in results:
        for version in result.programs.versions:
            budgets |= {campaign.id: _budget(campaign, result) for campaign in version.campaigns}
    if not budgets:
        return []
    made = plain_table("campaign", "baseline", "draft", "budget used")
    for campaign, budget in budgets.items():
        made.add_row(campaign, *[number(result.tally.campaigns[campaign]) for result in results], budget)
    return [heading("points issued by campaign"), made]


def _budget(campaign: Campaign, result: Result) -> str:
    """How much of it is used; points that a return took back can be given again."""
    return (
        NONE
        if campaign.budget is None
        else f"{result.used.get(campaign.counter, 0):,} of {campaign.budget:,}"
    )


def _tier_bars(comparison: Comparison) -> Table:
    rows = [
        (tier, comparison.baseline.tiers.get(tier, 0), comparison.draft.tiers.get(tier, 0))
        for tier in comparison.tiers
    ]
    return bars(rows)


def _month_bars(comparison: Comparison) -> Table:
    before, after = comparison.baseline.tally.months, comparison.draft.tally.months
    return bars(
        [
            (f"{year}-{month:02}", before[year, month], after[year, month])
            for year, month in months_of(before, after)
        ]
    )
