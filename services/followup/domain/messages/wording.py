"""How values read in a message: counts, amounts, dates. What is no such value is shown as it is, because
templates are also tried with made-up values; what is not there, not at all. Pure."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.schemas.money import written

_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def number(value: object) -> str:
    """``1250`` -> ``1,250``."""
    return f"{value:,}" if isinstance(value, int) else _as_it_is(value)


def counted(value: object, noun: str, *, words: bool = False) -> str:
    """``1, "point"`` -> ``1 point``, ``1250`` -> ``1,250 points``; with ``words``, ``three points``."""
    if value is None:
        return ""
    count = number(value)
    if words and isinstance(value, int) and 0 <= value < len(_WORDS):
        count = _WORDS[value]
    return f"{count} {noun}" if value == 1 else f"{count} {noun}s"


def money(value: object) -> str:
    """``{"amount": 129950, "currency": "EUR"}`` -> ``1,299.50 EUR``."""
    if not isinstance(value, Mapping):
        return _as_it_is(value)
    return written(int(value["amount"]), str(value["currency"]))


def date(value: object, where: ZoneInfo) -> str:
    """``2026-03-05T23:30:00+00:00`` -> ``6 March 2026`` in Berlin."""
    local = _local(value, where)
    return _as_it_is(value) if local is None else f"{local.day} {local:%B %Y}"


def moment(value: object, where: ZoneInfo) -> str:
    """``2026-03-05T23:30:00+00:00`` -> ``6 March 2026 at 00:30 CET`` in Berlin."""
    local = _local(value, where)
    if local is None:
        return _as_it_is(value)
    zone = f"{local:%Z}"
    return f"{local.day} {local:%B %Y at %H:%M} {f'UTC{zone}' if zone[:1] in '+-' else zone}"


def _local(value: object, where: ZoneInfo) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(where)
    except ValueError:
        return None


def _as_it_is(value: object) -> str:
    return "" if value is None else str(value)
