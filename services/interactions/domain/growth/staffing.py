"""How many people each hour of a week calls for, by what came in the last weeks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import ceil
from typing import NamedTuple

from services.interactions.domain.growth.erlang import needed
from services.interactions.domain.growth.policy import Staffing
from shared.schemas.times import DAY, SECOND, Micros, micros, moment

HOUR_S = 3_600
HOUR: Micros = HOUR_S * SECOND
WEEK: Micros = 7 * DAY


class Arrivals(NamedTuple):
    """What came to a team in an hour."""

    hour: int
    """Hours since 1970."""
    channels: Mapping[str, int]
    """Conversations, by the channel that they came by."""


class Cell(NamedTuple):
    """An hour of the week: what is to be expected of it, and the people that it calls for."""

    weekday: int
    """0 is Monday."""
    hour: int
    """0 to 23, in the team's time zone."""
    arrivals: float
    """The mean of the weeks."""
    load: float
    """The work in it, in erlangs: people who would be busy all the time."""
    agents: int
    """To be at work."""
    scheduled: int
    """To be paid for, as some of their time goes elsewhere."""
    service_level: float
    occupancy: float


def staffing(policy: Staffing, told: Iterable[Arrivals], now: datetime) -> tuple[Cell, ...]:
    """The hours of a week in which something came, Monday's first. Of a team that is younger than the weeks
    asked for, the mean is of the weeks it has; the hour that has begun does not count."""
    until = micros(now) // HOUR
    since = until - policy.weeks * WEEK // HOUR
    known = [one for one in told if since <= one.hour < until]
    if not known:
        return ()
    weeks = min(policy.weeks, ceil((until - min(one.hour for one in known)) * HOUR / WEEK))
    came: dict[tuple[int, int], Counter[str]] = {}
    for one in known:
        local = moment(one.hour * HOUR).astimezone(policy.zone)
        came.setdefault((local.weekday(), local.hour), Counter()).update(one.channels)
    return tuple(_cell(policy, *place, came[place], weeks) for place in sorted(came))


def _cell(policy: Staffing, weekday: int, hour: int, came: Counter[str], weeks: int) -> Cell:
    arrivals = came.total() / weeks
    work_s = sum(policy.work_of(channel) * count for channel, count in came.items()) / SECOND / weeks
    load = work_s / HOUR_S
    found = needed(
        load,
        work_s / arrivals if arrivals else 1.0,
        service_level=policy.service_level,
        within_s=policy.within / SECOND,
        max_occupancy=policy.max_occupancy,
    )
    return Cell(
        weekday,
        hour,
        arrivals,
        load,
        found.agents,
        ceil(found.agents / (1 - policy.shrinkage) - 1e-9),
        found.service_level,
        found.occupancy,
    )
