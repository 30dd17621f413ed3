"""The functions that expressions may call: some of the engine's, and ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.expressions.kinds import (
    ANY,
    FRACTION,
    LENGTH,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    ByName,
    Kind,
    Many,
)
from shared.schemas.times import DAY, Micros, moment

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Function:
    """One function, and how it is made at an instant in a place; None where the engine has it."""

    usage: str
    gives: Kind
    takes: Callable[[Sequence[Kind]], bool]
    method: bool | None = False
    """Whether it is written behind what it is about: ``x.contains(y)``; None: as one likes."""
    literal: bool = False
    """Its last argument is text that is written out."""
    made: Callable[[Micros, ZoneInfo], Callable[..., Any]] | None = None
    counted: Callable[[Micros, ZoneInfo], Callable[..., Any]] | None = None
    """Likewise, where times come as microseconds; None where it takes none."""


def _plain(*wanted: Kind) -> Callable[[Sequence[Kind]], bool]:
    def fits(kinds: Sequence[Kind]) -> bool:
        pairs = zip(kinds, wanted, strict=False)
        return len(kinds) == len(wanted) and all(kind in (want, ANY) for kind, want in pairs)

    return fits


def _countable(kinds: Sequence[Kind]) -> bool:
    return len(kinds) == 1 and (kinds[0] in (TEXT, ANY) or isinstance(kinds[0], Many | ByName))


def _number(kinds: Sequence[Kind]) -> bool:
    return len(kinds) == 1 and kinds[0] in (WHOLE, FRACTION, TEXT, ANY)


def _days_since(now: Micros, zone: ZoneInfo) -> Callable[[Any], int | None]:
    """Whole days of 24 hours that have passed; of what lies ahead, none. A function that raises would be
    told of on stderr: what is no time gives null, on which the engine stops."""
    then = moment(now)
    return lambda at: max(then - at, timedelta()).days if isinstance(at, datetime) else None


def _days_counted(now: Micros, zone: ZoneInfo) -> Callable[[Micros], int]:
    return lambda at: max(now - at, 0) // DAY


def _weekday(now: Micros, zone: ZoneInfo) -> Callable[[Any], str | None]:
    return lambda at: WEEKDAYS[at.astimezone(zone).weekday()] if isinstance(at, datetime) else None


def _weekday_counted(now: Micros, zone: ZoneInfo) -> Callable[[Micros], str]:
    return lambda at: WEEKDAYS[moment(at).astimezone(zone).weekday()]


def _local_time(now: Micros, zone: ZoneInfo) -> Callable[[], str]:
    return lambda: moment(now).astimezone(zone).strftime("%H:%M")


def _local_date(now: Micros, zone: ZoneInfo) -> Callable[[], str]:
    return lambda: moment(now).astimezone(zone).date().isoformat()


def _engine(usage: str, gives: Kind, *wanted: Kind, method: bool = False, literal: bool = False) -> Function:
    return Function(usage, gives, _plain(*wanted), method, literal)


FUNCTIONS: Mapping[str, Function] = {
    "days_since": Function(
        "days_since(a time)", WHOLE, _plain(TIME), made=_days_since, counted=_days_counted
    ),
    "weekday": Function(
        "weekday(a time), as weekday(now)", TEXT, _plain(TIME), made=_weekday, counted=_weekday_counted
    ),
    "local_time": Function("local_time()", TEXT, _plain(), made=_local_time),
    "local_date": Function("local_date()", TEXT, _plain(), made=_local_date),
    "size": Function("size(a list, or text)", WHOLE, _countable, method=None),
    "int": Function("int(a number, or text)", WHOLE, _number),
    "double": Function("double(a number, or text)", FRACTION, _number),
    "string": Function("string(a number, or text)", TEXT, _number),
    "timestamp": _engine("timestamp('2026-01-31T00:00:00Z')", TIME, TEXT, literal=True),
    "duration": _engine("duration('36h')", LENGTH, TEXT, literal=True),
    "contains": _engine("text.contains(text)", TRUTH, TEXT, TEXT, method=True),
    "startsWith": _engine("text.startsWith(text)", TRUTH, TEXT, TEXT, method=True),
    "endsWith": _engine("text.endsWith(text)", TRUTH, TEXT, TEXT, method=True),
    "matches": _engine("text.matches('a pattern')", TRUTH, TEXT, TEXT, method=True, literal=True),
}
"""By name; ``has``, ``exists`` and the like are no functions but ways of asking."""
