"""A customer's year of messages, as followup's API lists them: what went, what did not and why, and when that
reason would end."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from rapport.client import Client
from services.followup.models.outreach import OutreachAnswer

MOST_LINES = 24
REASONS: Mapping[str, str] = {
    "no_consent": "not allowed by the customer",
    "address_suppressed": "the address is not used any more",
    "stale": "too late to say it",
    "condition_unmet": "it does not apply",
    "open_complaint": "a complaint is open",
    "holdout": "held out, for comparison",
    "outranked": "something matters more",
    "duplicate": "too soon again, or said already",
    "frequency_cap": "enough messages for now",
    "quiet_hours": "quiet hours until too late",
    "send_window": "out of hours until too late",
    "rate_limited": "the channel was busy until too late",
    "goal_reached": "what it is for has happened",
    "erased": "the customer was erased",
}
"""Why a message did not go, in a few words."""
ENDS: Mapping[str, str] = {
    "sent": "sent",
    "failed": "failed",
    "in_doubt": "perhaps sent",
    "suppressed": "not sent",
    "cancelled": "taken back",
    "scheduled": "planned",
    "waiting": "waits",
    "ready": "on its way",
    "sending": "on its way",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Messages of one rule that came to the same, one after another."""

    at: datetime
    rule: str
    end: str
    reason: str | None
    detail: str | None
    next_at: datetime | None
    """Of the last of them."""
    times: int = 1

    @property
    def why(self) -> str:
        if self.reason is None:
            return ""
        said = REASONS.get(self.reason, self.reason.replace("_", " "))
        return f"{said}: {self.detail}" if self.detail else said

    def goes_on_with(self, other: "Line") -> bool:
        return (self.end, self.reason) == (other.end, other.reason)

    def with_another(self, other: "Line") -> "Line":
        detail = self.detail if self.detail == other.detail else None
        return replace(self, detail=detail, next_at=other.next_at, times=self.times + 1)


def messages_of(client: Client, customer: str) -> list[OutreachAnswer]:
    """All of a customer's, the earliest due first. Raises TroubleError."""
    items = client.items("followup", f"/customers/{quote(customer, safe='')}/outreach?limit=100")
    return [OutreachAnswer.model_validate(item) for item in reversed(items)]


def most_telling(years: Mapping[str, Sequence[OutreachAnswer]]) -> str | None:
    """The customer of whose messages most different things became; of two alike the one with fewer."""
    ranked = [(len(_kinds(year)), -len(year), customer) for customer, year in years.items() if year]
    return max(ranked)[2] if ranked else None


def lines(year: Iterable[OutreachAnswer]) -> list[Line]:
    """A line each, or for several that a rule was refused for the same, one after another; where they are too
    many, what was told of a rule before goes."""
    found: list[Line] = []
    last: dict[str, int] = {}
    """By rule, where its last line stands."""
    for one in year:
        line = Line(one.due_at, one.rule, ENDS[one.status], one.reason, _detail(one), one.next_at)
        place = last.get(one.rule)
        if place is not None and line.reason is not None and found[place].goes_on_with(line):
            found[place] = found[place].with_another(line)
        else:
            last[one.rule] = len(found)
            found.append(line)
    told: Counter[tuple[str, str, str | None]] = Counter()
    ranked = []
    for place, line in enumerate(found):
        kind = (line.rule, line.end, line.reason)
        ranked.append((told[kind], place))
        told[kind] += 1
    return [found[place] for place in sorted(place for _, place in sorted(ranked)[:MOST_LINES])]


def show_messages(console: Console, client: Client, customers: Mapping[str, str]) -> None:
    """Of these customers, by id with their names, the one whose year of messages tells most. Raises
    TroubleError."""
    years = {customer: messages_of(client, customer) for customer in customers}
    customer = most_telling(years)
    if customer is None:
        return
    year = years[customer]
    sent = sum(one.status == "sent" for one in year)
    console.print(
        f"\n[bold]{customers[customer]}[/bold] ({customer}): {len(year)} messages, {sent} sent",
        highlight=False,
    )
    console.print(table_of(lines(year)))


def table_of(shown: Sequence[Line]) -> Table:
    """Reads well at 80 columns."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("due", "rule"):
        table.add_column(name, no_wrap=True)
    table.add_column("what became of it", overflow="fold", ratio=1)
    table.add_column("could go", no_wrap=True)
    for line in shown:
        times = f" ({line.times} times)" if line.times > 1 else ""
        became = f"{line.end}{times}" + (f": {line.why}" if line.why else "")
        style = "green" if line.end == "sent" else None
        table.add_row(f"{line.at:%d %b %y}", line.rule, became, _day(line.next_at), style=style)
    return table


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%d %b %y}"


def _detail(one: OutreachAnswer) -> str | None:
    """In words: a condition as the rules file writes it is none."""
    told = one.error if one.status in ("suppressed", "failed", "in_doubt") else None
    return None if told is None or told.startswith("if:") else told


def _kinds(year: Sequence[OutreachAnswer]) -> set[tuple[str, str | None]]:
    return {(one.status, one.reason) for one in year}
