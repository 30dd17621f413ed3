"""From trigger events to due outreach: what each rule plans, moves and cancels."""

from datetime import datetime, timedelta
from functools import partial

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.decision import sent_within, unreachable_reason
from services.followup.domain.delivery import plan, settle
from services.followup.domain.effects import NewId, Step, nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.rules.events import event_name
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import span
from services.followup.domain.state import Anchor, Customer, Planned, Variable, with_anchor
from shared.domain import CancelTimer, Effects, SetTimer
from shared.schemas.base import Data, Money
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros, micros, moment


def on_event(
    state: Customer, policy: Policy, data: Data, at: Micros, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """What a fact that happened ``at`` means to every rule."""
    name = event_name(type(data))
    effects = nothing(state)
    for rule in policy.rules.rules:
        step: Step
        if name in rule.cancel_on:
            step = partial(_cancel, policy=policy, rule=rule, data=data, now=now)
        elif name not in rule.triggers or not rule.holds(data):
            continue
        elif rule.restart:
            step = partial(_restart, policy=policy, rule=rule, at=at, now=now)
        else:
            step = partial(_trigger, policy=policy, rule=rule, data=data, at=at, now=now, new_id=new_id)
        effects = then(effects, step)
    return effects


def _trigger(
    state: Customer, policy: Policy, rule: Rule, data: Data, at: Micros, now: Micros, new_id: NewId
) -> Effects[Customer]:
    key, due_at = rule.key(data), at + span(rule.delay)
    if due_at < now - span(policy.rules.stale(rule.name)) or state.plan(key) is not None:
        return nothing(state)
    if rule.at_most_one_in and _too_soon(state, policy, rule, rule.at_most_one_in, due_at):
        return nothing(state)
    planned = Planned(
        outreach_id=new_id(f"rule:{key}"),
        key=key,
        rule=rule.name,
        template=rule.template,
        purpose=policy.rules.purpose(rule.template),
        channel=rule.channel,
        due_at=due_at,
        variables={name: _plain(getattr(data, name)) for name in rule.variables},
    )
    return plan(state, planned, due_at, now)


def _plain(value: object) -> Variable:
    """What state can hold and the templates' filters read: money as {amount, currency}, a time as text."""
    match value:
        case None | str() | int() | float():
            return value
        case Money():
            return {"amount": value.amount, "currency": value.currency}
        case datetime():
            return value.isoformat()
    return str(value)


def _too_soon(state: Customer, policy: Policy, rule: Rule, interval: timedelta, due_at: Micros) -> bool:
    """Whether another outreach of the rule is nearer than ``interval``, or it would be in vain as the last
    one was."""
    least = span(interval)
    if any(p.rule == rule.name and abs(p.due_at - due_at) < least for p in state.planned):
        return True
    if sent_within(state, policy, rule.name, due_at, interval):
        return True
    purpose = policy.rules.purpose(rule.template)
    in_vain = any(u.rule == rule.name and abs(due_at - u.at) < least for u in state.unreached)
    return in_vain and unreachable_reason(state, policy, purpose, rule.channel) is not None


def _restart(state: Customer, policy: Policy, rule: Rule, at: Micros, now: Micros) -> Effects[Customer]:
    """Note the latest trigger. The timer is set once and catches up when it fires, which saves a timer
    write per event."""
    anchor = state.anchor(rule.name)
    if anchor is not None and at <= anchor.at:
        return nothing(state)
    due_at = at + span(rule.delay)
    armed = anchor is not None and anchor.armed
    timers: tuple[SetTimer, ...] = ()
    if not armed and due_at >= now - span(policy.rules.stale(rule.name)):
        armed, timers = True, (SetTimer(_restart_timer(rule), moment(due_at)),)
    noted = with_anchor(state, Anchor(rule=rule.name, at=at, armed=armed))
    return then(Effects(noted, timers=timers), lambda s: _drop(s, policy, rule.name, now))


def _restart_timer(rule: Rule) -> str:
    return f"rule:{rule.name}"


def _cancel(state: Customer, policy: Policy, rule: Rule, data: Data, now: Micros) -> Effects[Customer]:
    effects = nothing(state)
    if rule.restart:
        anchor = state.anchor(rule.name)
        if anchor is not None and anchor.armed:
            idle = with_anchor(state, anchor.model_copy(update={"armed": False}))
            effects = Effects(idle, timers=(CancelTimer(_restart_timer(rule)),))
    return then(effects, lambda s: _drop(s, policy, rule.key(data), now))


def _drop(state: Customer, policy: Policy, key: str, now: Micros) -> Effects[Customer]:
    """Cancel what is planned or with the sender for this key."""
    effects = nothing(state)
    planned = state.plan(key)
    if planned is not None:
        effects = cancel_planned(state, planned, "condition_unmet", now)
    return then(effects, lambda s: cancel_flights(s, policy, "condition_unmet", now, key=key))


def on_timer(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """A timer fell due: decide, or catch up with a trigger that came later."""
    planned = next((p for p in state.planned if p.timer == data.name), None)
    if planned is not None:
        return settle(state, policy, planned, now)
    rule = next((r for r in policy.rules.rules if r.restart and _restart_timer(r) == data.name), None)
    anchor = state.anchor(rule.name) if rule else None
    if rule is None or anchor is None or not anchor.armed:
        return nothing(state)
    due_at = anchor.at + span(rule.delay)
    if due_at > micros(data.due_at):
        return Effects(state, timers=(SetTimer(data.name, moment(due_at)),))
    quiet = with_anchor(state, anchor.model_copy(update={"armed": False}))
    found = Planned(
        outreach_id=new_id(f"rule:{rule.name}"),
        key=rule.name,
        rule=rule.name,
        template=rule.template,
        purpose=policy.rules.purpose(rule.template),
        channel=rule.channel,
        due_at=due_at,
        announced=False,
    )
    return settle(quiet, policy, found, now)
