"""What recorded complaints would have looked like under SLA policies: counted clock by clock."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import NamedTuple

from rapport.simulate.drawing import Month
from rapport.sla.cases import Case
from services.interactions.domain.sla.clocks import clocks_and_runs
from services.interactions.domain.sla.course import Course, Ran
from services.interactions.domain.sla.policy import CLOCKS, Sla
from shared.schemas.complaints import ClockName
from shared.schemas.times import Micros, micros, moment


@dataclass(slots=True)
class Count:
    """Runs of one clock."""

    ran: int = 0
    met: int = 0
    breached: int = 0
    warned: int = 0
    escalated: Counter[int] = field(default_factory=Counter)
    """By level."""
    took: list[Micros] = field(default_factory=list)
    """Open time that each decided run took until it was stopped, beyond its breach too."""

    @property
    def undecided(self) -> int:
        """Neither met nor breached by the end."""
        return self.ran - self.met - self.breached

    @property
    def met_share(self) -> float | None:
        """Of those that are decided."""
        decided = self.met + self.breached
        return self.met / decided if decided else None

    def percentile(self, percent: int) -> Micros | None:
        """The least time within which so many per cent were through."""
        return sorted(self.took)[ceil(len(self.took) * percent / 100) - 1] if self.took else None

    def add(self, other: "Count") -> None:
        self.ran += other.ran
        self.met += other.met
        self.breached += other.breached
        self.warned += other.warned
        self.escalated.update(other.escalated)
        self.took += other.took


class Held(NamedTuple):
    """What a run was held to."""

    version: str
    policy: str
    clock: ClockName


@dataclass(slots=True)
class Result:
    """What a policy file makes of the complaints."""

    sla: Sla
    counts: dict[Held, Count] = field(default_factory=dict)
    complaints: int = 0
    without_clocks: int = 0
    """Complaints that no policy fitted."""
    breaching: int = 0
    """Complaints of which at least one clock was breached."""
    months: Counter[Month] = field(default_factory=Counter)
    """Breaches, by month in UTC."""

    def count(self, version: str, policy: str, clock: ClockName) -> Count:
        """The one that is counted on."""
        return self.counts.setdefault(Held(version, policy, clock), Count())

    def of_clock(self, clock: ClockName) -> Count:
        """All its runs, under whatever policy."""
        total = Count()
        for held, count in self.counts.items():
            if held.clock == clock:
                total.add(count)
        return total


Outcome = tuple[ClockName, ...]
"""The clocks of a complaint that were breached, in their order; one that was twice is there twice."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A complaint that has another outcome under the draft."""

    case: Case
    baseline: Outcome
    draft: Outcome


@dataclass(frozen=True, slots=True)
class Compared:
    """The same complaints under two policies."""

    baseline: Result
    draft: Result
    changed: tuple[Changed, ...]
    """By the time of their opening."""


def compare(
    cases: Iterable[Case],
    baseline: Sla,
    draft: Sla,
    end: datetime,
    *,
    since: datetime | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Compared:
    """Both up to ``end``; ``since``: only complaints that were opened then or later. ``report`` is told how
    many complaints are done."""
    results = Result(baseline), Result(draft)
    changed: list[Changed] = []
    begin = None if since is None else micros(since)
    for number, case in enumerate(cases, start=1):
        if begin is None or case.opened_at >= begin:
            before, after = (_counted(result, case, micros(end)) for result in results)
            if before != after:
                changed.append(Changed(case, before, after))
        report(number)
    return Compared(*results, tuple(changed))


def judged(case: Case, sla: Sla, end: Micros) -> tuple[Course, tuple[Ran, ...]]:
    """What the service would have told of a complaint up to ``end``, and the runs of its clocks."""
    return clocks_and_runs(case.log, sla, end if case.ended_at is None else min(end, case.ended_at))


def _counted(result: Result, case: Case, end: Micros) -> Outcome:
    course, runs = judged(case, result.sla, end)
    result.complaints += 1
    result.without_clocks += not runs
    for run in runs:
        _count_run(result.count(run.version, run.policy, run.clock), run)
    for notice in course.notices:
        # By the policy that held then: one that holds later may lack the clock.
        count = result.count(notice.version, notice.policy, notice.key.clock)
        match notice.key.kind:
            case "warned":
                count.warned += 1
            case "escalated":
                count.escalated[notice.key.level] += 1
            case "breached":
                at = moment(notice.at)
                result.months[at.year, at.month] += 1
            case "met":
                pass
    breached = tuple(sorted((run.clock for run in runs if run.decided == "breached"), key=CLOCKS.index))
    result.breaching += bool(breached)
    return breached


def _count_run(count: Count, run: Ran) -> None:
    count.ran += 1
    if run.decided is None:
        return
    count.met += run.decided == "met"
    count.breached += run.decided == "breached"
    count.took.append(run.took)
