"""How well customers' health told beforehand, on the demo's year, who would stay away."""

from collections.abc import Iterable

from rich.console import Console

from rapport.health.calibrate import calibrate
from rapport.health.page import page
from rapport.replay.record import Record
from rapport.replay.source import Source
from rapport.simulate.recording import arrivals
from services.metrics.config import load
from services.metrics.domain.apply import CONSUMES


def show_calibration(console: Console, records: Iterable[Record]) -> None:
    """By the policy that ships. ``records``: the year's, in the order of the log."""
    quarters = calibrate(arrivals(Source(records), CONSUMES), load().health)
    console.print("\n[bold]Who stayed away, and what health had said[/bold]")
    for part in page(quarters):
        console.print(part, soft_wrap=isinstance(part, str))
