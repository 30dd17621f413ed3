"""The demo's part on what complainants were promised: the clocks of one complaint, those of all against a
simulation of the same year, and the year under a stricter policy."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rich.console import Console

from rapport.client import Client
from rapport.demo.check import Difference
from rapport.replay.record import Record
from rapport.replay.source import Source
from rapport.simulate.recording import arrivals
from rapport.sla.cases import USED, Case, recorded
from rapport.sla.explanation import explanation
from rapport.sla.page import brief
from rapport.sla.simulate import Compared, compare, judged
from services.interactions.config import DEFAULT, load
from services.interactions.domain.sla.course import Clock
from services.interactions.domain.sla.policy import Sla
from services.interactions.models.clocks import ExplainedClocks
from shared.schemas.times import Micros, maybe_moment, micros

STRICT = DEFAULT.with_name("strict.yaml")
_MOST_LINES = 24
"""Of the complaint that is shown."""


class Promises(NamedTuple):
    """The year's complaints, as a simulation has them."""

    sla: Sla
    """What the platform runs."""
    cases: list[Case]
    compared: Compared
    end: Micros


def promises(simulated: Sequence[Record], end: datetime) -> Promises:
    """Of the year's events up to ``end``; the recorded baskets say nothing of complaints."""
    sla = load()
    found = recorded(arrivals(Source(simulated, len(simulated)), USED), until=end)
    cases = found.cases if found is not None else []
    return Promises(sla, cases, compare(cases, sla, load(STRICT), end), micros(end))


def check_promises(client: Client, made: Promises) -> list[Difference]:
    """Where the platform's clocks are not the simulation's; empty when all is well. Raises TroubleError."""
    asked = client.map(lambda case: _asked(client, case), made.cases)
    return [
        difference
        for case, shown in zip(made.cases, asked, strict=True)
        for difference in compare_clocks(case, shown, judged(case, made.sla, made.end)[0].clocks)
    ]


def compare_clocks(case: Case, shown: ExplainedClocks, wanted: Sequence[Clock]) -> list[Difference]:
    """State and due time of each clock."""
    platform = {one.clock: f"{one.state}, due {one.due_at}" for one in shown.clocks}
    expected = {one.clock: f"{one.state}, due {maybe_moment(one.due_at)}" for one in wanted}
    return [
        Difference(case.customer_id, f"{clock} of {case.complaint_id}", found, right)
        for clock in sorted({*platform, *expected})
        if (found := platform.get(clock, "none")) != (right := expected.get(clock, "none"))
    ]


def show_promises(console: Console, client: Client, made: Promises) -> None:
    """One complaint's clocks, and the year under the stricter policy."""
    told = [(case, _telling(case, made)) for case in made.cases]
    if not told:
        return
    case, _ = max(told, key=lambda pair: pair[1])
    console.print("\n[bold]What a complainant was promised[/bold], as `rapport sla explain` shows it")
    for part in explanation(_asked(client, case)):
        console.print(part)
    console.print("\n[bold]The year under a stricter policy[/bold], as `rapport sla simulate` shows it")
    console.print(brief(made.compared))


def _asked(client: Client, case: Case) -> ExplainedClocks:
    path = f"/complaints/{case.complaint_id}/clocks?customer_id={case.customer_id}"
    return ExplainedClocks.model_validate(client.get("interactions", path))


def _telling(case: Case, made: Promises) -> int:
    """How much there is to see in a complaint's clocks, if it is not too long."""
    clocks = judged(case, made.sla, made.end)[0].clocks
    stretches = sum(len(clock.stretches) for clock in clocks)
    days = sum((end - begin) // (24 * 3_600_000_000) + 1 for c in clocks for begin, end in c.stretches)
    if days > _MOST_LINES:
        return -days
    states = {clock.state for clock in clocks}
    return 10 * len(states & {"met", "breached"}) + 5 * len(clocks) + stretches
