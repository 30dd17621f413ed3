"""``restart`` rules: a time without triggers, counted from the latest of them."""

from functools import partial

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.changes import with_anchor, with_waiting
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.journeys.silence import Days, broken_at, with_day
from services.followup.domain.journeys.versions import start_of
from services.followup.domain.journeys.walk import begin, leave_where
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import span
from services.followup.domain.state import Anchor, Customer, Moment, Planned
from services.followup.domain.triggers import undone, worded
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
    days = _days(rule, anchor, latest.at)
    if anchor is not None and latest <= anchor.order:
        return _with_rhythm(state, policy, rule, anchor, days, now)
    due_at = broken_at(policy.rule(rule.name, latest.at) or rule, latest.at, days)
    noted = Anchor(rule=rule.name, at=latest.at, by=latest.by, armed=False, days=days)
    before = partial(drop, policy=policy, rule=rule, order=latest, now=now)
    return then(_arm(state, policy, noted, due_at, _set_for(policy, rule, anchor), now), before)


def adopt(state: Customer, policy: Policy, rule: Rule, known: Anchor, now: Micros) -> Effects[Customer]:
    """Count a rule's time from what is ``known`` of its triggers already, if that is not over and history."""
    usual = rule.silence is not None and rule.silence.usual is not None
    days = with_day(known.days, known.at) if usual else ()
    noted = Anchor(rule=rule.name, at=known.at, by=known.by, armed=False, days=days)
    its = policy.rule(rule.name, known.at) or rule
    effects = _arm(state, policy, noted, broken_at(its, known.at, days), None, now)
    return effects if effects.timers else nothing(state)


def _days(rule: Rule, anchor: Anchor | None, at: Micros) -> Days:
    known = () if anchor is None else anchor.days
    return with_day(known, at) if rule.silence is not None and rule.silence.usual is not None else known


def _with_rhythm(
    state: Customer, policy: Policy, rule: Rule, anchor: Anchor, days: Days, now: Micros
) -> Effects[Customer]:
    """An earlier event tells more of the customer's rhythm; what was said of the silence stays said."""
    if days == anchor.days:
        return nothing(state)
    noted = anchor.model_copy(update={"days": days, "armed": False})
    due_at = None if anchor.over else broken_at(policy.rule(rule.name, anchor.at) or rule, anchor.at, days)
    return _arm(state, policy, noted, due_at, _set_for(policy, rule, anchor), now)


def _set_for(policy: Policy, rule: Rule, anchor: Anchor | None) -> Micros | None:
    """Until when, at the latest, the anchor's timer has fired; None where it has none."""
    return None if anchor is None or not anchor.armed else _due(policy, rule, anchor)


def _arm(
    state: Customer,
    policy: Policy,
    anchor: Anchor,
    due_at: Micros | None,
    set_for: Micros | None,
    now: Micros,
) -> Effects[Customer]:
    """Note the anchor. A timer that stands, for ``set_for`` at the latest, catches up; but one that is due
    earlier needs another: one that is dated before the one before it, whose clock ran ahead, one whose
    version waits less, or one after which the customer's rhythm is quicker."""
    armed = set_for is not None
    timers: tuple[SetTimer, ...] = ()
    if due_at is not None and (set_for is None or due_at < set_for):
        fresh = due_at >= now - span(policy.at(anchor.at).rules.stale(anchor.rule))
        if fresh and undone(state, policy, anchor.rule, anchor.order) is None:
            armed, timers = True, (SetTimer(timer_name(anchor.rule), moment(due_at)),)
    return Effects(with_anchor(state, anchor.model_copy(update={"armed": armed})), timers=timers)


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
    return then(effects, partial(drop, policy=policy, rule=rule, order=by.order, now=now))


def drop(state: Customer, policy: Policy, rule: Rule, order: Moment, now: Micros) -> Effects[Customer]:
    """Cancel what is planned or with the sender and was triggered before."""
    effects = nothing(state)
    planned = state.plan(rule.name)
    if planned is not None and planned.journey is None and planned.order <= order:
        effects = cancel_planned(state, planned, "condition_unmet", now)
    if state.journeys:
        before = partial(_before, rule=rule.name, order=order)
        effects = then(effects, lambda s: leave_where(s, policy, now, before))
    return then(
        effects,
        lambda s: cancel_flights(
            s, policy, "condition_unmet", now, lambda f: f.key == rule.name and f.order <= order
        ),
    )


def _before(first: Planned, rule: str, order: Moment) -> bool:
    return first.key == rule and first.order <= order


def _due(policy: Policy, rule: Rule, anchor: Anchor) -> Micros | None:
    """When it has been quiet for long enough, by the version of the latest trigger."""
    return broken_at(policy.rule(rule.name, anchor.at) or rule, anchor.at, anchor.days)


def on_quiet_time(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """The rule's timer fell due: decide, or catch up with a trigger that came later."""
    anchor = next((a for a in state.anchors if timer_name(a.rule) == data.name), None)
    rule = None if anchor is None else policy.rule(anchor.rule, anchor.at)
    if anchor is None or rule is None or not rule.restart or not anchor.armed:
        return nothing(state)
    due_at = _due(policy, rule, anchor)
    if due_at is not None and due_at > micros(data.due_at):
        return Effects(state, timers=(SetTimer(data.name, moment(due_at)),))
    quiet = with_anchor(state, anchor.model_copy(update={"armed": False, "over": due_at is not None}))
    if due_at is None or not rule.starts_at(due_at):  # what it waited for is complete only now
        return nothing(quiet)
    # One that is new in a later version counts from its start.
    has = policy.at(anchor.at).rules.rule(rule.name) is not None
    policy = policy.at(anchor.at if has else due_at)
    found = Planned(
        **worded(policy.rules, rule, state.customer_id),
        at=anchor.at if has else max(anchor.at, start_of(policy.rules)),
        by=anchor.by,
        outreach_id=new_id(f"rule:{rule.name}"),
        key=rule.name,
        due_at=due_at,
        announced=False,
    )
    return begin(quiet, policy, found, now, new_id)
