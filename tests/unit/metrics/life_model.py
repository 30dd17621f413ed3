"""Customers one by one, day by day: what the counts of lifecycle, cohorts and churn must come to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.parts import TermStep
from services.metrics.domain.state import Customer
from shared.schemas.times import DAY, date_of, day_of


class Terms(NamedTuple):
    """Days from the begin of a subscription's terms to their end."""

    begin: int
    end: int
    cancelled: bool
    reason: str


@dataclass
class Person:
    """What happened to a customer."""

    bought: list[int]
    complaints: list[tuple[int, int, str]]
    """Time and day of opening, root cause."""
    terms: list[Terms]
    subscribes: bool


def person(data: Customer, *, channel: str | None = None) -> Person:
    """What a record says; of one channel's purchases."""
    orders = [o for o in data.orders.values() if channel in (None, o.channel)]
    found = []
    for one in data.complaints.values():
        if not one.steps:
            continue
        resolved = None
        for step in one.life.taken:
            kind = ("opened", "", "", "resolved", "", "reopened", "", "", "")[step.kind]
            resolved = step.at if kind == "resolved" else None if kind == "reopened" else resolved
        cause = dict(one.causes).get(-1 if resolved is None else resolved)
        if cause is not None:
            at = one.steps[0].at
            found.append((at, day_of(at), cause))
    terms = [t for steps in data.subscriptions.values() for t in spans(steps)]
    subscribes = any(not step.cancels for steps in data.subscriptions.values() for step in steps)
    bought = sorted(o.day for o in orders if o.day is not None)
    return Person(bought, sorted(found), merged(terms), subscribes)


def spans(steps: Sequence[TermStep]) -> list[tuple[int, int, bool, str]]:
    """One subscription's terms without a break, in microseconds."""
    out: list[tuple[int, int, bool, str]] = []
    for s in steps:
        if not s.cancels:
            begin = out.pop()[0] if out and s.at <= out[-1][1] else s.at
            out.append((begin, max(s.at, s.ends), False, ""))
        elif out and s.at <= out[-1][1] + 90 * DAY:
            begin, end, _, _ = out.pop()
            out.append((begin, end if s.at > end else max(begin, s.ends), True, s.reason))
    return out


def merged(spans: Sequence[tuple[int, int, bool, str]]) -> list[Terms]:
    """All subscriptions together: two that share a day are one, until none do."""
    left = [*spans]
    again = True
    while again:
        again = False
        for a in left:
            for b in left:
                if a is b or day_of(a[0]) > day_of(b[1]) or day_of(b[0]) > day_of(a[1]):
                    continue
                left.remove(a)
                left.remove(b)
                left.append((min(a[0], b[0]), *max(a[1:], b[1:])))
                again = True
                break
            if again:
                break
    return [Terms(day_of(a), day_of(b), *rest) for a, b, *rest in sorted(left)]


def in_window(one: Person, first: int, last: int) -> bool:
    return any(first <= day <= last for day in one.bought)


def phases(people: Sequence[Person], first: int, last: int) -> dict[str, int]:
    """New, returning, resurrected, dormant."""
    begin = 2 * first - last - 1
    found = dict.fromkeys(("new", "returning", "resurrected", "dormant"), 0)
    for one in people:
        now, before = in_window(one, first, last), in_window(one, begin, first - 1)
        if now and one.bought[0] >= first:
            found["new"] += 1
        elif now:
            found["returning" if before else "resurrected"] += 1
        elif before:
            found["dormant"] += 1
    return found


def cohorts(people: Sequence[Person], month: str) -> Counter[tuple[str, str]]:
    """Customers by the month of their first purchase and a month with one, until ``month``."""
    found: Counter[tuple[str, str]] = Counter()
    for one in people:
        months = sorted({date_of(day).strftime("%Y-%m") for day in one.bought})
        found.update((months[0], m) for m in months if m <= month)
    return found


def churn(
    people: Sequence[Person], policy: ChurnPolicy, first: int, last: int, *, terms: bool = True
) -> tuple[int, int, int, Mapping[str, int]]:
    """Who could leave, who left of their own wish and otherwise, and all reasons. Without ``terms``: of a
    channel."""
    could = voluntary = involuntary = 0
    reasons: Counter[str] = Counter()
    for one in people:
        if policy.contractual is not None and one.subscribes:
            if not terms:
                continue
            there, left = _by_terms(one, policy, first, last)
        else:
            there, left = _by_silence(one, policy, first, last)
        could += there
        for reason, wish, counts in left:
            reasons[reason] += 1
            voluntary += wish and counts
            involuntary += not wish and counts
    return could, voluntary, involuntary, dict(reasons)


def _by_silence(
    one: Person, policy: ChurnPolicy, first: int, last: int
) -> tuple[int, list[tuple[str, bool, bool]]]:
    quiet, left = policy.quiet, []
    there = int(in_window(one, first - 1 - quiet, first - 1))
    for day in sorted({*one.bought}):
        if first <= day < last - quiet and not in_window(one, day - quiet, day - 1):
            there += 1
        if first <= day + quiet + 1 <= last and not in_window(one, day + 1, day + quiet):
            told = [c for c in one.complaints if c[1] <= day + quiet]
            blamed = told[-1][2] if told and told[-1][1] >= day - policy.complaint else "unknown"
            left.append((blamed, True, True))
    return there, left


def _by_terms(
    one: Person, policy: ChurnPolicy, first: int, last: int
) -> tuple[int, list[tuple[str, bool, bool]]]:
    rules = policy.contractual
    assert rules is not None
    there, left, begun = 0, [], None
    for i, t in enumerate(one.terms):
        begun = t.begin if begun is None else begun
        renewed = one.terms[i + 1].begin if i + 1 < len(one.terms) else None
        leaves = t.end if t.cancelled else t.end + rules.grace + 1
        if not t.cancelled and renewed is not None and renewed < leaves:
            continue  # late, but renewed
        there += begun < first <= leaves
        begun = None
        if not first <= leaves <= last:
            continue
        told = [c for c in one.complaints if c[1] <= t.end]
        blamed = told[-1][2] if told and told[-1][1] >= t.end - policy.complaint else None
        if t.cancelled and t.reason:
            why = t.reason, not policy.is_involuntary(t.reason)
        elif t.cancelled:
            why = blamed or "unknown", True
        else:
            why = blamed or "expired", rules.expired == "voluntary"
        left.append((*why, t.begin < first))
    return there, left
