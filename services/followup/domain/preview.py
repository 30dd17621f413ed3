"""What a rule would do to a customer, without doing it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from services.followup.domain.delivery import mail_of, render, section
from services.followup.domain.gate.decision import blocked_by, decide, explain
from services.followup.domain.gate.kept import HoldReason
from services.followup.domain.gate.mates import in_order
from services.followup.domain.gate.reach import address, the_way, ways_of
from services.followup.domain.gate.sender import STEP
from services.followup.domain.gate.verdicts import Decision, Go, Hold, Mate, No, Refuse, Verdict, Wait
from services.followup.domain.journeys.silence import broken_at
from services.followup.domain.messages.channel import Message
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, Planned
from services.followup.domain.triggers import worded
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros


@dataclass(frozen=True, slots=True)
class Preview:
    """The decision if it fell now, and the message."""

    rule: Rule
    template: str
    purpose: str
    customer_id: str
    decision: Literal["send", "wait", "suppress"]
    at: Micros | None
    """When it would go; None if it would not."""
    reason: HoldReason | None
    """Why it would wait, or not go."""
    detail: str | None
    """More about that."""
    next_at: Micros | None
    """When the reason alone would be over, if it would not go; None where it never is, or nobody can know."""
    blocked_by: tuple[SuppressionReason, ...]
    """All that stands in its way, in the gate's order."""
    steps: Sequence[tuple[str, Verdict]]
    """Each step of the gate by name, and what it says."""
    last_moment: Micros
    """Past it, it would be stale."""
    planned_at: Micros | None
    """When the customer's own is due; None if none is planned."""
    channel: str
    """What it would go by; where it would by none, the first that is tried."""
    to: str | None
    mates: tuple[str, ...]
    """The rules whose messages go in one mail with it."""
    message: Message


def preview(state: Customer, policy: Policy, rule: Rule, now: Micros) -> Preview:
    """What would happen now. Variables of a trigger that has not happened show as ``<order_id>``.
    Raises ``TemplateFaultError``."""
    planned = next((p for p in state.planned if p.rule == rule.name), None)
    anchor = state.anchor(rule.name)
    planned_at = planned.due_at if planned else None
    if planned_at is None and anchor is not None and anchor.armed:
        planned_at = broken_at(policy.rule(rule.name, anchor.at) or rule, anchor.at, anchor.days)
    if planned_at is None:
        awaited = (one.due_at for one in state.occasions if one.rule == rule.name)
        planned_at = min((due_at for due_at in awaited if due_at is not None), default=None)
    if planned is None:
        shown = _supposed(state, policy, rule, now)
    else:
        policy = policy.at(planned.at)
        shown = planned.model_copy(update={"due_at": min(planned.due_at, now)})
    decision: Decision = decide(state, policy, shown, now)
    if planned is None and planned_at is None and not rule.starts_at(now):
        decision = No("condition_unmet", "it is not the time in which the rule is active")
    mates = decision.mates if isinstance(decision, Go) else ()
    channel = decision.channel if isinstance(decision, Go) else _tried(state, policy, shown, now)
    told = _words(decision, now)
    steps = explain(state, policy, shown, now)
    return Preview(
        rule=rule,
        template=shown.template,
        purpose=shown.purpose,
        customer_id=state.customer_id,
        decision=told.decision,
        at=told.at,
        reason=told.reason,
        detail=told.detail,
        next_at=decision.next_at if isinstance(decision, No) else None,
        blocked_by=blocked_by(steps),
        steps=steps,
        last_moment=shown.due_at + span(policy.rules.stale(rule.name)),
        planned_at=planned_at,
        channel=channel,
        to=address(state, policy, channel),
        mates=tuple(mate.outreach.rule for mate in mates),
        message=_message(state, policy, shown.model_copy(update={"channel": channel}), mates),
    )


def _message(state: Customer, policy: Policy, shown: Planned, mates: Sequence[Mate]) -> Message:
    """The mail that it would go in."""
    if not mates:
        return render(state, policy, shown)
    together = in_order(policy, (shown, *(mate.outreach for mate in mates)))
    return mail_of(state, policy, [(one, section(state, policy, one)) for one in together])


def with_sender(found: Preview, hold: Hold | None, now: Micros) -> Preview:
    """With the step that is its sender's, as far as is known: a message that would go waits for it, or does
    not go where that is too late."""
    verdict: Verdict = hold
    if hold is not None and hold.until > found.last_moment:
        verdict = Refuse(hold.refuses_as, hold.detail, hold.until)
    blocked = found.blocked_by if hold is None else (*found.blocked_by, hold.refuses_as)
    shown = replace(found, steps=(*found.steps, (STEP, verdict)), blocked_by=tuple(dict.fromkeys(blocked)))
    if hold is None or found.decision != "send":
        return shown
    late = isinstance(verdict, Refuse)
    return replace(
        shown,
        decision="suppress" if late else "wait",
        at=None if late else hold.until,
        reason=hold.reason,
        detail=hold.detail,
        next_at=hold.until if late else None,
    )


def _supposed(state: Customer, policy: Policy, rule: Rule, now: Micros) -> Planned:
    """The message of a trigger that happens now; one about a complaint is about the last that is open."""
    about = next((c.complaint_id for c in reversed(state.complaints) if c.is_open), None)
    return Planned(
        **worded(policy.rules, rule, state.customer_id),
        at=now,
        by=now,
        outreach_id="preview",
        key=rule.name,
        complaint=about if any(event.startswith("complaint.") for event in rule.events) else None,
        due_at=now,
        variables={name: f"<{name}>" for name in rule.variables},
    )


def _tried(state: Customer, policy: Policy, shown: Planned, now: Micros) -> str:
    """By what it would go if nothing held it, or the first channel that is tried."""
    found = ways_of(state, policy, shown, policy.terms(shown), now)
    return (the_way(found) or found[0]).channel


class _Told(NamedTuple):
    decision: Literal["send", "wait", "suppress"]
    at: Micros | None = None
    reason: HoldReason | None = None
    detail: str | None = None


def _words(decision: Decision, now: Micros) -> _Told:
    match decision:
        case Go():
            return _Told("send", now)
        case Wait(until, reason, detail):
            return _Told("wait", until, reason, detail)
        case No(reason, detail):
            return _Told("suppress", None, reason, detail)
