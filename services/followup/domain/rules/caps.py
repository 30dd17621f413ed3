"""Caps as the YAML file may say them: how many messages a customer may have in a time."""

from datetime import timedelta
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, PlainSerializer

from services.followup.domain.rules.rule import Name
from services.followup.domain.rules.times import parse_duration, write_duration
from shared.schemas.base import Strict

Period: TypeAlias = Literal["day", "week", "month"]
"""Of the calendar, where the customer lives; weeks begin on Monday."""
LONGEST: dict[Period, timedelta] = {
    "day": timedelta(days=2),
    "week": timedelta(days=8),
    "month": timedelta(days=32),
}
"""No period lasts longer, whatever the clocks do."""


def _parse(value: object) -> object:
    if value in get_args(Period):
        return value
    found = parse_duration(value, "12h or 30d, or one of day, week, month")
    if not found:
        raise ValueError("must be more than nothing")
    return found


def _write(value: object) -> str:
    return write_duration(value) if isinstance(value, timedelta) else str(value)


class FrequencyCap(Strict):
    """At most ``max`` messages of ``purposes`` per customer in any span of ``per``, or in each day, week or
    month where the customer lives."""

    max: Annotated[int, Field(ge=1, le=100)]
    per: Annotated[timedelta | Period, BeforeValidator(_parse), PlainSerializer(_write, str)]
    purposes: frozenset[Literal["marketing", "survey"]] = frozenset({"marketing", "survey"})
    """Service messages are exempt."""
    group: Name | None = None
    """Only what rules of this group send; else what all of them and people do."""

    @property
    def rolling(self) -> timedelta:
        """How long a message can count at most."""
        return LONGEST[self.per] if isinstance(self.per, str) else self.per

    def counts(self, counts_as: str, group: str | None) -> bool:
        """Whether it counts a message that counts as this purpose, of a rule of that group."""
        return counts_as in self.purposes and self.group in (None, group)

    @property
    def words(self) -> str:
        span = f"a {self.per}" if isinstance(self.per, str) else f"in {write_duration(self.per)}"
        return f"{self.max} {span}" + (f" (group {self.group})" if self.group is not None else "")
