"""What the gate says to a message, step by step, as text."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from rapport.commands.show import table
from rapport.simulate.figures import NONE
from services.followup.models.rules import PreviewAnswer, StepAnswer

_COLOURS = {"pass": "green", "wait": "yellow", "refuse": "red"}


def explanation(shown: PreviewAnswer) -> Iterator[RenderableType]:
    """Times are UTC."""
    yield Text(f"{shown.rule} for {shown.customer_id}, if it were due now: {_verdict(shown)}", style="bold")
    yield Text(f"{shown.purpose}, by {shown.channel} to {shown.to or 'no address'}", style="dim")
    if shown.planned_at is not None:
        yield Text(f"planned for {shown.planned_at:%Y-%m-%d %H:%M} UTC")
    rows = table("step", "verdict", "until", "because", wrapped=("because",))
    for step in shown.steps:
        rows.add_row(step.step, Text(step.verdict, style=_COLOURS[step.verdict]), _until(step), _why(step))
    yield rows


def _verdict(shown: PreviewAnswer) -> str:
    if shown.decision == "send":
        return "it goes"
    if shown.decision == "wait":
        return f"it waits until {shown.at:%Y-%m-%d %H:%M} UTC ({shown.reason})"
    also = f", {', '.join(shown.blocked_by[1:])} too" if shown.blocked_by[1:] else ""
    ends = f"; that ends {shown.next_at:%Y-%m-%d %H:%M} UTC" if shown.next_at else ""
    return f"it does not go ({shown.reason}{also}){ends}"


def _until(step: StepAnswer) -> str:
    return NONE if step.until is None else f"{step.until:%Y-%m-%d %H:%M}"


def _why(step: StepAnswer) -> str:
    said = step.detail or ""
    return said if step.reason in (None, step.step) else f"{step.reason}: {said}".removesuffix(": ")
