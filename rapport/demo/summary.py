"""The demo's last page: what a year brought, for people."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from rapport.demo.check import Checked, Difference
from rapport.demo.live import outreach_table, score
from rapport.demo.oracle import TIERS
from rapport.demo.stories import Story
from rapport.demo.tally import Tally

_MOST_ROWS = 40
_PERCENT = {"csat", "retention", "churn", "repeat_purchase_rate", "response_rate", "redemption_rate"}
_MONEY = {"clv"}


def show_summary(
    console: Console, checked: Checked, tally: Tally, kpis: Mapping[str, Any], stories: Iterable[Story]
) -> None:
    """Members, points, outreach, KPIs and the stories."""
    console.print(_members(checked))
    console.print(_points(checked))
    console.print(outreach_table(tally))
    console.print(_reasons(tally))
    console.print(_kpis(kpis))
    for story in stories:
        _tell(console, story)


def show_differences(console: Console, differences: list[Difference]) -> None:
    """Each member whose account is not as recomputed."""
    table = Table(title=f"{len(differences)} differences", title_style="bold red", title_justify="left")
    for name in ("member", "what", "platform", "recomputed"):
        table.add_column(name)
    for one in differences[:_MOST_ROWS]:
        table.add_row(one.customer, one.what, one.platform, one.expected)
    console.print(table)
    if len(differences) > _MOST_ROWS:
        console.print(f"... and {len(differences) - _MOST_ROWS} more")


def show_urls(console: Console, urls: Mapping[str, str], customer: str, *, kept: bool) -> None:
    """Where to look next, if the stack is ``kept``; else, how it would be."""
    console.print("\n[bold]Where to look next[/bold]" + ("" if kept else ", with KEEP=1"))
    paths = {
        "interactions": (f"/customers/{customer}", f"/customers/{customer}/timeline"),
        "loyalty": (f"/members/{customer}", f"/members/{customer}/ledger"),
        "followup": ("/rules", f"/customers/{customer}/outreach", "/marketing"),
        "metrics": ("/kpis?window=550d", "/dashboard"),
    }
    for service, url in urls.items():
        console.print(f"  {service:13}{url}/docs", soft_wrap=True)
        for path in paths[service]:
            console.print(f"  {'':13}{url}{path}", soft_wrap=True, style="dim")


def _members(checked: Checked) -> Table:
    table = Table(title="members by tier", title_justify="left")
    for name in ("tier", "members", "share", "points held"):
        table.add_column(name, justify="left" if name == "tier" else "right")
    everyone = max(len(checked.accounts), 1)
    for tier, _, _ in reversed(TIERS):
        held = [account.balance for account in checked.accounts if account.tier == tier]
        table.add_row(tier, f"{len(held):,}", f"{len(held) / everyone:.0%}", f"{sum(held):,}")
    return table


def _points(checked: Checked) -> Table:
    kinds: Counter[str] = Counter()
    for account in checked.accounts:
        kinds.update(account.kinds)
    table = Table(title="points", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for kind, points in sorted(kinds.items(), key=lambda pair: -pair[1]):
        table.add_row(kind, f"{points:,}")
    table.add_section()
    outstanding = sum(account.balance for account in checked.accounts)
    table.add_row("outstanding", f"{outstanding:,}", style="bold")
    return table


def _reasons(tally: Tally) -> Table:
    table = Table(title="not sent, and why", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for reason, count in tally.reasons.most_common():
        table.add_row(reason, f"{count:,}")
    return table


def _kpis(kpis: Mapping[str, Any]) -> Table:
    table = Table(title="relationship, the year's end", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in kpis.items():
        if shown := _kpi(name, value):
            table.add_row(name, shown)
    return table


def _kpi(name: str, value: Any) -> str | None:
    """A KPI in one cell; None for one that has no number yet or is no number."""
    if isinstance(value, Mapping) and "p50" in value:
        shown = [f"{key} {_number(name, value[key])}" for key in ("p50", "p90") if value.get(key) is not None]
        return ", ".join(shown) or None
    if isinstance(value, bool) or not isinstance(value, int | float | Mapping):
        return None
    text = _number(name, value)
    return None if text == "-" else text


def _number(name: str, value: Any) -> str:
    if isinstance(value, Mapping) or value is None:
        return score(value)
    if name.endswith("_s"):
        return f"{value / 3600:,.1f} h"
    if name in _PERCENT and 0 <= value <= 1:
        return f"{value:.1%}"
    return f"{value / 100:,.2f}" if name in _MONEY else score(value)


def _tell(console: Console, story: Story) -> None:
    console.print(f"\n[bold]{story.title}[/bold] ({story.customer})", highlight=False)
    for at, text in story.lines:
        console.print(f"  {at:%d %b %Y}  {text}", markup=False, highlight=False)
