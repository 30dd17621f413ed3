"""The one door of the gate: send now, look again later, or not at all."""

from services.followup.domain.gate.hours import clear_at
from services.followup.domain.gate.question import Question, ask
from services.followup.domain.gate.reach import the_way
from services.followup.domain.gate.steps import STEPS, Step
from services.followup.domain.gate.verdicts import Decision, Go, Hold, No, Refuse, Verdict, Wait
from services.followup.domain.policy import Policy
from services.followup.domain.state import Customer, Planned
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros


def decide(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> Decision:
    """Whether to send. The steps after the first that does not let it pass are looked at only where that one
    refuses, for ``blocked_by``."""
    question = ask(state, policy, outreach, now)
    for place, step in enumerate(STEPS):
        verdict = step.look(question)
        if verdict is None:
            continue
        if isinstance(verdict, Hold) and verdict.until <= question.last_moment:
            return Wait(clear_at(question, verdict.until), verdict.reason, verdict.detail)
        ends = verdict.until if isinstance(verdict, Hold) else verdict.next_at
        return No(verdict.reason, verdict.detail, ends, _also(question, verdict.reason, STEPS[place + 1 :]))
    way = the_way(question.ways)
    assert way is not None
    return Go(way.to or "", way.channel, way.word.event if way.word is not None else None)


def explain(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> list[tuple[str, Verdict]]:
    """Each step by name and what it says, in order. A hold that ends too late is a refusal. Nothing else is
    known of one who was erased."""
    question = ask(state, policy, outreach, now)
    told: list[tuple[str, Verdict]] = []
    for step in STEPS:
        verdict = step.look(question)
        if isinstance(verdict, Hold) and verdict.until > question.last_moment:
            verdict = Refuse(verdict.reason, verdict.detail, verdict.until)
        told.append((step.name, verdict))
        if state.erased:
            break
    return told


def _also(
    question: Question, reason: SuppressionReason, steps: tuple[Step, ...]
) -> tuple[SuppressionReason, ...]:
    if reason == "erased":
        return ()
    verdicts = (step.look(question) for step in steps)
    found = dict.fromkeys(verdict.reason for verdict in verdicts if verdict is not None)
    found.pop(reason, None)
    return tuple(found)
