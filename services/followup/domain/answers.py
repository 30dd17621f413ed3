"""Answers to surveys: of two to one survey about one thing the later event time holds."""

from functools import partial

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.effects import nothing, then
from services.followup.domain.journeys.walk import leave_where
from services.followup.domain.policy import Policy
from services.followup.domain.state import Answer, Customer, Outreach
from services.followup.domain.triggers import Fact
from shared.domain import Effects
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros

MOST_ANSWERS = 100
"""How many are remembered of a customer: the latest heard."""


def starting(state: Customer, policy: Policy, fact: Fact) -> frozenset[str]:
    """The rules that an answer starts: those whose ``when`` it meets and the answer before it did not, or of
    which that one's message is still planned; of an answer that a later one has corrected, none."""
    known = _known(state, fact)
    if known is not None and fact.at < known.at:
        return frozenset()
    held = frozenset() if known is None else frozenset(known.held)
    live = {
        one.rule
        for one in (*state.planned, *state.waiting)
        if one.answer == fact.answer and one.journey is None
    }
    return frozenset(rule for rule in _held(policy, fact) if rule not in held or rule in live)


def correct(state: Customer, policy: Policy, fact: Fact, now: Micros) -> Effects[Customer]:
    """Put an answer in place of the one before it, and take that one's triggers back."""
    known, place = _known(state, fact), fact.answer
    if place is None or (known is not None and fact.at < known.at):
        return nothing(state)
    held = _held(policy, fact)
    effects = nothing(_noted(state, place, fact.at, held))
    for one in state.planned:
        if one.answer == place and one.journey is None:
            reason: SuppressionReason = "duplicate" if one.rule in held else "condition_unmet"
            effects = then(effects, partial(cancel_planned, planned=one, reason=reason, now=now))
    waiting = tuple(one for one in state.waiting if one.answer != place)
    effects = then(effects, lambda s: nothing(s.model_copy(update={"waiting": waiting})))

    def lost(one: Outreach) -> bool:
        return one.answer == place and one.rule not in held

    effects = then(effects, lambda s: leave_where(s, policy, now, lost))
    return then(effects, lambda s: cancel_flights(s, policy, "condition_unmet", now, lost))


def _known(state: Customer, fact: Fact) -> Answer | None:
    return None if fact.answer is None else state.answer(fact.answer)


def _held(policy: Policy, fact: Fact) -> tuple[str, ...]:
    """The rules whose ``when`` it meets."""
    rules = (rule for rule in policy.rules.rules if fact.name in rule.events)
    return tuple(rule.name for rule in rules if rule.holds(fact.data))


def _noted(state: Customer, place: str, at: Micros, held: tuple[str, ...]) -> Customer:
    others = tuple(answer for answer in state.answers if answer.place != place)
    new = Answer(place=place, at=at, held=held)
    return state.model_copy(update={"answers": (*others, new)[-MOST_ANSWERS:]})
