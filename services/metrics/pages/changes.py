"""What changed against the time before, and whether chance alone would do as much. Pure."""

import math
from dataclasses import dataclass

from services.metrics.pages.units import Unit

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Told:
    """A number with its 95 % interval, where it has one."""

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """In words."""

    by: str
    """``▲ 2.1 points``; ``as before``."""
    before: str
    """What it was."""
    tone: str
    """``good``, ``bad`` or ``plain``."""
    sure: bool | None
    """Whether it is more than chance would do; None where nobody can say."""
    size: float
    """How many times as large as what chance would do; 0 where nobody can say."""
    rose: bool = False
    ripe: bool = True
    """Whether all is in that belongs to both."""

    @property
    def verdict(self) -> str:
        return (
            "not ripe yet"
            if not self.ripe
            else {True: "a clear change", False: "may be chance", None: ""}[self.sure]
        )


def change(now: Told, before: Told, unit: Unit, better: int, *, ripe: bool = True) -> Change | None:
    """None where one of them has no value. ``better``: 1 where more is, -1 where less is. What is not ripe is
    not judged."""
    if now.value is None or before.value is None:
        return None
    by = now.value - before.value
    text = unit.difference(abs(by))
    if text == unit.difference(0.0):
        return Change("as before", unit.show(before.value), "plain", None, 0.0, ripe=ripe)
    size = times_chance(now, before) if ripe else None
    sure = None if size is None else size > 1
    tone = "plain" if not sure or not better else "good" if by * better > 0 else "bad"
    arrow = "▲" if by > 0 else "▼"
    return Change(f"{arrow} {text}", unit.show(before.value), tone, sure, size or 0.0, by > 0, ripe)


def times_chance(now: Told, before: Told) -> float | None:
    """The difference of two numbers over the half width of its 95 % interval on the side of no difference,
    recovered from the intervals of both (Zou and Donner, "Construction of confidence limits about effect
    measures", Statistics in Medicine 27, 2008; for shares by Wilson that is Newcombe's method 10). Above 1 it
    is more than chance would do. None without both intervals."""
    if now.value is None or before.value is None or now.interval is None or before.interval is None:
        return None
    if now.value >= before.value:
        half = math.hypot(now.value - now.interval[0], before.interval[1] - before.value)
    else:
        half = math.hypot(now.interval[1] - now.value, before.value - before.interval[0])
    return abs(now.value - before.value) / half if half else None
