"""Which of a rule's triggers are planned: the earliest due, as far as is known; what must not go beside it
waits for its turn, and gets it if that one does not go.

Whatever is learnt in whatever order, the same triggers are planned in the end, but for what was sent already.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Literal, TypeAlias

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.changes import with_waiting
from services.followup.domain.delivery import plan, plan_silently, suppress
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.gate.caps import once_in
from services.followup.domain.gate.decision import refused_by
from services.followup.domain.gate.reach import reaches
from services.followup.domain.gate.verdicts import Refuse
from services.followup.domain.journeys.goals import over
from services.followup.domain.journeys.program import first_said
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import cut, span
from services.followup.domain.state import Customer, InFlight, Outreach, Planned
from services.followup.domain.triggers import undone
from shared.domain import Effects
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros, moment

MOST_WAITING = 20
"""How many triggers of a rule wait at most: the earliest due."""

Stand: TypeAlias = Literal["goes", "waits", "ends"] | Refuse
"""``waits`` also says: not now, but what is learnt may change that. ``ends``: it is no trigger, or none any
more. A refusal is told."""


def arrange(
    state: Customer,
    policy: Policy,
    rule: Rule,
    now: Micros,
    new_id: NewId,
    new: Planned | None = None,
    *,
    announce: bool = True,
) -> Effects[Customer]:
    """See anew which triggers of a rule are planned: a ``new`` one is there, or something else was learnt.
    Each is judged by the version of the rule that held when it happened; ``rule`` is any of these.

    Without ``announce`` what gets its turn is not told of before it is decided: the one before it has told
    why it did not go.
    """
    waiting = [one for one in state.waiting if one.rule == rule.name]
    planned = [one for one in state.planned if one.rule == rule.name and one.journey is None]
    live = [*planned, *waiting]
    if new is not None and not any(_same(new, one) for one in live):
        live.append(new)
    effects = _recall(state, policy, rule, now)
    front: list[Planned] = []
    behind: list[Planned] = []
    off: list[tuple[Planned, SuppressionReason]] = []
    refused: list[tuple[Planned, Refuse]] = []
    for one in sorted(live, key=_place):
        own = policy.rule(rule.name, one.at) or rule
        stand = _stand(effects.state, policy.at(one.at), own, one, front, now)
        if stand == "goes":
            front.append(one)
            continue
        if isinstance(stand, Refuse):
            refused.append((one, stand))
        if stand == "waits":
            behind.append(one if not one.outreach_id else _back(one))
        if one.outreach_id:
            off.append((one, "duplicate" if _stands(state, policy, one) else "condition_unmet"))
    too_many = Refuse("duplicate", f"{MOST_WAITING} others of {rule.name} wait before it")
    refused += [(one, too_many) for one in behind[MOST_WAITING:] if _stands(state, policy, one)]
    effects = then(effects, lambda s: nothing(with_waiting(s, rule.name, tuple(behind[:MOST_WAITING]))))
    for one, reason in off:
        waits = any(_same(one, other) for other in behind)
        effects = then(effects, partial(cancel_planned, planned=one, reason=reason, now=now, waits=waits))
    effects = then(effects, partial(refuse, policy=policy, refused=refused, now=now, new_id=new_id))
    for one in front:
        if not one.outreach_id:
            # What begins with steps is told of step by step; what lacks consent or address, as the last one
            # did, when it is decided.
            its = policy.rule(rule.name, one.at) or rule
            loud = announce and not its.steps and not _in_vain(state, policy.at(one.at), its, one, now)
            found = one.model_copy(update={"outreach_id": new_id(f"rule:{one.key}"), "announced": loud})
            step = partial(plan if loud else plan_silently, planned=found, at=found.due_at, now=now)
            effects = then(effects, step)
    return effects


def refuse(
    state: Customer, policy: Policy, refused: Sequence[tuple[Planned, Refuse]], now: Micros, new_id: NewId
) -> Effects[Customer]:
    """Tell of triggers of whose messages it is known before they are due that they do not go, and why."""
    effects = nothing(state)
    for number, (one, why) in enumerate(refused):
        its = policy.at(one.at)
        name = new_id(f"refused:{number}:{one.key}")
        unsaid = first_said(its.rules.rule(one.rule), one.model_copy(update={"outreach_id": name}))
        no = refused_by(effects.state, its, unsaid, why, now)
        effects = then(effects, partial(suppress, policy=its, planned=unsaid, no=no, now=now))
    return effects


def said_already(
    state: Customer, policy: Policy, went: Outreach, decided_at: Micros, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """A message went that was decided then: what came of the same while it was planned has had its own."""
    if went.journey is not None:  # a step's is not what the other would be, but the way that it is on
        return nothing(state)
    stood_for = [one for one in state.waiting if one.key == went.key and one.by <= decided_at]
    if not stood_for:
        return nothing(state)
    left = state.model_copy(update={"waiting": tuple(one for one in state.waiting if one not in stood_for)})
    rule = policy.rule(went.rule, went.at)
    told = [one for one in stood_for if _stands(state, policy, one) and not (rule and rule.restart)]
    why = _said_by(went)
    return refuse(left, policy, [(one, why) for one in told], now, new_id)


def _said_by(other: Outreach) -> Refuse:
    return Refuse("duplicate", f"{other.outreach_id} has said it")


def _stands(state: Customer, policy: Policy, one: Planned) -> bool:
    """Whether it is still a trigger."""
    return state.counts(one.of) and undone(state, policy, one.key, one.order, one.bill) is None


def _place(one: Planned) -> tuple[Micros, str, str]:
    """The earliest due first; of one instant, always the same."""
    return one.due_at, one.key, json.dumps([one.variables, one.trigger], sort_keys=True, default=dict)


def _same(one: Planned, other: Planned) -> bool:
    return _said(one) == _said(other)


def _said(one: Planned) -> tuple[object, ...]:
    return one.key, one.at, one.of, one.variables, one.trigger


def _back(one: Planned) -> Planned:
    """It loses its place, and its id with it: that one ends."""
    return one.model_copy(update={"outreach_id": "", "announced": False, "held": None})


def _stand(
    state: Customer, policy: Policy, rule: Rule, one: Planned, front: list[Planned], now: Micros
) -> Stand:
    planned = bool(one.outreach_id)
    late = not planned and one.due_at < now - span(policy.rules.stale(rule.name))
    if not state.counts(one.of):
        return "ends" if late else "waits"
    by = undone(state, policy, one.key, one.order, one.bill)
    if by is not None:
        return "ends" if by.of is None or late else "waits"
    if late:
        return Refuse("stale", f"it was due {moment(one.due_at):%Y-%m-%d %H:%M} UTC")
    if not planned and over(state, policy, one):
        return Refuse("goal_reached")
    if _follows(rule, one, front):
        return "waits"
    if planned:
        return "goes"  # what else there is against it is looked at when it is due
    covered = _covered(state, policy, rule, one)
    if covered is not None:
        return covered
    return "waits" if _follows_flight(state, policy, rule, one) else "goes"


def _follows(rule: Rule, one: Planned, front: list[Planned]) -> bool:
    """Whether one that goes before it is about the same, or too near."""
    least = rule.at_most_one_in
    return any(
        one.key == other.key or (least is not None and abs(one.due_at - other.due_at) < span(least))
        for other in front
    )


def _covered(state: Customer, policy: Policy, rule: Rule, one: Outreach) -> Refuse | None:
    """What is against it where a message that went out, or under the stream clock was handed over, stands for
    it, or is too near."""
    flights = _flights(state, rule) if policy.event_time else []
    same = next((f for f in flights if _same_way(one, f) and cut(one.by) <= f.decided_at), None)
    if same is not None:
        return _said_by(same)
    least = rule.at_most_one_in
    if least is None:
        return None
    sent = [send.at for send in state.sends if send.rule == rule.name]
    sent += [flight.decided_at for flight in flights]
    near = [at for at in sent if abs(one.due_at - at) < span(least)]
    return Refuse("duplicate", once_in(rule.name, least), max(near) + span(least)) if near else None


def _follows_flight(state: Customer, policy: Policy, rule: Rule, one: Outreach) -> bool:
    """Whether a message that is with the sender stands before it; under the stream clock that has gone."""
    return not policy.event_time and any(
        rule.at_most_one_in is not None or (_same_way(one, flight) and cut(one.by) <= flight.decided_at)
        for flight in _flights(state, rule)
    )


def _same_way(one: Outreach, flight: InFlight) -> bool:
    """Whether the message stands for the trigger; a step's does not, but the way that it is on."""
    return one.key == flight.key and flight.journey is None


def _flights(state: Customer, rule: Rule) -> list[InFlight]:
    return [flight for flight in state.in_flight if flight.rule == rule.name and not flight.cancelled]


def _in_vain(state: Customer, policy: Policy, rule: Rule, one: Outreach, now: Micros) -> bool:
    """Whether it lacks consent or address as the last one did, within the interval."""
    told = [unreached.at for unreached in state.unreached if unreached.rule == rule.name]
    if not _near(told, one.due_at, rule.at_most_one_in):
        return False
    return not reaches(state, policy, rule, one.purpose, now)


def _near(times: list[Micros], at: Micros, interval: timedelta | None) -> bool:
    return interval is not None and any(abs(at - time) < span(interval) for time in times)


def _recall(state: Customer, policy: Policy, rule: Rule, now: Micros) -> Effects[Customer]:
    """Take back what is with the sender and has lost its reason."""

    def lost(flight: InFlight) -> bool:
        if flight.rule != rule.name:
            return False
        by = undone(state, policy, flight.key, flight.order, flight.bill)
        return by is not None or not state.counts(flight.of)

    return cancel_flights(state, policy, "condition_unmet", now, lost)
