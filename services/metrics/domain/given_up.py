"""Whom nobody expects back: on which day P(alive) fell below the policy's bound, by models as fitted by then.

Decided when a customer is looked at, anew each time and of all silences that are kept: by the days of the
purchases, and by the parameters that held when each day began. So neither the order in which purchases and
parameters are heard nor how often somebody looks changes what it comes to in the end. P(alive) only falls
while a customer is silent, so the first day below the bound is searched for and no day is tried in turn; and
of nearly all silences one number says that there is none (``_Doubt.least``).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from services.metrics.domain.blame import Cause, latest_in
from services.metrics.domain.cells import DayChange
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.clv import BgNbd
from services.metrics.domain.fits import Fits
from services.metrics.domain.gaps import GIVEN_UP, NEVER
from services.metrics.domain.health.models import BG, MBG, fitted, weeks
from services.metrics.domain.parts import GivenUp
from services.metrics.domain.places import escape
from shared.schemas.times import DAY


@dataclass(frozen=True, slots=True)
class _Doubt:
    """One model, as it was fitted from time to time."""

    since: Sequence[int]
    """The days from which on each holds, in order."""
    models: Sequence[BgNbd]
    least: BgNbd | None
    """By which P(alive) is never above that of any of these; None where there are none."""

    @classmethod
    def of(cls, fits: Fits, name: str) -> Self:
        since, models = [], []
        for at, parameters in fits.each(name):
            model = fitted(name, parameters)
            if model is not None:
                since.append(-(-at // DAY))
                models.append(model)
        return cls(since, models, _least(models))

    def first_day(self, bound: float, x: int, first: int, last: int, until: int) -> int | None:
        """The first day after ``last``, up to ``until``, as of whose begin P(alive) is below the bound of who
        bought again on ``x`` days since ``first``."""
        start = max(last + 1, self.since[0]) if self.since else until + 1
        if self.least is None or start > until:
            return None

        def below(model: BgNbd, day: int) -> bool:
            return model.p_alive(x, weeks(last - first), weeks(day - first)) < bound

        def search(model: BgNbd, start: int, end: int) -> int:
            days = range(start, end + 1)
            return start + bisect_left(days, True, key=lambda day: below(model, day))

        start = search(self.least, start, until)
        at = bisect_right(self.since, start) - 1
        while start <= until:
            end = min(until, self.since[at + 1] - 1) if at + 1 < len(self.since) else until
            if start <= end and below(self.models[at], end):
                return search(self.models[at], start, end)
            start, at = max(start, end + 1), at + 1
        return None


def _least(models: Sequence[BgNbd]) -> BgNbd | None:
    """P(alive) falls with r and a, and rises with alpha and b."""
    if not models:
        return None
    return type(models[0])(
        r=max(one.r for one in models),
        alpha=min(one.alpha for one in models),
        a=max(one.a for one in models),
        b=min(one.b for one in models),
    )


@dataclass(frozen=True, slots=True)
class Doubts:
    """The models of who still buys, as they were fitted from time to time: of those who bought again, and of
    those who bought once. Of whom nothing is fitted nothing is doubted."""

    again: _Doubt
    once: _Doubt

    @classmethod
    def of(cls, fits: Fits) -> Self:
        return cls(_Doubt.of(fits, BG), _Doubt.of(fits, MBG))

    @property
    def any(self) -> bool:
        """Whether there is a model at all."""
        return bool(self.again.since or self.once.since)


def given_up(
    days: Sequence[int], before: int, first: int, policy: ChurnPolicy, doubts: Doubts, today: int
) -> dict[int, GivenUp]:
    """After which of these days with a purchase, which are in order, the customer was given up, as of the
    begin of ``today``. There were ``before`` such days earlier, the first of all on ``first``."""
    bound, found = policy.alive_below, dict[int, GivenUp]()
    if bound is None or not doubts.any:
        return found
    begun = days[0] if days else 0
    for i, day in enumerate(days):
        following = days[i + 1] if i + 1 < len(days) else None
        until = min(today, day + policy.quiet, today if following is None else following)
        x = before + i
        gone = (doubts.again if x else doubts.once).first_day(bound, x, first, day, until)
        if gone is not None:
            found[day] = GivenUp(gone - day, day - begun)
        if following is not None and (gone is not None or following - day > policy.quiet):
            begun = following
    return found


def counted(
    days: Sequence[int], held: Mapping[int, GivenUp], causes: Sequence[Cause], *, subscribes: bool
) -> Iterator[DayChange]:
    """What purchases after which a customer was given up (``holding``) count as, beside all else:
    ``<letter>1:<gap>:<days until then>:<days since they had come>`` and, of a complaint before that,
    ``:<days after the purchase>:<cause>``."""
    for day, one in held.items():
        at = bisect_right(days, day)
        gap = str(days[at] - day) if at < len(days) else NEVER
        blamed = latest_in(causes, day, day + one.after - 1)
        why = f":{blamed.day - day}:{escape(blamed.cause)}" if blamed is not None else ""
        yield day, f"{GIVEN_UP[subscribes]}1:{gap}:{one.after}:{one.lasted}{why}", 1


def holding(days: Sequence[int], found: Mapping[int, GivenUp]) -> dict[int, GivenUp]:
    """Those that hold as long as nobody looks again: there still is a purchase on that day, and none was
    heard of since that is in the silence."""
    held = {}
    for day, one in found.items():
        at = bisect_right(days, day)
        there = at > 0 and days[at - 1] == day
        if there and (at == len(days) or days[at] - day >= one.after):
            held[day] = one
    return held
