"""Complaints told by hand. 2 March 2026 is a Monday, and Berlin is an hour ahead of UTC until the 29th.

All times are UTC: the contract's office is open 08:00-11:30 and 12:30-17:00 on Mondays, 08:00-17:00 on
Tuesdays.
"""

from datetime import UTC, datetime

from services.interactions.config import parse
from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.course import Clock, Course
from services.interactions.domain.sla.log import Fact, Kind, MatchField
from services.interactions.domain.sla.policy import Sla
from shared.schemas.times import DAY, Micros, micros, moment

from .contract import CONTRACT

HOUR = DAY // 24
MINUTE = HOUR // 60
SLA = parse(CONTRACT)


def at(text: str) -> Micros:
    """``2 10:30`` is 2 March 2026, 10:30 UTC; with ``2026-...`` in front, any day."""
    day, clock = text.split()
    date = day if "-" in day else f"2026-03-{int(day):02}"
    return micros(datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=UTC))


def opened(when: str, severity: str = "critical") -> Fact:
    return Fact(at(when), Kind.OPENED, (("severity", severity),))


def fact(when: str, kind: Kind, promised_by: str | None = None) -> Fact:
    return Fact(at(when), kind, promised_by=None if promised_by is None else at(promised_by))


def changed(when: str, field: MatchField, value: str | None) -> Fact:
    return Fact(at(when), Kind.CHANGED, ((field, value),))


def clock_of(course: Course, name: str) -> Clock:
    return next(clock for clock in course.clocks if clock.clock == name)


def shown(course: Course, name: str) -> tuple[str, str | None, float]:
    """State, due time and hours used."""
    clock = clock_of(course, name)
    return clock.state, None if clock.due_at is None else told_at(clock.due_at), clock.used / HOUR


def told_at(instant: Micros) -> str:
    return f"{moment(instant):%d %H:%M}".removeprefix("0")


def told(course: Course, *kinds: str) -> list[tuple[str, str, str]]:
    """Kind (with the level of an escalation), clock and time."""
    return [
        (f"{one.key.kind}{one.key.level or ''}", one.key.clock, told_at(one.at))
        for one in course.notices
        if not kinds or one.key.kind in kinds
    ]


def run(until: str, *log: Fact, sla: Sla = SLA) -> Course:
    return clocks(log, sla, at(until))
