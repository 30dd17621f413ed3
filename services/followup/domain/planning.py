"""From facts and timers to due outreach: what each rule plans, moves and cancels."""

from functools import partial

from services.followup.domain import answers
from services.followup.domain.delivery import settle
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.quiet_time import on_quiet_time, rearm, timer_name
from services.followup.domain.rules.rule import Rule
from services.followup.domain.standing import arrange
from services.followup.domain.state import Customer, Planned
from services.followup.domain.triggers import Fact, trigger, with_undone
from shared.domain import Effects
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros


def on_fact(state: Customer, policy: Policy, fact: Fact, new_id: NewId) -> Effects[Customer]:
    """What a fact means to every rule."""
    starting = None if fact.answer is None else answers.starting(state, policy, fact)
    effects = answers.correct(state, policy, fact, fact.now)
    for rule in policy.rules.rules:
        step = partial(_meet, policy=policy, rule=rule, fact=fact, starting=starting, new_id=new_id)
        effects = then(effects, step)
    return effects


def _meet(
    state: Customer,
    policy: Policy,
    rule: Rule,
    fact: Fact,
    starting: frozenset[str] | None,
    new_id: NewId,
) -> Effects[Customer]:
    """What a fact means to one rule; ``starting``: the only ones that it may start, None for any."""
    new: Planned | None = None
    if fact.name in rule.cancel_on:
        state = with_undone(state, policy, rule, fact)
    elif _starts(rule, fact, starting):
        new = trigger(policy, rule, fact)
        if new is None:
            return nothing(state)
    elif not _concerned(state, rule, fact):
        return nothing(state)
    if rule.restart:
        return rearm(state, policy, rule, fact.now, new)
    return arrange(state, policy, rule, fact.now, new_id, new)


def _starts(rule: Rule, fact: Fact, starting: frozenset[str] | None) -> bool:
    wanted = starting is None or rule.name in starting
    return wanted and fact.name in rule.triggers and rule.holds(fact.data)


def _concerned(state: Customer, rule: Rule, fact: Fact) -> bool:
    """Whether what the fact says beside being a trigger may change what the rule does: something waits for
    that, or the life of a complaint has changed."""
    if any(one.rule == rule.name for one in state.waiting):
        return True
    names = (*rule.triggers, *rule.cancel_on) if fact.of is not None else ()
    return any(name.startswith("complaint.") for name in names)


def on_timer(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """A timer fell due: decide about its outreach, or about a quiet time."""
    planned = next((p for p in state.planned if p.timer == data.name), None)
    if planned is not None:
        effects = settle(state, policy, planned, now)
        return then(effects, lambda s: after_one(s, policy, planned.rule, now, new_id))
    rule = next((r for r in policy.rules.rules if r.restart and timer_name(r) == data.name), None)
    return nothing(state) if rule is None else on_quiet_time(state, policy, rule, data, now, new_id)


def after_one(state: Customer, policy: Policy, name: str, now: Micros, new_id: NewId) -> Effects[Customer]:
    """A message of the rule went, or does not go: what stood behind it has its turn, or has it no more."""
    rule = policy.rules.rule(name)
    if rule is None or rule.restart or not any(one.rule == name for one in state.waiting):
        return nothing(state)
    return arrange(state, policy, rule, now, new_id, announce=False)
