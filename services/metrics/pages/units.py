"""Numbers as people read them: each unit of the registry, its steps on an axis and its differences. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.metrics.domain.kpis.kpi import Kind, Kpi
from shared.schemas.money import digits, written

NONE = "–"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
_CLOCK = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number of a KPI is written."""

    show: Callable[[float], str]
    difference: Callable[[float], str]
    """Of two of its numbers, without a sign."""
    scale: Callable[[float], tuple[float, str]] = lambda most: (1.0, "")
    """What an axis up to ``most`` is divided by, and what stands behind its numbers."""
    within: tuple[float, float] | None = None
    """The ends of its scale, which an axis never leaves."""
    from_zero: bool = False
    """Whether an axis begins at 0."""
    name: str = ""
    """What its numbers are of, where they do not say it themselves."""
    whole: bool = False
    """Whether it counts: there are no halves."""


def unit_of(kpi: Kpi) -> Unit:
    """By its name and what it says of its unit."""
    unit = kpi.unit
    if kpi.name.endswith("_s") or unit.startswith("seconds"):
        return DURATION
    if unit.startswith("0 to 1"):
        return SHARE
    if unit.startswith("-100 to 100"):
        return SCORE
    return replace(COUNT if kpi.kind in (Kind.COUNT, Kind.TALLY) else NUMBER, name=unit)


def money(currency: str) -> Unit:
    """Amounts in minor units of a currency."""

    def show(minor: float) -> str:
        return minus(written(round(minor), currency))

    scale = float(10 ** digits(currency))
    return Unit(show, show, lambda most: (scale, ""), from_zero=True, name=currency)


def unit_in(kpi: Kpi, part: str, currency: str) -> Unit:
    """Of a number of a KPI: an amount is in the currency that its name says, or else in this one, if any."""
    named = part if kpi.kind is Kind.MONEY else currency
    return money(named) if named else unit_of(kpi)


def number(value: float) -> str:
    """``1,234``, ``12.3``, ``0.43``: three digits where there are no more."""
    if value == 0:
        return "0"
    if float(value).is_integer() or abs(value) >= 100:
        return minus(f"{value:,.0f}")
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return minus(text if float(text) else "0")


def count(value: float) -> str:
    """``1,234``; what is usual may be a half: ``5.5``."""
    return number(value) if float(value).is_integer() else minus(f"{value:,.1f}")


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h 20 min``, ``2 d 5 h``: the two greatest parts."""
    sign, left = ("−" if seconds < 0 else ""), round(abs(seconds))
    if left < MINUTE:
        return f"{sign}{left} s"
    if left >= 10 * DAY:
        return f"{sign}{left / DAY:,.0f} d"
    unit = MINUTE if left < DAY else HOUR
    left = round(left / unit) * unit
    parts = []
    for size, name in _CLOCK:
        if left >= size and size >= unit:
            parts.append(f"{left // size} {name}")
            left %= size
    return sign + " ".join(parts)


def percent(share: float) -> str:
    return minus(f"{100 * share:.1f} %")


def minus(text: str) -> str:
    """A minus is as wide as a plus."""
    return text.replace("-", "−")


def _clock(most: float) -> tuple[float, str]:
    for size, name in _CLOCK:
        if most >= 2 * size:
            return float(size), f" {name}"
    return 1.0, " s"


DURATION = Unit(duration, duration, _clock, from_zero=True)
SHARE = Unit(percent, lambda d: f"{100 * d:.1f} points", lambda _: (0.01, " %"), within=(0.0, 1.0))
SCORE = Unit(
    lambda value: minus(f"{value:+.0f}" if round(value) else "0"),
    lambda d: f"{d:.0f}" if d >= 1 else f"{d:.1f}" if d >= 0.05 else "0",
    within=(-100.0, 100.0),
    name="−100 to 100",
)
COUNT = Unit(count, count, from_zero=True, whole=True)
NUMBER = Unit(number, number)


def nice_step(reach: float, steps: int, bases: tuple[float, ...] = (1, 2, 2.5, 5, 10)) -> float:
    """A round step of which some ``steps`` cover the reach."""
    raw = reach / steps
    power = 10.0 ** math.floor(math.log10(raw))
    return next(base * power for base in bases if base * power >= raw * (1 - 1e-9))
