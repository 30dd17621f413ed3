"""The results of rules as text: what became of their messages, and by how much an arm did better."""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from rich.console import RenderableType
from rich.text import Text

from rapport.client import Client
from rapport.commands.show import table
from rapport.simulate.drawing import heading
from rapport.simulate.figures import NONE, number
from rapport.trouble import TroubleError
from services.followup.models.results import FunnelAnswer, IntervalAnswer, ResultsAnswer


def results(
    client: Client, names: Collection[str], since: str | None, until: str | None
) -> list[ResultsAnswer]:
    """Of these rules, or of all in force, by followup's API. Raises TroubleError."""
    named = list(names) or [rule["name"] for rule in client.get("followup", "/rules")["rules"]]
    asked = urlencode({key: value for key, value in (("from", since), ("to", until)) if value})
    found = []
    for name in named:
        status, body = client.call("GET", "followup", f"/rules/{quote(name, safe='')}/results?{asked}")
        if status != 200:
            raise TroubleError(_told(body) or f"followup answered {status}.")
        found.append(ResultsAnswer.model_validate(body))
    return found


def shown(found: Collection[ResultsAnswer]) -> Iterator[RenderableType]:
    """A line each; of one rule alone its parts, arms and lift too."""
    for first in list(found)[:1]:
        yield Text(f"Messages due from {first.since} until before {first.until} (days in UTC)", style="bold")
    columns = ("rule", "planned", "sent", "delivered", "answered", "goal", "waiting", "not sent, and why")
    rows = table(*columns, right=columns[1:7], wrapped=("rule", columns[-1]))
    for one in found:
        rows.add_row(one.rule, *_cells(one.total))
    yield rows
    if len(found) == 1:
        for one in found:
            yield from _parts(one)
            yield from _arms(one)


def _cells(total: FunnelAnswer) -> list[str]:
    counts = (total.planned, total.sent, total.delivered, total.answered, total.goal_reached, total.waiting)
    why = {**total.suppressed, **{f"cancelled: {reason}": n for reason, n in total.cancelled.items()}}
    words = ", ".join(f"{reason} {number(n)}" for reason, n in why.items())
    return [*map(number, counts), words or NONE]


def _parts(one: ResultsAnswer) -> Iterator[RenderableType]:
    if len(one.parts) < 2:
        return
    yield heading("by step and variant")
    columns = ("step", "variant", "planned", "sent", "delivered", "answered", "goal", "waiting", "not sent")
    rows = table(*columns, right=columns[2:8], wrapped=columns[-1:])
    for part in one.parts:
        rows.add_row(part.step or NONE, part.variant or NONE, *_cells(part))
    yield rows


def _arms(one: ResultsAnswer) -> Iterator[RenderableType]:
    if not one.arms:
        return
    yield heading("what it brought, by all who were assigned")
    if one.sample_ratio is not None and one.sample_ratio.mismatch:
        told = f"People did not fall to the arms as they were meant to (p = {one.sample_ratio.p:.2g})"
        yield Text(f"{told}: do not believe what follows.", style="red")
    rows = table("arm", "meant", "people", "goal", "rate", "95 % interval", right=("meant", "people", "goal"))
    for arm in one.arms:
        rate = NONE if arm.rate is None else f"{arm.rate.value:.1%}"
        interval = NONE if arm.rate is None else f"{arm.rate.low:.1%} to {arm.rate.high:.1%}"
        counts = number(arm.assigned), number(arm.reached)
        rows.add_row(arm.name, f"{arm.share:.0%}", *counts, rate, interval)
    yield rows
    for lift in one.lifts:
        verdict = "" if lift.certain else ": no difference shown"
        yield Text(f"{lift.arm} against {lift.against}: {_points(lift.difference)}{verdict}")


def _points(by: IntervalAnswer) -> str:
    return f"{by.value * 100:+.1f} points (95 %: {by.low * 100:+.1f} to {by.high * 100:+.1f})"


def _told(body: Any) -> str:
    return str(body.get("detail") or body.get("title")) if isinstance(body, dict) else ""
