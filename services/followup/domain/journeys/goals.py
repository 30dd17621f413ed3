"""Whether what messages are for has happened: told once of each message that went in time before it; one
that has not gone is for nothing any more."""

from functools import partial
from typing import NamedTuple

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.effects import nothing, then
from services.followup.domain.journeys.kept import Hope, Signal
from services.followup.domain.policy import Policy
from services.followup.domain.rules.course import WaitForStep, each_step
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, InFlight, Moment, Outreach
from services.followup.domain.triggers import Fact
from shared.domain import Effects, Emit
from shared.schemas.outreach import OutreachGoalReached
from shared.schemas.times import DAY, Micros, moment

GOAL = "goal"
"""What a signal is that reaches a rule's goal; else it is the name of an event that its steps wait for."""
MOST_SIGNALS = 10
"""How many are kept of one kind and thing: the latest by event time."""
MOST_KEPT = 100
"""How many are kept of a customer in all: the latest heard."""
MOST_HOPES = 50
"""How many messages are remembered whose goal may still be reached: the latest."""
HEARD_LATE = 7 * DAY
"""How long after its limit a goal is still heard of."""


class Matched(NamedTuple):
    """A signal that a fact is, and the rule that looks for it."""

    rule: Rule
    signal: Signal


def on_fact(state: Customer, policy: Policy, fact: Fact) -> Effects[Customer]:
    """Note what the fact is to goals and to steps that wait; tell the goals that it reaches."""
    found = [one for rules in policy.every for rule in rules.rules for one in _matched(rule, fact)]
    if not found:
        return nothing(state)
    effects = nothing(_with_signals(state, [one.signal for one in found]))
    for rule in dict.fromkeys(one.rule.name for one in found if one.signal.what == GOAL):
        effects = then(effects, partial(reach, policy=policy, name=rule, now=fact.now))
        effects = then(effects, partial(call_off, policy=policy, name=rule, now=fact.now))
    return effects


def over(state: Customer, policy: Policy, outreach: Outreach) -> bool:
    """Whether what the message is for happened after its trigger."""
    rule = policy.rule(outreach.rule, outreach.at)
    if rule is None or rule.goal is None:
        return False
    reached = signals_of(state, rule, GOAL, outreach.key)
    return any(Moment(one.by, one.at) > outreach.order for one in reached)


def call_off(state: Customer, policy: Policy, name: str, now: Micros) -> Effects[Customer]:
    """Take back what is planned, or with the sender, and for nothing any more. Of rules with steps, ways end
    by themselves, and do not begin."""

    def lost(outreach: Outreach) -> bool:
        if outreach.rule != name or outreach.journey is not None or not over(state, policy, outreach):
            return False
        rule = policy.rule(name, outreach.at)
        return rule is not None and not rule.steps

    effects = nothing(state)
    for planned in filter(lost, state.planned):
        effects = then(effects, partial(cancel_planned, planned=planned, reason="goal_reached", now=now))
    return then(effects, lambda s: cancel_flights(s, policy, "goal_reached", now, lost))


def _matched(rule: Rule, fact: Fact) -> list[Matched]:
    if fact.name not in rule.awaited_events:
        return []
    about = about_of(rule, rule.key(fact.data)) if _names_thing(rule, fact) else ""
    found = []
    if rule.goal is not None and rule.goal.met_by(fact.name, fact.data):
        found.append(Signal(rule.name, GOAL, about, fact.at, fact.by))
    for step, _ in each_step(rule.steps):
        if isinstance(step, WaitForStep) and step.wait_for.met_by(fact.name, fact.data):
            found.append(Signal(rule.name, step.signal, about, fact.at, fact.by))
    return [Matched(rule, signal) for signal in dict.fromkeys(found)]


def _names_thing(rule: Rule, fact: Fact) -> bool:
    return rule.for_each is not None and rule.for_each in type(fact.data).model_fields


def about_of(rule: Rule, key: str) -> str:
    """What a key of the rule is about; nothing where there is one for all."""
    return key.removeprefix(rule.name).removeprefix(":")


def _with_signals(state: Customer, new: list[Signal]) -> Customer:
    known = list(state.signals)
    for signal in new:
        if signal in known:
            continue
        known.append(signal)
        same = sorted((one for one in known if one[:3] == signal[:3]), key=lambda one: one.by)
        if len(same) > MOST_SIGNALS:
            known.remove(same[0])
    return state.model_copy(update={"signals": tuple(known[-MOST_KEPT:])})


def signals_of(state: Customer, rule: Rule, what: str, key: str) -> list[Signal]:
    """What was heard of that kind which is about this key, or about all, the earliest first."""
    about = about_of(rule, key)
    found = [one for one in state.signals if (one.rule, one.what) == (rule.name, what)]
    return sorted((one for one in found if one.about in ("", about)), key=lambda one: one.at)


def hoped(state: Customer, policy: Policy, flight: InFlight, at: Micros, now: Micros) -> Effects[Customer]:
    """A message went ``at``: from now on its goal may be reached, and may have been, as it is heard."""
    rule = policy.rule(flight.rule, flight.at)
    if rule is None or rule.goal is None:
        return nothing(state)
    new = Hope(
        outreach_id=flight.outreach_id,
        rule=rule.name,
        key=flight.key,
        started=flight.at,
        sent_at=at,
        whose=flight.whose,
    )
    kept = tuple(one for one in state.hopes if _lives(policy, one, now))
    noted = state.model_copy(update={"hopes": (*kept, new)[-MOST_HOPES:]})
    return reach(noted, policy, rule.name, now)


def _lives(policy: Policy, hope: Hope, now: Micros) -> bool:
    rule = policy.rule(hope.rule, hope.started)
    return (
        rule is not None
        and rule.goal is not None
        and (now <= hope.sent_at + span(rule.goal.within) + HEARD_LATE)
    )


def reach(state: Customer, policy: Policy, name: str, now: Micros) -> Effects[Customer]:
    """Tell of each message of the rule that went in time before its goal was reached."""
    told: list[Emit] = []
    left: list[Hope] = []
    for hope in state.hopes:
        rule = policy.rule(name, hope.started) if hope.rule == name else None
        if rule is None or rule.goal is None:
            left.append(hope)
            continue
        until = hope.sent_at + span(rule.goal.within)
        times = [one.at for one in signals_of(state, rule, GOAL, hope.key) if hope.sent_at < one.at <= until]
        if not times:
            left.append(hope)
            continue
        goal = OutreachGoalReached(outreach_id=hope.outreach_id, rule=name, goal=rule.goal.event)
        told.append(Emit(goal, moment(now)))
    if not told:
        return nothing(state)
    return Effects(state.model_copy(update={"hopes": tuple(left)}), tuple(told))
