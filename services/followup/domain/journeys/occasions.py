"""Triggers that come at times which the customer's data say: one timer for each of a rule's and each thing,
moved by what is learnt."""

from collections.abc import Iterator
from functools import partial
from zoneinfo import ZoneInfo

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.journeys.dates import bases, comes_after, comes_at, holds, things, told
from services.followup.domain.journeys.kept import Occasion, Spot
from services.followup.domain.journeys.walk import begin, leave_where
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.starts import Dated
from services.followup.domain.rules.times import due, span
from services.followup.domain.state import Customer, Outreach, Planned
from services.followup.domain.triggers import undone, worded
from shared.domain import CancelTimer, Effects, SetTimer
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros, micros, moment

MOST_OVER = 100
"""How many are remembered that came and are awaited no more: those that came last."""
PREFIX = "date:"
"""How the names of their timers begin."""


def refresh(state: Customer, policy: Policy, now: Micros) -> Effects[Customer]:
    """See anew what is awaited and when, now that more is known of the customer; take back what was started
    by a date that is none any more."""
    if not state.occasions and not any(rules.dated for rules in policy.every):
        return nothing(state)
    known = {one.key: one for one in state.occasions}
    found: list[Occasion] = []
    for rule, start in _all(policy):
        for thing in things(state, start):
            old = known.pop((rule.name, start.words, thing), None)
            old = old or Occasion(rule=rule.name, trigger=start.words, thing=thing)
            found.append(_awaited(state, policy, old, start, now))
    found += [one.model_copy(update={"base": None, "due_at": None}) for one in known.values()]
    kept = [one for one in found if one.due_at is not None]
    over = sorted((one for one in found if one.due_at is None and one.done is not None), key=_done)
    after = state.model_copy(update={"occasions": (*kept, *over[-MOST_OVER:])})
    effects = Effects(after, timers=tuple(_timers(state.occasions, kept)))
    return then(effects, partial(_take_back, policy=policy, now=now))


def _all(policy: Policy) -> list[tuple[Rule, Dated]]:
    """Of all versions, each trigger once."""
    found = {(rule.name, start.words): (rule, start) for rules in policy.every for rule, start in rules.dated}
    return list(found.values())


def _done(one: Occasion) -> Micros:
    return one.done or 0


def _timers(before: tuple[Occasion, ...], after: list[Occasion]) -> Iterator[SetTimer | CancelTimer]:
    stood = {one.timer: one.due_at for one in before if one.due_at is not None}
    for one in after:
        if one.due_at is not None and stood.pop(one.timer, None) != one.due_at:
            yield SetTimer(one.timer, moment(one.due_at))
    for name in stood:
        yield CancelTimer(name)


def _awaited(state: Customer, policy: Policy, old: Occasion, start: Dated, now: Micros) -> Occasion:
    """The first date that is not history and at which the rule, as it is then, has this trigger."""
    where = where_of(state, policy, now)
    for base in bases(state, start, old.thing, where, now):
        at = comes_at(start, base, where)
        its = policy.at(at)
        rule = its.rules.rule(old.rule)
        if rule is None or start not in rule.dated or not rule.starts_at(at):
            continue
        due_at = due(at, rule.delay)
        if comes_after(start, base, old.done) and due_at >= now - span(its.rules.stale(rule.name)):
            return old.model_copy(update={"base": base, "due_at": due_at})
    return old.model_copy(update={"base": None, "due_at": None})


def where_of(state: Customer, policy: Policy, now: Micros) -> ZoneInfo:
    """Where the customer lives."""
    return zone(state.timezone, policy.at(now).rules.timezone)


def _take_back(state: Customer, policy: Policy, now: Micros) -> Effects[Customer]:
    """Cancel what is planned or with the sender by a date that is none any more."""

    def gone(outreach: Outreach) -> bool:
        spot = outreach.spot
        rule = None if spot is None else policy.rule(outreach.rule, outreach.at)
        start = None if rule is None or spot is None else start_named(rule, spot.trigger)
        if spot is None or start is None:
            return False
        return not holds(state, start, spot.thing, spot.base, where_of(state, policy, now))

    effects = nothing(state)
    for planned in state.planned:
        if planned.journey is None and gone(planned):
            effects = then(
                effects, partial(cancel_planned, planned=planned, reason="condition_unmet", now=now)
            )
    effects = then(effects, lambda s: leave_where(s, policy, now, gone))
    return then(effects, lambda s: cancel_flights(s, policy, "condition_unmet", now, gone))


def start_named(rule: Rule, words: str) -> Dated | None:
    """The trigger that has these words."""
    return next((start for start in rule.dated if start.words == words), None)


def on_occasion(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """The timer of a date fell due: start its rule, and await the next."""
    one = next((known for known in state.occasions if known.timer == data.name), None)
    if one is None or one.base is None or one.due_at is None:
        return nothing(state)
    if one.due_at > micros(data.due_at):
        return Effects(state, timers=(SetTimer(one.timer, moment(one.due_at)),))
    came = one.model_copy(update={"base": None, "due_at": None, "done": one.base})
    others = tuple(came if known is one else known for known in state.occasions)
    effects = nothing(state.model_copy(update={"occasions": others}))
    found = _found(state, policy, one, new_id)
    if found is not None and undone(state, policy, found.key, found.order) is None:
        effects = then(effects, partial(begin, policy=policy, planned=found, now=now, new_id=new_id))
    return then(effects, partial(refresh, policy=policy, now=now))


def _found(state: Customer, policy: Policy, one: Occasion, new_id: NewId) -> Planned | None:
    """What the date starts; None where the rule has no such trigger any more."""
    rule = next((rule for rule, start in _all(policy) if (rule.name, start.words) == one.key[:2]), None)
    start = None if rule is None else start_named(rule, one.trigger)
    if start is None or one.base is None or one.due_at is None:
        return None
    where = where_of(state, policy, one.due_at)
    at = comes_at(start, one.base, where)
    its = policy.at(at)
    rule = its.rules.rule(one.rule)
    if rule is None or start not in rule.dated:
        return None
    key = f"{rule.name}:{one.thing}" if one.thing else rule.name
    shown = told(state, start, one.thing, one.base, where)
    return Planned(
        **worded(its.rules, rule, state.customer_id),
        at=at,
        by=at,
        outreach_id=new_id(f"date:{key}"),
        key=key,
        due_at=one.due_at,
        spot=Spot(one.trigger, one.thing, one.base),
        variables={name: shown.get(name) for name in rule.variables},
        announced=False,
        timed=True,
    )
