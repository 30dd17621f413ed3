"""What forms ask for in people's terms, as the API takes it. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import NumberFormatError, get_decimal_symbol, get_group_symbol, parse_decimal

from services.interactions.desk.words import _
from services.interactions.models.compensation import Compensation
from shared.schemas.complaints import CompensationKind
from shared.schemas.money import digits

Rest: TypeAlias = Literal["1h", "3h", "tomorrow", "monday", "customer", "at"]
RESTS: tuple[tuple[Rest, str], ...] = (
    ("1h", _("For an hour")),
    ("3h", _("For three hours")),
    ("tomorrow", _("Until tomorrow, 9:00")),
    ("monday", _("Until Monday, 9:00")),
    ("customer", _("Until the customer writes")),
    ("at", _("Until this time:")),
)
"""How long a conversation may rest, and how pages call it."""
MORNING = time(9)
AS_GOOD_AS = timedelta(minutes=5)
"""A rest is at most so much shorter than it is called."""
_PLAIN = re.compile(r"[0-9]+([.,][0-9]{1,2})?")
"""An amount that reads the same everywhere: digits are grouped by three before a decimal sign."""
_SAY_HOW_MUCH = _("Say how much: an amount such as 12.50.")


class AskedError(ValueError):
    """A form asks for what cannot be; the text is for catalogues. ``field``: the one at fault."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


def rest_until(rest: str, at: str, now: datetime, where: ZoneInfo) -> datetime | None:
    """When a rest ends that begins now; None: when the customer writes. ``at`` is as browsers send a local
    time: ``2026-11-27T09:30``. Raises ``AskedError``."""
    local = now.astimezone(where)
    match rest:
        case "customer":
            return None
        case "1h" | "3h":
            return now + timedelta(hours=int(rest[0]))
        case "tomorrow":
            return _morning(local.date() + timedelta(days=1), where)
        case "monday":
            return _morning(local.date() + timedelta(days=7 - local.weekday()), where)
        case "at":
            return later(at, now, where, "at")
        case _:
            raise AskedError(_("Say until when: a day and a time."), "rest")


def later(told: str, now: datetime, where: ZoneInfo, field: str) -> datetime:
    """A time to come that a form says in ``field``, as browsers send a local one. Raises ``AskedError``."""
    try:
        at = datetime.fromisoformat(told)
        at = (at if at.tzinfo is not None else at.replace(tzinfo=where)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise AskedError(_("Say until when: a day and a time."), field) from None
    if at <= now:
        raise AskedError(_("This time is over already."), field)
    return at


def counted_from(made: str, now: datetime) -> datetime:
    """When a rest begins that a form asks for which was made at ``made`` (ISO 8601): the same time for a form
    that is sent twice, and no longer ago than ``AS_GOOD_AS`` where its page was open for long. What no page
    of ours says counts for nothing."""
    try:
        since = datetime.fromisoformat(made)
    except ValueError:
        return now
    if since.tzinfo is None or since > now:
        return now
    return since + (now - since) // AS_GOOD_AS * AS_GOOD_AS


def _morning(day: date, where: ZoneInfo) -> datetime:
    return datetime.combine(day, MORNING, where)


def compensation(
    kind: str, points: str, amount: str, currency: str, reward_id: str, locale: Locale
) -> Compensation:
    """What makes good. ``amount`` is in whole units and their parts: ``12,50`` and ``12.50`` are one, and
    with thousands it is as the page's ``locale`` writes it: ``1,250.00`` or ``1.250,00``. Raises
    ``AskedError``."""
    if kind not in get_args(CompensationKind):
        raise AskedError(_("Say what is given."), "kind")
    given: dict[str, object] = {"kind": kind}
    if kind == "points":
        if not points.isascii() or not points.isdigit() or not points.strip("0"):
            raise AskedError(_("Say how many points: a whole number."), "points")
        given["points"] = points
    elif kind == "refund" or not reward_id:
        given["money"] = _money(amount.strip(), currency, locale)
    else:
        given["reward_id"] = reward_id
    return Compensation.model_validate(given)


def _money(amount: str, currency: str, locale: Locale) -> dict[str, object]:
    """Raises ``AskedError``."""
    value, places = _decimal(amount, locale), digits(currency)
    if -int(value.as_tuple().exponent) > places:
        raise AskedError(_("This amount has more decimals than its currency."), "amount")
    minor = value.scaleb(places)
    if not 0 < minor < 10**12:
        raise AskedError(_SAY_HOW_MUCH, "amount")
    return {"amount": int(minor), "currency": currency}


def _decimal(amount: str, locale: Locale) -> Decimal:
    """Raises ``AskedError`` for what is no number here, or could be read as another."""
    if _PLAIN.fullmatch(amount):
        return Decimal(amount.replace(",", "."))
    signs = get_decimal_symbol(locale) + get_group_symbol(locale)
    if not set(amount) <= set(f"0123456789{signs}"):
        raise AskedError(_SAY_HOW_MUCH, "amount")
    try:
        return Decimal(parse_decimal(amount, locale, strict=True))
    except NumberFormatError:
        raise AskedError(_SAY_HOW_MUCH, "amount") from None
