"""What the pages of results show, as their templates need it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from services.followup.domain.results.report import Arm, Funnel, Lift, Report
from services.followup.domain.results.statistics import Interval
from services.followup.marketing.calendar import calendar

PERIODS = (7, 30, 90, 365)
NONE = "–"


@dataclass(frozen=True, slots=True)
class Shown:
    """Which days, and where the pages are."""

    since: date
    until: date
    """The day after the last."""
    today: date
    root: str = "/marketing"

    @property
    def told(self) -> dict[str, Any]:
        """What every page shows of it."""
        return {"since": _day(self.since), "until": _day(self.until - timedelta(days=1))}

    def rule(self, name: str) -> str:
        return f"{self.root}/rules/{quote(name, safe='')}?from={self.since}&to={self.until}"

    @property
    def home(self) -> str:
        return f"{self.root}?from={self.since}&to={self.until}"

    def links(self, path: str) -> list[dict[str, Any]]:
        """To the last days, up to today."""
        end = self.today + timedelta(days=1)
        return [
            {
                "label": f"{days} days",
                "href": f"{path}?from={end - timedelta(days=days)}&to={end}",
                "here": (self.since, self.until) == (end - timedelta(days=days), end),
            }
            for days in PERIODS
        ]


def overview(
    shown: Shown, name: str, reports: Mapping[str, Report], waiting: Mapping[str, Mapping[date, int]]
) -> dict[str, Any]:
    """All rules; ``waiting``: of each, the messages that wait for a day."""
    busy = {rule: found for rule, found in reports.items() if found.total.planned}
    return {
        **shown.told,
        "name": name,
        "links": shown.links(shown.root),
        "tiles": _tiles([found.total for found in busy.values()]),
        "rows": [_row(shown, rule, found.total) for rule, found in busy.items()],
        "quiet": [rule for rule in reports if rule not in busy],
        "calendar": calendar(shown.today, waiting, shown.rule),
    }


def rule_page(shown: Shown, rule: str, description: str, goal: str | None, found: Report) -> dict[str, Any]:
    total = found.total
    return {
        **shown.told,
        "rule": rule,
        "description": description,
        "goal": goal,
        "home": shown.home,
        "links": shown.links(f"{shown.root}/rules/{quote(rule, safe='')}"),
        "planned": total.planned,
        "funnel": _stages(total),
        "notes": _notes(total),
        "refusals": _refusals(total),
        "parts": [_part(part) for part in found.parts],
        "arms": _arms(found.arms),
        "lifts": _lifts(found.lifts),
        "ratio": found.split and {"p": _p(found.split.p), "mismatch": found.split.mismatch},
    }


def _tiles(totals: Sequence[Funnel]) -> list[dict[str, str]]:
    planned, sent, answered, goal, waiting = (
        sum(getattr(total, name) for total in totals)
        for name in ("planned", "sent", "answered", "goal_reached", "waiting")
    )
    off = sum(sum(total.suppressed.values()) for total in totals)
    return [
        {"label": "planned", "value": f"{planned:,}", "under": f"{waiting:,} still wait"},
        {"label": "sent", "value": f"{sent:,}", "under": f"{_share(sent, planned)} of planned"},
        {"label": "not sent", "value": f"{off:,}", "under": f"{_share(off, planned)} of planned"},
        {"label": "answered", "value": f"{answered:,}", "under": f"{_share(answered, sent)} of sent"},
        {"label": "goal reached", "value": f"{goal:,}", "under": f"{_share(goal, sent)} of sent"},
    ]


def _row(shown: Shown, rule: str, total: Funnel) -> dict[str, Any]:
    reason = next(iter(total.suppressed), None)
    words = "" if reason is None else f"{_words(reason)} {_share(total.suppressed[reason], total.planned)}"
    return {
        "rule": rule,
        "href": shown.rule(rule),
        "planned": f"{total.planned:,}",
        "sent": f"{total.sent:,}",
        "share": _percent(total.sent, total.planned),
        "delivered": _or_none(total.delivered),
        "answered": _or_none(total.answered),
        "goal": _or_none(total.goal_reached),
        "reason": words,
    }


def _stages(total: Funnel) -> list[dict[str, Any]]:
    """Each with its share of the stage that it is a part of."""
    reported = total.delivered or sum(total.bounced.values())
    rows = [
        _stage("planned", total.planned, total.planned, "", "plain-fill"),
        _stage("sent", total.sent, total.planned, f"{_share(total.sent, total.planned)} of planned"),
    ]
    if reported:
        share = f"{_share(total.delivered, total.sent)} of sent"
        rows.append(_stage("delivered", total.delivered, total.planned, share))
    for label, count in (("answered", total.answered), ("goal reached", total.goal_reached)):
        rows.append(_stage(label, count, total.planned, f"{_share(count, total.sent)} of sent", "good-fill"))
    return rows


def _notes(total: Funnel) -> list[str]:
    found = []
    if total.sent and not total.delivered:
        found.append("Nothing is told of deliveries: no provider or mailbox reports them.")
    counts = (
        (total.waiting, "still wait"),
        (total.failed, "failed"),
        (total.in_doubt, "are in doubt: nobody knows whether they were sent"),
        (total.bounced.get("hard", 0), "came back for good"),
        (total.bounced.get("soft", 0), "came back for now"),
        (total.complained, "were called unwanted"),
        (total.overtaken, "were taken back too late: they are among those sent"),
    )
    told = [f"{count:,} {what}" for count, what in counts if count]
    if told:
        found.append("; ".join(told) + ".")
    return found


def _refusals(total: Funnel) -> list[dict[str, Any]]:
    suppressed = {_words(reason): n for reason, n in total.suppressed.items()}
    cancelled = {f"cancelled: {_words(reason)}": n for reason, n in total.cancelled.items()}
    rows = {**suppressed, **cancelled}
    most = max(rows.values(), default=0)
    return [
        _stage(reason, count, most, f"{_share(count, total.planned)} of planned", "bad-fill")
        for reason, count in sorted(rows.items(), key=lambda item: -item[1])
    ]


def _stage(label: str, count: int, most: int, under: str, fill: str = "accent-fill") -> dict[str, Any]:
    share = _percent(count, most)
    return {"label": label, "text": f"{count:,}", "under": under, "share": share, "fill": fill}


def _part(part: Funnel) -> dict[str, Any]:
    return {
        "step": part.step or NONE,
        "variant": part.variant or NONE,
        "planned": f"{part.planned:,}",
        "sent": f"{part.sent:,}",
        "delivered": _or_none(part.delivered),
        "answered": _or_none(part.answered),
        "goal": _or_none(part.goal_reached),
        "share": _percent(part.answered, part.sent),
    }


def _arms(arms: Sequence[Arm]) -> list[dict[str, Any]]:
    highest = max((arm.rate.high for arm in arms if arm.rate is not None), default=1.0) or 1.0
    return [
        {
            "name": arm.name,
            "share": f"{arm.share:.0%}",
            "assigned": f"{arm.assigned:,}",
            "reached": f"{arm.reached:,}",
            "rate": NONE if arm.rate is None else f"{arm.rate.value:.1%}",
            "interval": NONE if arm.rate is None else f"{arm.rate.low:.1%} to {arm.rate.high:.1%}",
            "mark": None if arm.rate is None else _mark(arm.rate, 0, highest, "plain"),
        }
        for arm in arms
    ]


def _lifts(lifts: Sequence[Lift]) -> list[dict[str, Any]]:
    if not lifts:
        return []
    low = min(0, *(lift.interval.low for lift in lifts))
    high = max(0, *(lift.interval.high for lift in lifts))
    found = []
    for lift in lifts:
        by = lift.interval
        tone = "unsure" if not by.excludes_zero else "good" if by.value > 0 else "bad"
        verdicts = {"good": "more", "bad": "fewer", "unsure": "no difference shown"}
        found.append(
            {
                "arm": lift.arm,
                "against": lift.against,
                "difference": _points(by.value),
                "interval": f"{_points(by.low)} to {_points(by.high)}",
                "mark": _mark(by, low, high, tone),
                "tone": "plain" if tone == "unsure" else tone,
                "verdict": verdicts[tone],
            }
        )
    return found


def _mark(by: Interval, low: float, high: float, tone: str) -> dict[str, Any]:
    """On a scale from ``low`` to ``high``, with some room at either end."""
    room = (high - low) * 0.03 or 0.01
    first, width = low - room, high - low + 2 * room

    def place(value: float) -> float:
        return round(100 * (value - first) / width, 2)

    return {
        "zero": place(0),
        "low": place(by.low),
        "high": place(by.high),
        "value": place(by.value),
        "tone": tone,
    }


def _points(value: float) -> str:
    return f"{value * 100:+.1f} pp"


def _p(p: float) -> str:
    return "below 0.0001" if p < 0.0001 else f"{p:.4f}"


def _share(some: int, everyone: int) -> str:
    return f"{some / everyone:.0%}" if everyone else NONE


def _percent(some: int, everyone: int) -> float:
    return round(100 * some / everyone, 2) if everyone else 0


def _or_none(count: int) -> str:
    return f"{count:,}" if count else NONE


def _words(reason: str) -> str:
    return reason.replace("_", " ")


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
