"""A team as its lead sees it: who waits, in the order in which they will come, and today's hours as bars."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.matching import place
from services.interactions.domain.routing.state import Team
from services.interactions.models.teams import HourView, StuckView
from shared.schemas.times import moment


@dataclass(frozen=True, slots=True)
class Waits:
    """A conversation in the queue."""

    customer_id: str
    conversation_id: str
    since: datetime
    """Since when it has waited, in whatever team."""
    priority: str
    channel: str | None
    language: str | None
    skills: tuple[str, ...]
    hard: bool
    """It is hard on whoever takes it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour of today; sizes are parts of the highest bar, 0 to 100."""

    hour: int
    agents: int
    """That it calls for."""
    arrivals: float
    height: int
    now: bool


@dataclass(frozen=True, slots=True)
class Day:
    """Today's hours, by what came on this day of the week; ``most``: agents of the highest bar, or 1."""

    bars: tuple[Bar, ...]
    most: int

    @property
    def now(self) -> Bar:
        return next(bar for bar in self.bars if bar.now)


def queue(desk: Desk, team: Team, limit: int) -> tuple[Waits, ...]:
    """Those who come first come first."""
    ordered = sorted(team.waiting.values(), key=lambda one: place(desk, one))
    return tuple(
        Waits(
            customer_id=one.customer_id,
            conversation_id=one.conversation_id,
            since=moment(one.since),
            priority=one.priority,
            channel=one.channel,
            language=one.language,
            skills=one.skills,
            hard=one.difficult,
        )
        for one in ordered[:limit]
    )


@dataclass(frozen=True, slots=True)
class Lacking:
    """What conversations wait for that nobody of the team has; both empty: it is something else."""

    missing: tuple[str, ...]
    """Skills."""
    language: str | None
    count: int


def lacking(stuck: Iterable[StuckView]) -> tuple[Lacking, ...]:
    """By what most wait for."""
    found = Counter((tuple(one.missing), None if one.missing else one.language) for one in stuck)
    return tuple(Lacking(*kind, count) for kind, count in found.most_common())


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the week; ``people``: that it calls for, Monday's first; None where nothing came."""

    hour: int
    people: tuple[int | None, ...]


def week(hours: Sequence[HourView]) -> tuple[Hour, ...]:
    """From the first hour of a day in which something came to the last."""
    known = {(one.hour, one.weekday): one.agents for one in hours}
    of_day = [hour for hour, _ in known]
    if not of_day:
        return ()
    span = range(min(of_day), max(of_day) + 1)
    return tuple(Hour(hour, tuple(known.get((hour, day)) for day in range(7))) for hour in span)


def today(hours: Sequence[HourView], local: datetime) -> Day:
    """``local``: now, in the team's time zone."""
    of_day = {one.hour: one for one in hours if one.weekday == local.weekday()}
    most = max([1, *(one.agents for one in of_day.values())])
    bars = []
    for hour in range(24):
        one = of_day.get(hour)
        agents = 0 if one is None else one.agents
        arrivals = 0.0 if one is None else one.arrivals
        bars.append(Bar(hour, agents, arrivals, round(100 * agents / most), hour == local.hour))
    return Day(tuple(bars), most)
