"""An SLA policy in a few tables, as its author would want to check it."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from rapport.commands.show import table
from rapport.simulate.figures import NONE, money, number
from services.interactions.domain.sla.calendars import WEEKDAYS, Calendar, Week
from services.interactions.domain.sla.compensation import Compensation
from services.interactions.domain.sla.fields import DAY_MINUTES, Duration
from services.interactions.domain.sla.policy import CLOCKS, Policy, Sla, Version, policies_never_reached


def outline(sla: Sla) -> Iterator[RenderableType]:
    """Each version: calendars, policies in their order, what looks like a slip; limits, root causes."""
    for version in sla.versions:
        yield Text(f"\n{sla.name}, from {version.name}", style="bold")
        yield _calendars(version)
        yield ""
        yield _matches(version)
        yield ""
        yield _durations(version)
        for note in _notes(version):
            yield Text(f"\n{note}", style="yellow")
    if sla.compensation.limits:
        yield ""
        yield _limits(sla.compensation)
    if sla.root_causes is not None:
        yield Text(f"\nA resolution may name as root cause: {', '.join(sla.root_causes)}")


def _calendars(version: Version) -> RenderableType:
    shown = table("calendar", "zone", "days", "hours", wrapped=("hours",))
    for name, calendar in version.calendars.items():
        zone = calendar.timezone
        for days, hours in _week(calendar):
            shown.add_row(name, zone, days, hours)
            name = zone = ""
        for what, text in _exceptions(calendar):
            shown.add_row("", "", what, text)
    return shown


def _week(calendar: Calendar) -> Iterator[tuple[str, str]]:
    """Days that have the same hours in one line, closed days left out."""
    if calendar.by_day:
        yield "all", "00:00-24:00"
        return
    texts = [", ".join(map(str, sorted(day, key=lambda w: w.begin))) for day in calendar.hours.days]
    for text in dict.fromkeys(texts):
        days = [name for name, own in zip(WEEKDAYS, texts, strict=True) if own == text]
        if text:
            yield " ".join(days), text


def _exceptions(calendar: Calendar) -> Iterator[tuple[str, str]]:
    if calendar.holidays is not None:
        part = calendar.holidays.subdivision
        yield "closed", f"holidays of {calendar.holidays.country}{f', {part}' if part else ''}"
    if calendar.closed:
        yield "closed", ", ".join(map(str, sorted(calendar.closed)))
    for day, windows in sorted(calendar.open.items()):
        yield str(day), ", ".join(map(str, windows))


def _matches(version: Version) -> RenderableType:
    shown = table("policy", "calendar", "for", wrapped=("for",))
    for policy in version.policies:
        shown.add_row(policy.name, policy.calendar, _fits(policy))
    return shown


def _durations(version: Version) -> RenderableType:
    columns = ("policy", "first", "next", "update", "resolution", "warn", "escalate")
    shown = table(*columns, wrapped=("escalate",))
    for policy in version.policies:
        durations: list[Duration | None] = [*(getattr(policy, clock) for clock in CLOCKS), policy.warn_before]
        levels = ", ".join(f"{level.to} after {level.after}" for level in policy.escalate)
        cells = (NONE if duration is None else str(duration) for duration in durations)
        shown.add_row(policy.name, *cells, levels or NONE)
    return shown


def _fits(policy: Policy) -> str:
    asked = policy.when.model_dump(exclude_none=True)
    text = "; ".join(f"{field} {' or '.join(values)}" for field, values in asked.items())
    return f"{policy.of}{': ' if text else ''}{text}"


def _notes(version: Version) -> Iterator[str]:
    for name in policies_never_reached(version):
        yield f"The policy {name} fits nothing: one before it fits everything."
    for name, calendar in version.calendars.items():
        if _ends_early(calendar.hours):
            yield f"A window of {name} ends at 23:59, which loses a minute a day; the end of a day is 24:00."
    used = {policy.calendar for policy in version.policies}
    for name in version.calendars:
        if name not in used:
            yield f"No policy uses the calendar {name}."


def _ends_early(week: Week) -> bool:
    return any(window.end == DAY_MINUTES - 1 for windows in week.days for window in windows)


def _limits(compensation: Compensation) -> RenderableType:
    shown = table("without approval", "severity", "points", "money", right=("points", "money"))
    for limit in compensation.limits:
        shown.add_row(
            limit.scope,
            limit.severity or "every",
            NONE if limit.points is None else number(limit.points),
            NONE if limit.money is None else money(limit.money.amount, limit.money.currency),
        )
    return shown
