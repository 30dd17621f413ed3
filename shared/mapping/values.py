"""Values of a source made what an event's field is: numbers, money, times and dates, however they are
written. What is refused is named without the value, which may be personal."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from shared.schemas.base import ID_PATTERN, parse_time
from shared.schemas.money import digits
from shared.schemas.times import EPOCH

Making = Callable[[Any], Any]
"""Makes a value of what is known. Raises ``BadValueError``."""

MOST_DIGITS = 40
UNIX: dict[str, int] = {"unix": 1_000_000, "unix_ms": 1_000, "unix_us": 1}
"""Formats that count from 1970, and the microseconds of each step."""
_TRUTHS = {
    **dict.fromkeys(("true", "yes", "y", "t", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "f", "off", "0"), False),
}
_GROUPED = {
    ".": re.compile(r"[-+]?\d{1,3}(?:[,'  ]\d{3})+(?:\.\d+)?").fullmatch,
    ",": re.compile(r"[-+]?\d{1,3}(?:[.'  ]\d{3})+(?:,\d+)?").fullmatch,
}
_PLAIN = {
    ".": re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?", re.ASCII).fullmatch,
    ",": re.compile(r"[-+]?(?:\d+,?\d*|,\d+)", re.ASCII).fullmatch,
}
_is_id = re.compile(ID_PATTERN).fullmatch
_no_id = re.compile(r"[^A-Za-z0-9._:-]+")


class BadValueError(ValueError):
    """It cannot be made what it is to be. The text says why, without a capital and a stop."""


def text(value: Any) -> str:
    """Text as it is; of a number and a truth its JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    raise BadValueError("is no text")


def decimal(value: Any, point: str) -> Decimal:
    """An exact number: of a JSON number, or of text with ``point`` before its decimals, which may have its
    thousands apart."""
    if isinstance(value, bool):
        raise BadValueError("is no number")
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, float):
        written = repr(value)
    elif isinstance(value, str):
        written = value.strip()
        if len(written) > MOST_DIGITS:
            raise BadValueError("is no number")
        if _GROUPED[point](written):
            written = re.sub(r"[,'  ]" if point == "." else r"[.'  ]", "", written)
        elif not _PLAIN[point](written):
            raise BadValueError(
                "is no number" if point == "." else "is no number with a comma before its decimals"
            )
        if point == ",":
            written = written.replace(",", ".")
    else:
        raise BadValueError("is no number")
    try:
        found = Decimal(written)
    except InvalidOperation:
        raise BadValueError("is no number") from None
    if not found.is_finite():
        raise BadValueError("is no number")
    return found


def whole(point: str) -> Making:
    """A whole number."""

    def made(value: Any) -> int:
        if type(value) is int:
            return value
        found = decimal(value, point)
        if found != (number := int(found)):
            raise BadValueError("is no whole number")
        return number

    return made


def number(point: str) -> Making:
    """A number with decimals."""
    return lambda value: float(decimal(value, point))


def truth(value: Any) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    found = _TRUTHS.get(str(value).strip().lower()) if isinstance(value, str | int) else None
    if found is None:
        raise BadValueError("is neither true nor false")
    return found


def identifier(value: Any) -> str:
    """An id: what ids cannot have becomes a hyphen; what is too long, its hash."""
    found = _no_id.sub("-", text(value).strip()).strip("-")
    if not found:
        raise BadValueError("has nothing of which an id can be made")
    return found if len(found) <= 128 else sha256(found.encode()).hexdigest()


def event_id(value: Any) -> str:
    """An event's id, whatever names it: what is no id is hashed, since it must tell one from another."""
    found = text(value)
    if not found:
        raise BadValueError("is empty")
    return found if _is_id(found) else sha256(found.encode("utf-8", "surrogatepass")).hexdigest()


def money(amount: Any, currency: Any, point: str, *, minor: bool) -> dict[str, Any]:
    """Minor units of a currency, by its own decimal places; ``minor``: it counts them already."""
    code = currency.strip().upper() if isinstance(currency, str) else ""
    if len(code) != 3 or not code.isalpha() or not code.isascii():
        raise BadValueError("has no currency: a code of three letters")
    exact = decimal(amount, point)
    if not minor:
        exact = exact.scaleb(digits(code))
    if exact != (found := int(exact)):
        raise BadValueError("has a part of a minor unit" if minor else f"has more decimals than {code} has")
    return {"amount": found, "currency": code}


def moment(format: str | None, zone: ZoneInfo | None) -> Callable[[Any], datetime]:
    """A time, aware in UTC. One without an offset is meant in ``zone``; a date is its first instant there."""
    step = UNIX.get(format or "")
    pattern = None if format in (None, "iso") or step else format

    def made(value: Any) -> datetime:
        try:
            if step is not None:
                return EPOCH + timedelta(microseconds=int(decimal(value, ".") * step))
            if isinstance(value, datetime):
                found = value
            elif isinstance(value, str):
                found = _read(value.strip(), pattern)
            else:
                raise BadValueError("is no time: numbers need the format unix, unix_ms or unix_us")
            if found.tzinfo is None:
                if zone is None:
                    raise BadValueError("has no offset, and no timezone is said")
                found = found.replace(tzinfo=zone)
            return found.astimezone(UTC)
        except BadValueError:
            raise
        except (ValueError, OverflowError, ArithmeticError):
            said = f"written as {pattern}" if pattern is not None else "as ISO 8601 has it"
            raise BadValueError(f"is no time {said}") from None

    return made


_DIGITS = {"%d": r"(?P<d>\d\d)", "%m": r"(?P<m>\d\d)", "%Y": r"(?P<Y>\d{4})", "%H": r"(?P<H>\d\d)",
           "%M": r"(?P<M>\d\d)", "%S": r"(?P<S>\d\d)"}  # fmt: skip


@cache
def _plainly(pattern: str) -> Callable[[str], re.Match[str] | None] | None:
    """Reads what is written in digits at their full width, which takes a third of the time; None where the
    pattern has more to it."""
    parts = re.split("(%.)", pattern)
    if (
        len(set(parts[1::2])) != len(parts[1::2])
        or not {"%d", "%m", "%Y"} <= set(parts[1::2]) <= _DIGITS.keys()
    ):
        return None
    if any(re.search(r"\s", part) and part != " " for part in parts[::2]):
        return None
    return re.compile("".join(_DIGITS.get(part, re.escape(part)) for part in parts), re.ASCII).fullmatch


def _read(written: str, pattern: str | None) -> datetime:
    if pattern is not None:
        plain = _plainly(pattern)
        found = plain(written) if plain is not None else None
        if found is None:
            return datetime.strptime(written, pattern)  # noqa: DTZ007 - the caller gives it its zone
        told = found.groupdict("0")
        clock = int(told.get("H", 0)), int(told.get("M", 0)), int(told.get("S", 0))
        return datetime(int(told["Y"]), int(told["m"]), int(told["d"]), *clock)  # noqa: DTZ001 - likewise
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return parse_time(written)  # a leap second, or more digits than six


def day(format: str | None) -> Callable[[Any], str]:
    """A date as ``YYYY-MM-DD``."""
    pattern = None if format in (None, "iso") else format

    def made(value: Any) -> str:
        try:
            written = value.strip()
            if pattern is not None:
                return datetime.strptime(written, pattern).date().isoformat()  # noqa: DTZ007 - a day has no zone
            return date.fromisoformat(written[:10]).isoformat()
        except (AttributeError, ValueError):
            said = f"written as {pattern}" if pattern is not None else "as ISO 8601 has it"
            raise BadValueError(f"is no date {said}") from None

    return made


def written(time: datetime) -> str:
    """A time as events have it."""
    return time.isoformat().replace("+00:00", "Z")
