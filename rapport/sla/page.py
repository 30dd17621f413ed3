"""The page of a simulation: what a draft policy changes against the baseline, as tables and bars."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rapport.commands.show import table
from rapport.simulate.drawing import bars, heading, months_of, plain_table
from rapport.simulate.figures import NONE, change, change_of_share, number
from rapport.sla.simulate import Compared, Count, Held, Outcome, Result
from rapport.sla.spelled import spelled
from services.interactions.domain.sla.policy import CLOCKS
from shared.schemas.complaints import ClockName
from shared.schemas.times import SECOND, Micros, moment

PERCENTILES = (50, 90)
_PER_MILLE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Two policies over one recording, and what the reader must know of it."""

    title: tuple[str, ...]
    """Lines."""
    compared: Compared
    notes: tuple[str, ...] = ()
    most_changed: int = 10
    """How many complaints with another outcome are named."""


def page(shown: Page) -> RenderableType:
    """All of it, at most 80 columns wide but for long names."""
    compared = shown.compared
    parts: list[RenderableType] = [Text(line, style="bold") for line in shown.title]
    parts += [Text(f"* {note}", style="dim") for note in shown.notes]
    parts.append(_figures(compared))
    for which, result in (("baseline", compared.baseline), ("draft", compared.draft)):
        parts += [heading(f"by policy, {which}: {result.sla.name}"), _policies(result)]
    parts += [heading("met in time, by clock"), share_bars(compared)]
    parts += [heading("breaches by month"), _month_bars(compared)]
    parts += _changed(shown)
    return Group(*parts)


def brief(compared: Compared) -> RenderableType:
    """The page in a few lines."""
    before, after = compared.baseline, compared.draft
    sentence = (
        f"Of {before.complaints:,} complaints {before.breaching:,} had a breach; under the draft, "
        f"{after.sla.name}, {after.breaching:,} would have had one. Met in time:"
    )
    return Group(Text(sentence), share_bars(compared))


@dataclass(slots=True)
class _Rows:
    """The rows of the table with baseline, draft and change."""

    table: Table

    def count(self, label: str, before: int, after: int, *, seldom: bool = False) -> None:
        """``seldom``: left out where both are 0."""
        if before or after or not seldom:
            self._add(label, number(before), number(after), change(before, after, lambda d: number(int(d))))

    def share(self, label: str, before: float | None, after: float | None) -> None:
        one, other = (None if value is None else Decimal(f"{value:.3f}") for value in (before, after))
        self._add(label, per_cent(before), per_cent(after), change_of_share(one, other, 1))

    def time(self, label: str, before: Micros | None, after: Micros | None) -> None:
        by = NONE if before is None or after is None else change(before, after, lambda d: spent(int(d)))
        self._add(label, spent(before), spent(after), by)

    def clock(self, label: str, before: Count, after: Count) -> None:
        """All of one clock."""
        self.table.add_section()
        self.table.add_row(Text(label, style="bold"))
        self.count("  ran", before.ran, after.ran)
        self.count("  met", before.met, after.met)
        self.count("  breached", before.breached, after.breached)
        self.count("  neither, at the end", before.undecided, after.undecided, seldom=True)
        self.share("  met in time", before.met_share, after.met_share)
        self.count("  warned", before.warned, after.warned, seldom=True)
        for level in sorted({*before.escalated, *after.escalated}):
            self.count(f"  escalated, level {level}", before.escalated[level], after.escalated[level])
        for percent in PERCENTILES:
            self.time(f"  took, p{percent}", before.percentile(percent), after.percentile(percent))

    def _add(self, label: str, before: str, after: str, by: str) -> None:
        self.table.add_row(label, before, after, Text(by, style="dim" if by in ("0", NONE) else ""))


def per_cent(value: float | None) -> str:
    """A share; ``-`` for none."""
    return NONE if value is None else f"{value:.1%}"


def spent(time: Micros | None) -> str:
    """Open time to the minute; ``-`` for none."""
    if time is None:
        return NONE
    return spelled(round(time / SECOND / 60) * 60)


def _figures(compared: Compared) -> Table:
    rows = _Rows(plain_table("", "baseline", "draft", "change"))
    before, after = compared.baseline, compared.draft
    rows.count("complaints", before.complaints, after.complaints)
    rows.count("  without a fitting policy", before.without_clocks, after.without_clocks, seldom=True)
    rows.count("  with a breach", before.breaching, after.breaching)
    for clock in CLOCKS:
        counts = before.of_clock(clock), after.of_clock(clock)
        if any(count.ran for count in counts):
            rows.clock(spoken(clock), *counts)
    return rows.table


def spoken(clock: ClockName) -> str:
    """``first response``."""
    return clock.replace("_", " ")


def _policies(result: Result) -> RenderableType:
    columns = ("clock", "ran", "breached", "in time", "p50", "p90")
    made = table("policy", *columns, right=columns[1:])
    for version in result.sla.versions:
        if len(result.sla.versions) > 1 and any(held.version == version.name for held in result.counts):
            made.add_row(Text(f"from {version.name}", style="dim"))
        for policy in version.policies:
            name = policy.name
            for clock in CLOCKS:
                count = result.counts.get(Held(version.name, policy.name, clock))
                if count is None or not count.ran:
                    continue
                numbers = number(count.ran), number(count.breached), per_cent(count.met_share)
                times = (spent(count.percentile(percent)) for percent in PERCENTILES)
                made.add_row(name, spoken(clock), *numbers, *times)
                name = ""
    return made if made.row_count else Text("no policy fitted anything")


def share_bars(compared: Compared) -> Table:
    """What part of the decided runs was met, two bars a clock."""
    rows = []
    for clock in CLOCKS:
        shares = [result.of_clock(clock).met_share for result in (compared.baseline, compared.draft)]
        if any(one is not None for one in shares):
            values = [None if one is None else round(one * _PER_MILLE) for one in shares]
            rows.append((spoken(clock), values[0], values[1]))
    return bars(rows, lambda value: per_cent(value / _PER_MILLE), _PER_MILLE)


def _month_bars(compared: Compared) -> Table:
    before, after = compared.baseline.months, compared.draft.months
    return bars(
        [
            (f"{year}-{month:02}", before[year, month], after[year, month])
            for year, month in months_of(before, after)
        ]
    )


def _changed(shown: Page) -> Sequence[RenderableType]:
    changed = shown.compared.changed
    worse = sum(len(one.draft) > len(one.baseline) for one in changed)
    better = sum(len(one.draft) < len(one.baseline) for one in changed)
    head = heading(
        f"complaints with another outcome: {len(changed):,} ({worse:,} with more breaches, {better:,} fewer)"
    )
    if not changed or not shown.most_changed:
        return [head]
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("complaint", "customer"):
        made.add_column(column, overflow="fold")
    made.add_column("opened", no_wrap=True)
    for column in ("breached, baseline", "breached, draft"):
        made.add_column(column)
    for one in changed[: shown.most_changed]:
        day = f"{moment(one.case.opened_at):%Y-%m-%d}"
        names = one.case.complaint_id, one.case.customer_id, day
        made.add_row(*names, _outcome(one.baseline), _outcome(one.draft))
    more = len(changed) - shown.most_changed
    return [head, made, *([Text(f"... and {more:,} more", style="dim")] if more > 0 else [])]


def _outcome(breached: Outcome) -> str:
    counts = Counter(breached)
    return ", ".join(f"{spoken(c)}{f' ({n})' if n > 1 else ''}" for c, n in counts.items()) or "none"
