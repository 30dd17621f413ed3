"""Whether what messages are for has happened: told once of each message that went in time before it; one
that has not gone is for nothing any more."""

import json
from collections.abc import Mapping
from functools import partial
from hashlib import blake2s
from typing import Any, NamedTuple

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.conditions.expression import Reached, kept_of_goal
from services.followup.domain.effects import nothing, then
from services.followup.domain.journeys.kept import Hope, Signal
from services.followup.domain.policy import Policy
from services.followup.domain.results.trial import Trial
from services.followup.domain.rules.course import Goal, WaitForStep, each_step
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, InFlight, Moment, Outreach
from services.followup.domain.triggers import Fact
from shared.domain import Effects, Emit
from shared.schemas.outreach import OutreachGoalReached
from shared.schemas.times import DAY, Micros, moment

GOAL = "goal"
"""What a signal is that reaches a rule's goal; else it is the name of an event that its steps wait for."""
OF = ""
"""What of a name's ``with_told`` says which goal it is of, and sorts first: no field is called so."""
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
    new = [one.signal for one in found]
    known = tuple(dict.fromkeys((*state.signals, *new)))
    effects = nothing(state.model_copy(update={"signals": known}))
    for rule in dict.fromkeys(one.rule.name for one in found if is_goal(one.signal)):
        effects = then(effects, partial(reach, policy=policy, name=rule, now=fact.now))
        effects = then(effects, partial(call_off, policy=policy, name=rule, now=fact.now))
    return then(effects, lambda s: nothing(_trimmed(s, policy, new)))


def over(state: Customer, policy: Policy, outreach: Outreach) -> bool:
    """Whether what the message is for happened after its trigger."""
    rule = policy.rule(outreach.rule, outreach.at)
    if rule is None or rule.goal is None:
        return False
    reached = reached_by(state, rule, outreach.key, outreach.trigger)
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
        found.append(_goal(rule, fact, about))
    for step, _ in each_step(rule.steps):
        if isinstance(step, WaitForStep) and step.wait_for.met_by(fact.name, fact.data):
            found.append(Signal(rule.name, step.signal, about, fact.at, fact.by))
    return [Matched(rule, signal) for signal in dict.fromkeys(found)]


def _goal(rule: Rule, fact: Fact, about: str) -> Signal:
    """A condition says itself what the event must be about."""
    if rule.aim is None:
        return Signal(rule.name, GOAL, about, fact.at, fact.by)
    told = {OF: _mark(rule), **kept_of_goal(rule.aim, fact.name, fact.data)}
    return Signal(rule.name, with_told(GOAL, told), "", fact.at, fact.by)


def _mark(rule: Rule) -> str:
    """Tells a goal with a condition from those that other versions of the rule have."""
    assert rule.goal is not None
    asked = json.dumps([rule.goal.event, rule.goal.when, rule.goal.if_], sort_keys=True, default=str)
    return blake2s(asked.encode(), digest_size=6).hexdigest()


def with_told(name: str, told: Mapping[str, Any]) -> str:
    """A name, and behind it what a condition asks of an event. Of its own it would be one place more in a
    tuple, which the version before could not read."""
    return f"{name}\n{json.dumps(told, sort_keys=True)}"


def is_goal(signal: Signal) -> bool:
    return signal.what.partition("\n")[0] == GOAL


def told_to(name: str) -> dict[str, Any]:
    """What stands behind a name; nothing where none does."""
    told: dict[str, Any] = json.loads(name.partition("\n")[2] or "{}")
    return told


def _names_thing(rule: Rule, fact: Fact) -> bool:
    return rule.for_each is not None and rule.for_each in type(fact.data).model_fields


def about_of(rule: Rule, key: str) -> str:
    """What a key of the rule is about; nothing where there is one for all."""
    return key.removeprefix(rule.name).removeprefix(":")


def _trimmed(state: Customer, policy: Policy, new: list[Signal]) -> Customer:
    """Of each kind of the new ones the latest by event time are kept, and those that something known waits
    for: else what a customer did often would hide the one that counts, where that is heard last."""
    known = list(state.signals)
    for kind in dict.fromkeys(map(_kind, new)):
        same = sorted((one for one in known if _kind(one) == kind), key=lambda one: one.by)
        if len(same) > MOST_SIGNALS:
            known.remove(next((one for one in same if not _awaited(state, policy, one)), same[0]))
    return state.model_copy(update={"signals": tuple(known[-MOST_KEPT:])})


def _kind(signal: Signal) -> tuple[str, str, str]:
    """Goals with a condition are of one kind where their mark is the same."""
    name, _, told = signal.what.partition("\n")
    return signal.rule, f"{name}\n{json.loads(told).get(OF, '')}" if told else name, signal.about


def _awaited(state: Customer, policy: Policy, signal: Signal) -> bool:
    """Whether it is the goal of a message or a comparison that is known."""
    if not is_goal(signal):
        return False
    alone = state.model_copy(update={"signals": (signal,)})
    ways = (journey.first for journey in state.journeys)
    messages = (*state.planned, *state.waiting, *state.in_flight, *ways)
    return (
        any(one.rule == signal.rule and over(alone, policy, one) for one in messages)
        or any(one.rule == signal.rule and has_reached(alone, policy, one) for one in state.hopes)
        or any(one.rule == signal.rule and tried(alone, policy, one) for one in state.trials)
    )


def signals_of(state: Customer, rule: Rule, what: str, key: str) -> list[Signal]:
    """What was heard of that kind which is about this key, or about all, the earliest first."""
    about = about_of(rule, key)
    found = [one for one in state.signals if (one.rule, one.what) == (rule.name, what)]
    return sorted((one for one in found if one.about in ("", about)), key=lambda one: one.at)


def reached_by(state: Customer, rule: Rule, key: str, trigger: Mapping[str, Any]) -> list[Signal]:
    """What was heard that is the rule's goal for what was so triggered, the earliest first."""
    aim = rule.aim
    if aim is None:
        return signals_of(state, rule, GOAL, key)
    # As ``with_told`` has it: the mark is first.
    its = with_told(GOAL, {OF: _mark(rule)}).removesuffix("}")
    found = [one for one in state.signals if one.rule == rule.name and one.what.startswith(its)]
    met = [one for one in found if aim.verdict(Reached(told_to(one.what), trigger)).met]
    return sorted(met, key=lambda one: one.at)


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
        trigger={} if rule.aim is None else flight.trigger,
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
        goal = has_reached(state, policy, hope) if hope.rule == name else None
        if goal is None:
            left.append(hope)
        else:
            reached = OutreachGoalReached(outreach_id=hope.outreach_id, rule=name, goal=goal.event)
            told.append(Emit(reached, moment(now)))
    if not told:
        return nothing(state)
    return Effects(state.model_copy(update={"hopes": tuple(left)}), tuple(told))


def has_reached(state: Customer, policy: Policy, hope: Hope) -> Goal | None:
    """The goal of a message that went, if it was reached in time."""
    rule = policy.rule(hope.rule, hope.started)
    if rule is None or rule.goal is None:
        return None
    until = hope.sent_at + span(rule.goal.within)
    reached = reached_by(state, rule, hope.key, hope.trigger)
    return rule.goal if any(hope.sent_at < one.at <= until for one in reached) else None


def tried(state: Customer, policy: Policy, trial: Trial) -> bool:
    """Whether the goal of a comparison was reached in time, and that is not counted yet. It goes by the
    version of the rule that it was begun under."""
    if trial.reached or trial.until <= trial.start:
        return False
    told = told_to(trial.key)
    rule = policy.rule(trial.rule, told.pop(OF, trial.start))
    if rule is None or rule.goal is None:
        return False
    signals = reached_by(state, rule, trial.key.partition("\n")[0], told)
    return any(trial.start < signal.at <= trial.until for signal in signals)
