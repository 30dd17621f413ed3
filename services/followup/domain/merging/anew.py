"""What is made of a customer, once more or less is told of them all at once, by a merge: seen anew. Pure.

What is planned, or with the sender, goes on as if one customer had heard of all of it: of one rule and one
cause one message goes, silences count from the latest that broke them, goals that were reached are told, and
what has lost its leave or its reason is taken back.
"""

from collections.abc import Iterator
from functools import partial

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.changes import with_anchor
from services.followup.domain.complaints import open_ones
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.gate.complaint import complaint_of
from services.followup.domain.gate.reach import allows
from services.followup.domain.journeys import goals, occasions, walk
from services.followup.domain.journeys.silence import broken_at
from services.followup.domain.merging.causes import cause_of
from services.followup.domain.policy import Policy
from services.followup.domain.quiet_time import drop, rearm, timer_name
from services.followup.domain.rules.rule import REPLY, Rule
from services.followup.domain.rules.times import span
from services.followup.domain.standing import arrange
from services.followup.domain.state import Anchor, Customer, InFlight, Moment, Planned
from services.followup.domain.triggers import undone
from shared.domain import CancelTimer, Effects, SetTimer
from shared.schemas.times import MILLISECOND, Micros, moment


def seen_anew(
    state: Customer, policy: Policy, before: tuple[Anchor, ...], now: Micros, new_id: NewId
) -> Effects[Customer]:
    """``before``: the silences whose timers stand, if they are armed."""
    effects = _once_each(state, policy, now)
    effects = then(effects, partial(_silences, policy=policy, before=before, now=now))
    effects = then(effects, partial(_ways, policy=policy, now=now, new_id=new_id))
    for rule in _rules(effects.state, policy, now):
        effects = then(effects, partial(_of_rule, policy=policy, rule=rule, now=now, new_id=new_id))
    effects = then(effects, partial(_recalled, policy=policy, now=now))
    return then(effects, partial(occasions.refresh, policy=policy, now=now))


def _once_each(state: Customer, policy: Policy, now: Micros) -> Effects[Customer]:
    """Of one rule and one cause that two ids were told of what went first stands, then what is with the
    sender, then what is planned."""
    said = {one.cause for one in state.traces if one.cause}
    effects = nothing(state)
    twice: set[str] = set()
    for flight in sorted(state.in_flight, key=lambda one: one.decided_at):
        if flight.cancelled:
            continue
        if cause_of(flight) in said:
            twice.add(flight.outreach_id)
        said.add(cause_of(flight))
    again = partial(_is_one_of, twice)
    effects = cancel_flights(state, policy, "duplicate", now, again)
    for planned in sorted(state.planned, key=lambda one: (one.due_at, one.outreach_id)):
        if cause_of(planned) in said:
            # It was told of with the other; what was announced has its end told too.
            step = partial(cancel_planned, planned=planned, reason="duplicate", now=now, waits=True)
            effects = then(effects, step)
        said.add(cause_of(planned))
    waiting: list[Planned] = []
    for one in effects.state.waiting:
        if cause_of(one) not in said:
            waiting.append(one)
        said.add(cause_of(one))
    if len(waiting) == len(effects.state.waiting):
        return effects
    return then(effects, lambda s: nothing(s.model_copy(update={"waiting": tuple(waiting)})))


def _is_one_of(names: set[str], flight: InFlight) -> bool:
    return flight.outreach_id in names


def _silences(state: Customer, policy: Policy, before: tuple[Anchor, ...], now: Micros) -> Effects[Customer]:
    stood = {anchor.rule for anchor in before if anchor.armed}
    effects = nothing(state)
    for anchor in state.anchors:
        due_at = _ends(state, policy, anchor, now)
        noted = anchor.model_copy(update={"armed": due_at is not None})
        timers: tuple[SetTimer | CancelTimer, ...] = ()
        if due_at is not None:
            # It may be over already, and its timer may have fired then: once at an instant.
            timers = (SetTimer(timer_name(anchor.rule), moment(max(due_at, now + MILLISECOND))),)
        elif anchor.rule in stood:
            timers = (CancelTimer(timer_name(anchor.rule)),)
        stood.discard(anchor.rule)
        effects = then(effects, partial(_noted, anchor=noted, timers=timers))
        rule = policy.rule(anchor.rule, now)
        if rule is not None and rule.restart:
            earlier = Moment(anchor.by, anchor.at - 1)
            effects = then(effects, partial(drop, policy=policy, rule=rule, order=earlier, now=now))
    left = tuple(CancelTimer(timer_name(rule)) for rule in sorted(stood))
    return then(effects, lambda s: Effects(s, timers=left))


def _noted(state: Customer, anchor: Anchor, timers: tuple[SetTimer | CancelTimer, ...]) -> Effects[Customer]:
    return Effects(with_anchor(state, anchor), timers=timers)


def _ends(state: Customer, policy: Policy, anchor: Anchor, now: Micros) -> Micros | None:
    """When the silence ends, if anything is to be said of it."""
    rule = policy.rule(anchor.rule, anchor.at)
    due_at = None if rule is None or not rule.restart else broken_at(rule, anchor.at, anchor.days)
    if due_at is None or anchor.over or due_at < now - span(policy.at(anchor.at).rules.stale(anchor.rule)):
        return None
    return due_at if undone(state, policy, anchor.rule, anchor.order) is None else None


def _ways(state: Customer, policy: Policy, now: Micros, new_id: NewId) -> Effects[Customer]:
    """Of two ways about one thing the one that began first goes on; one whose goal was reached ends, and one
    that waits for what has happened goes on."""
    effects, known = nothing(state), set[str]()
    for journey in sorted(state.journeys, key=lambda one: (one.first.due_at, one.first.outreach_id)):
        step = None
        if journey.first.key in known:
            step = partial(walk.leave, policy=policy, journey=journey, reason="duplicate", now=now)
        elif goals.over(state, policy, journey.first):
            step = partial(walk.leave, policy=policy, journey=journey, reason="goal_reached", now=now)
        elif journey.wakes is not None:
            step = partial(walk.look, policy=policy, journey=journey, now=now, new_id=new_id)
        known.add(journey.first.key)
        if step is not None:
            effects = then(effects, step)
    return effects


def _rules(state: Customer, policy: Policy, now: Micros) -> Iterator[Rule]:
    names = [one.rule for one in (*state.planned, *state.waiting, *state.in_flight)]
    names += [one.first.rule for one in state.journeys]
    names += [one.rule for one in state.hopes] + [one.rule for one in state.anchors]
    for name in dict.fromkeys(names):
        rule = policy.rule(name, now)
        if rule is not None:
            yield rule


def _of_rule(state: Customer, policy: Policy, rule: Rule, now: Micros, new_id: NewId) -> Effects[Customer]:
    effects = goals.reach(state, policy, rule.name, now)
    effects = then(effects, partial(goals.call_off, policy=policy, name=rule.name, now=now))
    if rule.restart:
        return then(effects, partial(rearm, policy=policy, rule=rule, now=now))
    effects = then(effects, partial(arrange, policy=policy, rule=rule, now=now, new_id=new_id))
    return then(effects, partial(walk.leave_undone, policy=policy, rule=rule.name, now=now))


def _recalled(state: Customer, policy: Policy, now: Micros) -> Effects[Customer]:
    """What is with the sender, and has lost its leave, or is held by a complaint."""
    effects = cancel_flights(state, policy, "no_consent", now, partial(_unwanted, state, policy))
    return then(
        effects, lambda s: cancel_flights(s, policy, "open_complaint", now, partial(_held, s, policy))
    )


def _unwanted(state: Customer, policy: Policy, flight: InFlight) -> bool:
    return flight.rule != REPLY and not allows(state, policy, flight, flight.channel)


def _held(state: Customer, policy: Policy, flight: InFlight) -> bool:
    rules = policy.at(flight.at).rules
    about = complaint_of(flight, rules.rule(flight.rule))
    if rules.counts_as(flight.rule, flight.purpose) not in rules.hold_during_complaint:
        return False
    return any(one.complaint_id != about for one in open_ones(state.complaints))
