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
from typing import NamedTuple, TypeAlias

from services.metrics.domain import gaps
from services.metrics.domain.buyers import buyers, gaps_of, without_next
from services.metrics.domain.churn_policy import ChurnPolicy, Contractual
from services.metrics.domain.days import Days, Part, longer, parts_in, parts_of
from services.metrics.domain.gaps import NEVER
from services.metrics.domain.places import unescape
from services.metrics.domain.terms import BEGUN, CANCELLED, ENDED, EXPIRED

UNKNOWN, RAN_OUT = "unknown", "expired"
"""The reason where none was stated and no complaint tells one: of a silence or a cancellation; of terms that
ran out."""

_OF_LIVES = (*gaps.FIRST_FIELDS, *gaps.FIELDS, BEGUN, ENDED)
"""What the fields begin with of days on which somebody bought, or a term began or ended."""


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


class Way(NamedTuple):
    """How customers left."""

    reason: str
    voluntary: bool = True
    new: bool = False
    """They had come within the window, and are not among those who could."""


Leaving: TypeAlias = Mapping[Way | None, int]
"""Customers who left, by the way; under None those who could. It adds up over days and their parts."""


def churned(days: Days, policy: ChurnPolicy, first: int, last: int, chain: str = gaps.ANY) -> Churn:
    """Of the days ``first`` to ``last``. ``days`` holds the fields of each day, those of ``gaps.is_gap`` too,
    since ``policy.reach`` days before ``first``, until now and beyond. ``chain``: of all purchases, or of one
    channel's, in which nobody subscribes."""
    return churn_of(leaving(days, policy, first, last, chain))


def leaving(days: Days, policy: ChurnPolicy, first: int, last: int, chain: str = gaps.ANY) -> Leaving:
    """As for ``churned``."""
    quiet = _Quiet(days, policy, chain)
    found: Counter[Way | None] = Counter({None: quiet.could(first, last)})
    for way, n in quiet.left(first, last):
        found[way] += n
    if policy.contractual is not None and chain == gaps.ANY:
        found[None] += _subscribed(days, policy.contractual, first)
        for way, n in _ended(days, policy, policy.contractual, first, last):
            found[way] += n
    return found


def churn_of(counts: Leaving) -> Churn:
    """What they come to."""
    reasons: Counter[str] = Counter()
    rate = {True: 0, False: 0}
    for way, n in counts.items():
        if way is not None:
            reasons[way.reason] += n
            rate[way.voluntary] += 0 if way.new else n
    # could: of who is not looked at again since a late purchase
    could = max(counts.get(None, 0), sum(rate.values()))
    return Churn(could, rate[True], rate[False], {reason: n for reason, n in reasons.items() if n})


@dataclass(frozen=True, slots=True)
class _GivenUp:
    """Purchases of a day, after which customers were given up."""

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
        self._days, self._policy, self._signs = days, policy, {chain: 1}
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
        quiet, end = self._policy.quiet, last - self._policy.quiet - 1
        found = 0
        for chain, sign in self._signs.items():
            head = f"{chain}1"
            found += sign * buyers(self._days, chain, first - 1 - quiet, first - 1)
            if end < first:
                continue
            for day, gaps_on in gaps_of(self._days, head, first - quiet, end):
                found += sign * longer(gaps_on, -1) if day >= first else 0
                nearest, farthest = max(0, first - day), min(quiet, end - day)
                found -= sign * (longer(gaps_on, nearest - 1) - longer(gaps_on, farthest))
        for day, one in self._given_up_after(first - 1 - quiet, max(first, last - quiet) - 1):
            following = day + one.gap
            gone = day < first <= following and day + one.after < first
            found += one.n * ((one.gap <= quiet and first <= following < last - quiet) - gone)
        return found

    def left(self, first: int, last: int) -> Iterator[tuple[Way, int]]:
        """Those whose silence became longer than the time."""
        quiet = self._policy.quiet
        begin, end = first - quiet - 1, last - quiet - 1
        gone = sum(
            sign * without_next(self._days, chain, begin, end, quiet) for chain, sign in self._signs.items()
        )
        blamed: Counter[str] = Counter()
        for _, one in self._given_up_after(begin, end):
            gone -= one.n if one.gap > quiet else 0
        key = ("blamed", *self._blames, quiet, self._policy.complaint)
        for _, part in parts_in(self._days, begin, end):
            if part.tied:
                for cause, n in part.kept(key, self._blamed):
                    blamed[cause] += n
        yield from ((Way(cause), n) for cause, n in blamed.items())
        yield Way(UNKNOWN), gone - blamed.total()
        for day, one in self._given_up_after(first - quiet, last - 1):
            if first <= day + one.after <= last:
                reason = one.cause if one.blamed >= -self._policy.complaint else ""
                new = day - one.lasted >= max(first, last - quiet)
                yield Way(reason or UNKNOWN, new=new), one.n

    def _given_up_after(self, first: int, last: int) -> Iterator[tuple[int, _GivenUp]]:
        """After purchases of the days ``first`` to ``last``, before the silence was too long anyway."""
        key = ("given up", *self._given_up, self._policy.quiet)
        for day, part in parts_in(self._days, first, last) if self._given_up else ():
            if part.tied:
                yield from ((day, one) for one in part.kept(key, self._doubted))

    def _doubted(self, part: Part) -> tuple[_GivenUp, ...]:
        found = []
        for name, n in part.tied.items():
            if name[:1] in self._given_up:
                gap, after, lasted, *why = name[3:].split(":")
                blamed, cause = (int(why[0]), unescape(why[1])) if why else (0, "")
                if int(after) <= self._policy.quiet:
                    found.append(_GivenUp(n, _number(gap), int(after), int(lasted), blamed, cause))
        return (*found,)

    def _blamed(self, part: Part) -> tuple[tuple[str, int], ...]:
        """The root causes that complaints before a day's purchases give, if these were the last."""
        found: Counter[str] = Counter()
        for name, n in part.tied.items():
            if name[:1] in self._blames and (cause := self._blame(name)):
                found[cause] += n
        return (*found.items(),)

    def _blame(self, name: str) -> str:
        """The root cause that a field of ``blame.counted`` gives; none of a complaint that was too early, was
        not the latest, or came after the customer had left."""
        gap, after, then, cause = name[3:].split(":")
        quiet = self._policy.quiet
        left = _number(gap) > quiet and -self._policy.complaint <= int(after) <= quiet
        return unescape(cause) if left and _number(then) > quiet else ""


def _ended(
    days: Days, policy: ChurnPolicy, terms: Contractual, first: int, last: int
) -> Iterator[tuple[Way, int]]:
    """Those whose run of terms ended."""
    for day, name, n in _runs(days, first - terms.grace - 1):
        if day > last or not name.startswith(ENDED):
            continue
        leaves = _leaves(day, name, terms)
        if leaves is None or not first <= leaves <= last:
            continue
        how, length, why, *cause = name[len(ENDED) :].split(":")
        reason, voluntary = _why(how[0], why, cause, policy, terms)
        yield Way(reason, voluntary, new=day - int(length) >= first), n


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
    for day, name, n in _runs(days, first - terms.grace - 1):
        if name.startswith(ENDED):
            leaves = _leaves(day, name, terms)
            found += n if leaves is not None and leaves >= first else 0
        elif day >= first:
            found -= n if _number(name[len(BEGUN) :]) > terms.grace else 0
    return found


def _runs(days: Days, first: int) -> Iterator[tuple[int, str, int]]:
    """The runs of terms that begin or end from day ``first`` on: day, field, count."""
    for day, fields in days.items():
        if day >= first:
            for part in parts_of(fields):
                for name, n in part.kept("runs", _runs_of):
                    yield day, name, n


def _runs_of(part: Part) -> tuple[tuple[str, int], ...]:
    return tuple([one for one in part.plain.items() if one[0].startswith((BEGUN, ENDED))])


def _number(gap: str) -> int:
    return gaps.FAR if gap == NEVER else int(gap)


def is_of_lives(fields: Mapping[str, int]) -> bool:
    """Whether somebody bought, or a term began or ended: who left later may have been a customer then."""
    return any(n and name.startswith(_OF_LIVES) for name, n in fields.items())
