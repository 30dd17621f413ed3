"""The kinds of value that the desk's file holds: spans of time, names in lists."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from shared.schemas.faults import fault
from shared.schemas.fields import Label
from shared.schemas.times import DAY, SECOND, Micros

_SPAN = re.compile("".join(rf"(?:([0-9]{{1,18}}){unit})?" for unit in "dhms"))
_MOST_DAYS = 999
_UNITS = (DAY, 3_600 * SECOND, 60 * SECOND, SECOND)


def _span(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a bare number says no unit
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if not found or not value:
        raise fault("", "must be a time such as 30s, 2m, 1h30m or 1d")
    span = sum(int(part or 0) * unit for part, unit in zip(found.groups(), _UNITS, strict=True))
    if span > _MOST_DAYS * DAY:
        raise fault("", f"must be {_MOST_DAYS}d at most")
    return span


def _positive(value: Micros) -> Micros:
    if value == 0:
        raise fault("", "must be more than 0")
    return value


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise fault(f"[{number}]", f"is listed twice: {name}")
    return names


Span = Annotated[Micros, BeforeValidator(_span)]
"""A time as people write it (1h30m), in microseconds; it may be 0."""
Wait = Annotated[Span, AfterValidator(_positive)]
"""A time of more than 0."""
Names = Annotated[tuple[Label, ...], Field(max_length=1_000), AfterValidator(_once)]
"""Names, each once."""
