"""Which segment, tier, channel or store moved retention or churn of a day most.

Retention follows from what a day and the one before it count, of all as of each value. Who left on a day is
told by few days, and how many could by half a year of them: so much is not read of each value. Churn is taken
as the sum of the values' parts of it instead: who left of each, of all who could.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple, TypeAlias

from services.metrics.domain import gaps
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.life import RETENTION
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.moved_by import Fields, by_value
from services.metrics.domain.terms import ENDED

OF = ("segment", "tier", "channel", "store")
"""Dimensions that customers, or their purchases, have."""
_LEFT = (*(f"{chain}1:" for chain in (gaps.ANY, gaps.BY_CHANNEL, *gaps.SUBSCRIBED.values())), ENDED)
_GIVEN_UP = tuple(f"{chain}1:" for chain in gaps.GIVEN_UP.values())


class Share(NamedTuple):
    """How many are in a share, and of how many."""

    part: float
    whole: float


Shares: TypeAlias = Sequence[Share]
"""Of the day that is judged, and of those that it is compared with."""


def tell(days: Iterable[int], policy: ChurnPolicy) -> tuple[set[int], Callable[[int, str], bool]]:
    """The days that tell who came back and who left on ``days``, and whether a field of a day does."""
    judged, few = {*days}, set[int]()
    for day in judged:
        few |= {day - 1, day, day - policy.quiet - 1}
        if policy.contractual is not None:
            few.add(day - policy.contractual.grace - 1)
    doubted = policy.alive_below is not None
    silent = {day - after for day in judged for after in range(1, policy.quiet + 1)} if doubted else set()

    def tells(day: int, name: str) -> bool:
        if doubted and name.startswith(_GIVEN_UP):
            return day in few or day + int(name.split(":", 3)[2]) in judged
        return day in few and name.startswith(_LEFT)

    return few | silent, tells


def shares_of(
    kpi: Kpi, days: Sequence[int], places: Mapping[int, Mapping[str, Fields]], policy: ChurnPolicy
) -> Mapping[str, Mapping[str, Shares]]:
    """By dimension and value, of each of these days. ``places``: what tells of them, by day and place. Of
    churn only who left, of nobody. A KPI's errors pass through."""
    found: dict[str, dict[str, dict[int, Fields]]] = {name: {} for name in OF}
    for day, of_day in places.items():
        for dimension, values in by_value(of_day).items():
            for value, fields in values.items() if dimension in found else ():
                found[dimension].setdefault(value, {})[day] = fields
    whole = kpi.name == RETENTION.name

    def share(dimension: str, of: Mapping[int, Fields], day: int) -> Share:
        one_channel = dimension == "channel"
        one = share_of(kpi, window(of, {}, first=day, last=day, one_channel=one_channel, policy=policy))
        return one if whole else one._replace(whole=0)

    return {
        name: {value: [share(name, of, day) for day in days] for value, of in values.items()}
        for name, values in found.items()
    }


def share_of(kpi: Kpi, then: Window) -> Share:
    """Of a window."""
    result = kpi.of(then)
    return Share(round(result.value * result.n) if isinstance(result.value, float) else 0, result.n)


def lives_moved_by(
    kpi: Kpi, usual: float, total: Shares, by: Mapping[str, Mapping[str, Shares]]
) -> dict[str, str]:
    """Of each dimension the value that takes the share farthest back to what is usual, if of it so many
    stayed, of so many, as on the same weekdays before, in the mean; of churn, if its part of the share was
    what it was then. Nobody where it was rather how many could leave."""
    off = _distance(total[0], usual)
    if kpi.name != RETENTION.name:
        whole = fmean(one.whole for one in total[1:])
        off = min(off, _distance(total[0]._replace(whole=whole), usual))
    found: dict[str, str] = {}
    for dimension, values in by.items():
        best = off
        for value, own in sorted(values.items()):
            then = _distance(_as_before(own, total), usual)
            if then < best:
                best, found[dimension] = then, value
    return found


def _as_before(own: Shares, total: Shares) -> Share:
    """The share of all, with a value as it was in the mean."""
    (now, *pasts), (all_now, *befores) = own, total
    if any(one.whole for one in own):
        part, whole = (fmean(past[n] for past in pasts) - now[n] for n in (0, 1))
    else:
        shares = [past.part / before.whole for past, before in zip(pasts, befores, strict=True)]
        part, whole = fmean(shares) * all_now.whole - now.part, 0
    return Share(max(0, all_now.part + part), all_now.whole + whole)


def _distance(share: Share, usual: float) -> float:
    return abs(share.part / share.whole - usual) if share.whole > 0 else float("inf")
