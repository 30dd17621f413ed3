"""A customer's way through a rule's steps: it begins when its trigger's time has come, stands at one place,
and ends after the last step, when its goal is reached, or when its trigger is undone."""

from collections.abc import Callable
from functools import partial

from services.followup.domain.cancellation import cancel_flights, cancel_planned
from services.followup.domain.changes import with_journey, without_journey, without_plan
from services.followup.domain.conditions.holding import holds
from services.followup.domain.delivery import plan, settle, suppress
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.gate.decision import refused_by
from services.followup.domain.gate.verdicts import No, Refuse
from services.followup.domain.journeys.goals import over, signals_of
from services.followup.domain.journeys.kept import Walked
from services.followup.domain.journeys.local import next_time_of_day
from services.followup.domain.journeys.program import (
    Await,
    Choose,
    Jump,
    Pause,
    Say,
    Until,
    first_said,
    program_of,
)
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import cut, span
from services.followup.domain.state import Customer, Journey, Planned
from services.followup.domain.triggers import Fact, undone
from shared.domain import CancelTimer, Effects, SetTimer
from shared.schemas.outreach import SuppressionReason
from shared.schemas.timer import TimerFired
from shared.schemas.times import DAY, Micros, micros, moment, timer_instant

MOST_JOURNEYS = 50
"""How many a customer is on at a time at most."""
WALKED_KEPT, MOST_WALKED = 30 * DAY, 50
"""How long, and how many of, those that are over are remembered: a trigger from their time starts nothing."""
PREFIX = "step:"
"""How the names of their timers begin."""


def begin(state: Customer, policy: Policy, planned: Planned, now: Micros, new_id: NewId) -> Effects[Customer]:
    """A trigger's time has come: decide about its message, or begin its rule's steps."""
    rule = policy.rule(planned.rule, planned.at)
    if rule is None or not rule.steps:
        return settle(state, policy.at(planned.at), planned, now)
    state, its = without_plan(state, planned.outreach_id), policy.at(planned.at)
    against = _against(state, its, rule, planned, now)
    if against is not None:
        unsaid = first_said(rule, planned)
        no = refused_by(state, its, unsaid, against, now)
        return suppress(state, its, unsaid, no, now)
    journey = Journey(first=planned, at=planned.due_at)
    return go_on(state, policy, journey, 0, planned.due_at, now, new_id)


def _against(state: Customer, policy: Policy, rule: Rule, planned: Planned, now: Micros) -> Refuse | None:
    """Why the trigger begins no way of its own; None where it does."""
    if _on_the_way(state, planned):
        return Refuse("duplicate", f"{rule.name} is under way")
    if over(state, policy, planned):
        return Refuse("goal_reached")
    if now > planned.due_at + span(policy.rules.stale(rule.name)):
        return Refuse("stale")
    if len(state.journeys) >= MOST_JOURNEYS:
        return Refuse("duplicate", f"{MOST_JOURNEYS} others are under way")
    return None


def _on_the_way(state: Customer, planned: Planned) -> bool:
    """Whether a way of the same key was begun before, and was not over yet."""
    if any(one.first.key == planned.key for one in state.journeys):
        return True
    return any(one.key == planned.key and one.start <= planned.due_at <= one.end for one in state.walked)


def go_on(
    state: Customer, policy: Policy, journey: Journey, place: int, at: Micros, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """From ``place``, which it reaches ``at``, to where it must wait, or to its end."""
    first = journey.first
    rule = policy.rule(first.rule, first.at)
    steps = () if rule is None else program_of(rule)
    while rule is not None and place < len(steps):
        match steps[place]:
            case Pause(time):
                place, at = place + 1, at + time
            case Until(hour):
                where = zone(state.timezone, policy.at(first.at).rules.timezone)
                place, at = place + 1, next_time_of_day(at, hour, where)
            case Jump(to):
                place = to
            case Say() as say:
                return _say(state, policy, journey, say, place, at, now, new_id)
            case Choose() | Await() if at > now:
                return _stand(state, journey, place, at, at)
            case Choose(condition, other):
                its = policy.at(first.at)
                place = place + 1 if holds(its, rule, state, condition, now, first.trigger).met else other
            case Await(what, at_most):
                heard = _heard(state, rule, journey, what, at, at + at_most)
                if heard is None and at + at_most > now:
                    return _stand(state, journey, place, at, at + at_most)
                place, at = place + 1, at + at_most if heard is None else heard
    over = _over(state, journey, max(at, first.due_at))
    if rule is None:  # it was taken out of the file: what it would have said next is not said
        gone = No("condition_unmet", f"there is no rule {first.rule} any more")
        unsaid = first.model_copy(update={"outreach_id": new_id(f"step:{first.outreach_id}:gone")})
        return suppress(over, policy.at(first.at), unsaid, gone, now)
    return nothing(over)


def _heard(
    state: Customer, rule: Rule, journey: Journey, what: str, since: Micros, until: Micros
) -> Micros | None:
    """When the first such event happened in that time, as far as is known."""
    times = [one.by for one in signals_of(state, rule, what, journey.first.key) if since <= one.by <= until]
    return timer_instant(min(times)) if times else None


def _stand(state: Customer, journey: Journey, place: int, at: Micros, wakes: Micros) -> Effects[Customer]:
    """It waits there: a timer wakes it at the latest."""
    wakes = cut(wakes)
    stands = journey.model_copy(update={"place": place, "at": at, "wakes": wakes})
    return Effects(with_journey(state, stands), timers=(SetTimer(stands.timer, moment(wakes)),))


def _say(
    state: Customer,
    policy: Policy,
    journey: Journey,
    say: Say,
    place: int,
    at: Micros,
    now: Micros,
    new_id: NewId,
) -> Effects[Customer]:
    """Plan the message; the way goes on when it is decided."""
    first = journey.first
    planned = first.model_copy(
        update={
            "outreach_id": new_id(f"step:{first.outreach_id}:{place}"),
            "journey": first.outreach_id,
            "step": say.name,
            "template": say.template,
            "purpose": policy.at(first.at).rules.purpose(say.template),
            "due_at": cut(at),
            "held": None,
            "announced": True,
            "timed": True,
        }
    )
    stands = journey.model_copy(update={"place": place, "at": at, "wakes": None})
    return plan(with_journey(state, stands), planned, planned.due_at, now)


def _over(state: Customer, journey: Journey, end: Micros) -> Customer:
    new = Walked(journey.first.key, journey.first.due_at, end)
    kept = tuple(one for one in state.walked if one.end > end - WALKED_KEPT)
    left = without_journey(state, journey)
    return left.model_copy(update={"walked": (*kept, new)[-MOST_WALKED:]})


def decided(
    state: Customer, policy: Policy, planned: Planned, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """A step's message was decided: unless it still waits, the way goes on from then."""
    journey = next((one for one in state.journeys if one.first.outreach_id == planned.journey), None)
    if planned.tries:  # it went on when this was decided first
        return nothing(state)
    if journey is None or any(one.outreach_id == planned.outreach_id for one in state.planned):
        return nothing(state)
    return go_on(state, policy, journey, journey.place + 1, now, now, new_id)


def on_step(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """The timer of one that waits fell due."""
    journey = next((one for one in state.journeys if one.timer == data.name), None)
    if journey is None or journey.wakes is None:
        return nothing(state)
    if journey.wakes > micros(data.due_at):
        return Effects(state, timers=(SetTimer(journey.timer, moment(journey.wakes)),))
    return go_on(state, policy, journey, journey.place, journey.at, now, new_id)


def on_fact(state: Customer, policy: Policy, fact: Fact, new_id: NewId) -> Effects[Customer]:
    """What has been heard may be what a way is for, or what it waits for; ``goals.on_fact`` has noted it."""
    effects = nothing(state)
    for journey in state.journeys:
        rule = policy.rule(journey.first.rule, journey.first.at)
        if rule is None or fact.name not in rule.awaited_events:
            continue
        if over(effects.state, policy, journey.first):
            step = partial(leave, policy=policy, journey=journey, reason="goal_reached", now=fact.now)
            effects = then(effects, step)
        elif journey.wakes is not None and journey.at <= fact.by <= journey.wakes:
            effects = then(
                effects, partial(look, policy=policy, journey=journey, now=fact.now, new_id=new_id)
            )
    return effects


def look(state: Customer, policy: Policy, journey: Journey, now: Micros, new_id: NewId) -> Effects[Customer]:
    """It waits: perhaps not any longer."""
    found = go_on(state, policy, journey, journey.place, journey.at, now, new_id)
    stays = next((one for one in found.state.journeys if one.timer == journey.timer), None)
    if stays is not None and stays.wakes is not None:
        return found  # its timer was set anew
    return then(Effects(state, timers=(CancelTimer(journey.timer),)), lambda _: found)


def leave(
    state: Customer, policy: Policy, journey: Journey, reason: SuppressionReason, now: Micros
) -> Effects[Customer]:
    """It ends here; what is planned of it, or with the sender, is taken back."""
    effects = nothing(_over(state, journey, max(now, journey.first.due_at)))
    if journey.wakes is not None:
        effects = Effects(effects.state, timers=(CancelTimer(journey.timer),))
    name = journey.first.outreach_id
    for planned in state.planned:
        if planned.journey == name:
            effects = then(effects, partial(cancel_planned, planned=planned, reason=reason, now=now))
    return then(
        effects, lambda s: cancel_flights(s, policy, reason, now, lambda flight: flight.journey == name)
    )


def leave_where(
    state: Customer, policy: Policy, now: Micros, lost: Callable[[Planned], bool]
) -> Effects[Customer]:
    """End those whose trigger is lost."""
    effects = nothing(state)
    for journey in state.journeys:
        if lost(journey.first):
            step = partial(leave, policy=policy, journey=journey, reason="condition_unmet", now=now)
            effects = then(effects, step)
    return effects


def leave_undone(state: Customer, policy: Policy, rule: str, now: Micros) -> Effects[Customer]:
    """End those of a rule whose trigger does not count any more."""

    def lost(first: Planned) -> bool:
        if first.rule != rule:
            return False
        by = undone(state, policy, first.key, first.order, first.bill)
        return by is not None or not state.counts(first.of)

    return leave_where(state, policy, now, lost) if state.journeys else nothing(state)
