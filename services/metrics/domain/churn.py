"""Who left in a window, of how many, and why: from counts that know no policy, so that a changed policy
holds for all of the past at once.

A customer with a subscription leaves when a run of terms ends: on the day that a cancellation says, or, of
terms that ran out, when the policy's grace is over without a renewal. All others leave when they bought
nothing for longer than the policy's time, or were given up before that: the bound of P(alive), unlike all
else in the policy, is known to what is counted (``given_up``). Those could leave who were customers when
the window began, and in a window that is longer than that time those who came since, early enough. Who came
and left within the window otherwise is told with the reasons alone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from services.metrics.domain import gaps
from services.metrics.domain.churn_policy import ChurnPolicy, Contractual
from services.metrics.domain.gaps import NEVER
from services.metrics.domain.places import unescape
from services.metrics.domain.terms import BEGUN, CANCELLED, ENDED, EXPIRED

UNKNOWN, RAN_OUT = "unknown", "expired"
"""The reason where none was stated and no complaint tells one: of a silence or a cancellation; of terms that
ran out."""

Days = Mapping[int, Mapping[str, int]]
"""Day -> field -> count."""


@dataclass(frozen=True, slots=True)
class Churn:
    """Customers who left in a window."""

    could: int = 0
    """Customers who could leave in it."""
    voluntary: int = 0
    """Those of them who left of their own wish."""
    involuntary: int = 0
    """Those of them who left otherwise."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """All who left, by the reason."""


@dataclass(frozen=True, slots=True)
class _Left:
    """Customers who left in one way."""

    n: int
    reason: str
    voluntary: bool = True
    new: bool = False
    """They had come within the window, and are not among those who could."""


def churned(days: Days, policy: ChurnPolicy, first: int, last: int, chain: str = gaps.ANY) -> Churn:
    """Of the days ``first`` to ``last``. ``days`` holds the fields of each day, those of ``gaps.is_gap`` too,
    since ``policy.reach`` days before ``first``, until now and beyond. ``chain``: of all purchases, or of one
    channel's, in which nobody subscribes."""
    quiet = _Quiet(days, policy, chain)
    could, left = quiet.could(first, last), [*quiet.left(first, last)]
    if policy.contractual is not None and chain == gaps.ANY:
        could += _subscribed(days, policy.contractual, first)
        left += _ended(days, policy, policy.contractual, first, last)
    reasons: Counter[str] = Counter()
    for one in left:
        reasons[one.reason] += one.n
    rate = [one for one in left if not one.new]
    could = max(could, sum(one.n for one in rate))  # of who is not looked at again since a late purchase
    return Churn(
        could,
        sum(one.n for one in rate if one.voluntary),
        sum(one.n for one in rate if not one.voluntary),
        {reason: n for reason, n in reasons.items() if n},
    )


@dataclass(frozen=True, slots=True)
class _GivenUp:
    """Purchases of a day, after which customers were given up."""

    day: int
    n: int
    gap: int
    """To the next."""
    after: int
    """Days until they were."""
    lasted: int
    """Days since they had come."""
    blamed: int
    """Days after the purchase on which they complained."""
    cause: str


class _Quiet:
    """Customers who are judged by what they buy."""

    def __init__(self, days: Days, policy: ChurnPolicy, chain: str) -> None:
        self._days, self._policy = days, policy
        self._signs, self._end = {chain: 1}, gaps.latest(days, chain)
        self._blames = [gaps.BLAMED[chain]]
        doubted = policy.alive_below is not None and chain == gaps.ANY
        self._given_up = [gaps.GIVEN_UP[False]] if doubted else []
        if policy.contractual is None:
            self._blames.append(gaps.BLAMED_SUBSCRIBED[chain])
            self._given_up += [gaps.GIVEN_UP[True]] if doubted else []
        else:
            self._signs[gaps.SUBSCRIBED[chain]] = -1

    def could(self, first: int, last: int) -> int:
        """Those who had bought within the time when the window began, and those who began to buy since, early
        enough to have left by its end: all purchases but those that follow on another within the time."""
        quiet, found = self._policy.quiet, 0
        for chain, sign in self._signs.items():
            found += sign * gaps.buyers(self._days, chain, first - 1 - quiet, first - 1, self._end)
            begun = range(first, last - quiet)
            if not begun:
                continue
            for day in range(first - quiet, last - quiet):
                for gap, n in gaps.of_day(self._days.get(day, {}), chain):
                    found += sign * n * ((day in begun) - (gap <= quiet and day + gap in begun))
        for one in self._given_up_after(first - 1 - quiet, max(first, last - quiet) - 1):
            following = one.day + one.gap
            gone = one.day < first <= following and one.day + one.after < first
            found += one.n * ((one.gap <= quiet and first <= following < last - quiet) - gone)
        return found

    def left(self, first: int, last: int) -> Iterator[_Left]:
        """Those whose silence became longer than the time."""
        quiet, gone = self._policy.quiet, 0
        blamed: Counter[str] = Counter()
        for day in range(first - quiet - 1, last - quiet):
            fields = self._days.get(day, {})
            for chain, sign in self._signs.items():
                gone += sign * gaps.without_next(fields, chain, quiet, self._end - day)
            for name, n in fields.items():
                if name[:1] in self._blames and name[1:3] == "1:":
                    blamed[self._blame(name)] += n
        for one in self._given_up_after(first - quiet - 1, last - quiet - 1):
            gone -= one.n if one.gap > quiet else 0
        del blamed[""]
        yield from (_Left(n, cause) for cause, n in blamed.items())
        yield _Left(gone - blamed.total(), UNKNOWN)
        for one in self._given_up_after(first - quiet, last - 1):
            if first <= one.day + one.after <= last:
                reason = one.cause if one.blamed >= -self._policy.complaint else ""
                new = one.day - one.lasted >= max(first, last - quiet)
                yield _Left(one.n, reason or UNKNOWN, new=new)

    def _given_up_after(self, first: int, last: int) -> Iterator[_GivenUp]:
        """After purchases of the days ``first`` to ``last``, before the silence was too long anyway."""
        for day in range(first, last + 1) if self._given_up else ():
            for name, n in self._days.get(day, {}).items():
                if name[:1] in self._given_up and name[1:3] == "1:":
                    gap, after, lasted, *why = name[3:].split(":")
                    blamed, cause = (int(why[0]), unescape(why[1])) if why else (0, "")
                    if int(after) <= self._policy.quiet:
                        yield _GivenUp(day, n, _number(gap), int(after), int(lasted), blamed, cause)

    def _blame(self, name: str) -> str:
        """The root cause that a field of ``blame.counted`` gives; none of a complaint that was too early, was
        not the latest, or came after the customer had left."""
        gap, after, then, cause = name[3:].split(":")
        quiet = self._policy.quiet
        left = _number(gap) > quiet and -self._policy.complaint <= int(after) <= quiet
        return unescape(cause) if left and _number(then) > quiet else ""


def _ended(days: Days, policy: ChurnPolicy, terms: Contractual, first: int, last: int) -> Iterator[_Left]:
    """Those whose run of terms ended."""
    for day, fields in days.items():
        if not first - terms.grace - 1 <= day <= last:
            continue
        for name, n in fields.items():
            if not name.startswith(ENDED):
                continue
            leaves = _leaves(day, name, terms)
            if leaves is None or not first <= leaves <= last:
                continue
            how, length, why, *cause = name[len(ENDED) :].split(":")
            reason, voluntary = _why(how[0], why, cause, policy, terms)
            yield _Left(n, reason, voluntary, new=day - int(length) >= first)


def _why(how: str, why: str, cause: list[str], policy: ChurnPolicy, terms: Contractual) -> tuple[str, bool]:
    """The reason why a run ended, and whether that was the customer's wish."""
    if why.startswith("s"):
        stated = unescape(why[1:])
        return stated, not policy.is_involuntary(stated)
    blamed = unescape(cause[0]) if cause and int(why[1:]) <= policy.complaint else ""
    if how == CANCELLED:
        return blamed or UNKNOWN, True
    return blamed or RAN_OUT, terms.expired == "voluntary"


def _leaves(day: int, name: str, terms: Contractual) -> int | None:
    """The day on which those leave whose run ended on ``day``, as the field says; None for those who stay."""
    how, gap = name[len(ENDED)], name[len(ENDED) + 1 :].partition(":")[0]
    if how == EXPIRED:
        return day + terms.grace + 1 if _number(gap) > terms.grace else None
    return day


def _subscribed(days: Days, terms: Contractual, first: int) -> int:
    """Customers with a subscription at the end of the day before ``first``: of all who leave since, less
    those who begin since."""
    found = 0
    for day, fields in days.items():
        if day < first - terms.grace - 1:
            continue
        for name, n in fields.items():
            if name.startswith(ENDED):
                leaves = _leaves(day, name, terms)
                found += n if leaves is not None and leaves >= first else 0
            elif day >= first and name.startswith(BEGUN):
                found -= n if _number(name[len(BEGUN) :]) > terms.grace else 0
    return found


def _number(gap: str) -> int:
    return gaps.FAR if gap == NEVER else int(gap)
