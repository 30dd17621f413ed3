"""``restart`` rules: a time without triggers, counted from the latest of them."""

from functools import partial

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.changes import with_anchor, with_waiting
from services.followup.domain.delivery import settle
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import due, span
from services.followup.domain.state import Anchor, Customer, Moment, Planned
from services.followup.domain.triggers import undone
from shared.domain import CancelTimer, Effects, SetTimer
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros, micros, moment


def rearm(
    state: Customer, policy: Policy, rule: Rule, now: Micros, new: Planned | None = None
) -> Effects[Customer]:
    """Find the latest trigger, with a ``new`` one, and whether a cancelling event was after it."""
    waiting = tuple(one for one in state.waiting if one.rule == rule.name)
    heard = waiting if new is None else (*waiting, new)
    counting = [one for one in heard if state.counts(one.of)]
    fresh = now - span(policy.at(now).rules.stale(rule.name))
    parked = tuple(one for one in heard if one not in counting and one.due_at >= fresh)
    effects = nothing(with_waiting(state, rule.name, parked))
    if counting:
        latest = max(one.order for one in counting)
        effects = then(effects, partial(restart, policy=policy, rule=rule, latest=latest, now=now))
    return then(effects, partial(_disarm, policy=policy, rule=rule, now=now))


def timer_name(rule: str) -> str:
    """Of the rule's quiet time."""
    return f"rule:{rule}"


def restart(state: Customer, policy: Policy, rule: Rule, latest: Moment, now: Micros) -> Effects[Customer]:
    """Note a trigger if it is the latest. The timer is set once and catches up when it fires, which saves a
    timer write per event."""
    anchor = state.anchor(rule.name)
    if anchor is not None and latest <= anchor.order:
        return nothing(state)
    own = policy.rule(rule.name, latest.at) or rule
    due_at = due(latest.at, own.delay)
    armed = anchor is not None and anchor.armed
    # One that is dated earlier than the one before it, whose clock ran ahead, is due before the timer; so
    # may be one whose version waits less.
    set_anew = not armed or (anchor is not None and due_at < _due(policy, rule, anchor))
    timers: tuple[SetTimer, ...] = ()
    fresh = due_at >= now - span(policy.at(latest.at).rules.stale(rule.name))
    if set_anew and fresh and undone(state, policy, rule.name, latest) is None:
        armed, timers = True, (SetTimer(timer_name(rule.name), moment(due_at)),)
    noted = with_anchor(state, Anchor(rule=rule.name, at=latest.at, by=latest.by, armed=armed))
    drop = partial(_drop, policy=policy, rule=rule, order=latest, now=now)
    return then(Effects(noted, timers=timers), drop)


def _disarm(state: Customer, policy: Policy, rule: Rule, now: Micros) -> Effects[Customer]:
    """Stop what a cancelling event was after."""
    anchor = state.anchor(rule.name)
    by = None if anchor is None else undone(state, policy, rule.name, anchor.order)
    if anchor is None or by is None:
        return nothing(state)
    effects = nothing(state)
    if anchor.armed:
        idle = with_anchor(state, anchor.model_copy(update={"armed": False}))
        effects = Effects(idle, timers=(CancelTimer(timer_name(rule.name)),))
    return then(effects, partial(_drop, policy=policy, rule=rule, order=by.order, now=now))


def _drop(state: Customer, policy: Policy, rule: Rule, order: Moment, now: Micros) -> Effects[Customer]:
    """Cancel what is planned or with the sender and was triggered before."""
    effects = nothing(state)
    planned = state.plan(rule.name)
    if planned is not None and planned.order <= order:
        effects = cancel_planned(state, planned, "condition_unmet", now)
    return then(
        effects,
        lambda s: cancel_flights(
            s, policy, "condition_unmet", now, lambda f: f.key == rule.name and f.order <= order
        ),
    )


def _due(policy: Policy, rule: Rule, anchor: Anchor) -> Micros:
    """When it has been quiet for long enough, by the version of the latest trigger."""
    own = policy.rule(rule.name, anchor.at) or rule
    return due(anchor.at, own.delay)


def on_quiet_time(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """The rule's timer fell due: decide, or catch up with a trigger that came later."""
    anchor = next((a for a in state.anchors if timer_name(a.rule) == data.name), None)
    rule = None if anchor is None else policy.rule(anchor.rule, anchor.at)
    if anchor is None or rule is None or not rule.restart or not anchor.armed:
        return nothing(state)
    policy = policy.at(anchor.at)
    due_at = _due(policy, rule, anchor)
    if due_at > micros(data.due_at):
        return Effects(state, timers=(SetTimer(data.name, moment(due_at)),))
    quiet = with_anchor(state, anchor.model_copy(update={"armed": False}))
    if not rule.starts_at(due_at):  # what it waited for is complete only now
        return nothing(quiet)
    found = Planned(
        at=anchor.at,
        by=anchor.by,
        outreach_id=new_id(f"rule:{rule.name}"),
        key=rule.name,
        rule=rule.name,
        template=rule.template,
        purpose=policy.rules.purpose(rule.template),
        channel=rule.ways[0],
        due_at=due_at,
        announced=False,
    )
    return settle(quiet, policy, found, now)
