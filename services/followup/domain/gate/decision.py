"""The one door of the gate: send now, look again later, or not at all."""

from collections.abc import Sequence
from dataclasses import replace

from services.followup.domain.gate.hours import clear_at
from services.followup.domain.gate.question import Question, ask
from services.followup.domain.gate.reach import the_way
from services.followup.domain.gate.steps import STEPS
from services.followup.domain.gate.verdicts import Decision, Go, Hold, No, Refuse, Verdict, Wait
from services.followup.domain.policy import Policy
from services.followup.domain.state import Customer, Planned
from shared.schemas.times import Micros


def decide(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> Decision:
    """Whether to send. The steps after the first that does not let it pass are looked at only where that one
    refuses, for ``blocked_by``."""
    question = ask(state, policy, outreach, now)
    for place, step in enumerate(STEPS):
        verdict = _as_it_ends(question, step.look(question))
        if verdict is None:
            continue
        if isinstance(verdict, Hold):
            last = verdict.until == question.last_moment
            until = verdict.until if last else clear_at(question, verdict.until)
            return Wait(until, verdict.reason, verdict.detail)
        later = [_as_it_ends(question, one.look(question)) for one in STEPS[place + 1 :]]
        return _refusal(verdict, [one for one in later if one is not None])
    way = the_way(question.ways)
    assert way is not None
    return Go(way.to or "", way.channel, way.word.event if way.word is not None else None)


def explain(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> list[tuple[str, Verdict]]:
    """Each step by name and what it says, in order. A hold that ends too late is a refusal. Nothing else is
    known of one who was erased."""
    question = ask(state, policy, outreach, now)
    told: list[tuple[str, Verdict]] = []
    for step in STEPS:
        told.append((step.name, _as_it_ends(question, step.look(question))))
        if state.erased:
            break
    return told


def refused_by(state: Customer, policy: Policy, outreach: Planned, why: Refuse, now: Micros) -> No:
    """The refusal of one that is not asked about when it is due, since what is against it is known before:
    with all else that stands in its way now. ``why`` is what the step of its reason says, whatever it would
    say by itself. A goal that is reached is no step: nothing else is looked at."""
    if why.reason == "goal_reached":
        return No(why.reason, why.detail)
    told = [why if name == why.reason else said for name, said in explain(state, policy, outreach, now)]
    place = next(number for number, said in enumerate(told) if isinstance(said, Refuse))
    first = told[place]
    assert isinstance(first, Refuse)
    return _refusal(first, [one for one in told[place + 1 :] if one is not None])


def _as_it_ends(question: Question, verdict: Verdict) -> Verdict:
    """A hold that ends too late is a refusal; but one that yields to another is held as long as it can be,
    since that one may not go."""
    if not isinstance(verdict, Hold) or verdict.until <= question.last_moment:
        return verdict
    if verdict.reason == "outranked" and question.now < question.last_moment:
        return replace(verdict, until=question.last_moment)
    return Refuse(verdict.reason, verdict.detail, verdict.until)


def _refusal(first: Refuse, later: Sequence[Refuse | Hold]) -> No:
    """What the first step that refuses says, with all that stands in the way beside it. The reason is over
    when each step that has it is."""
    if first.reason == "erased":
        return No(first.reason, first.detail, first.next_at)
    same = [first.next_at]
    same += [
        one.until if isinstance(one, Hold) else one.next_at for one in later if one.reason == first.reason
    ]
    ends = [end for end in same if end is not None]
    also = tuple(dict.fromkeys(one.reason for one in later if one.reason != first.reason))
    return No(first.reason, first.detail, max(ends) if len(ends) == len(same) else None, also)
