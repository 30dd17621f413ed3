"""What a rule would do to a customer, without doing it."""

from dataclasses import dataclass
from typing import Literal

from services.followup.domain.decision import Decision, Go, No, Wait, address, decide
from services.followup.domain.delivery import render
from services.followup.domain.journeys.silence import broken_at
from services.followup.domain.messages.channel import Message
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Customer, Planned
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros


@dataclass(frozen=True, slots=True)
class Preview:
    """The decision if it fell now, and the message."""

    rule: Rule
    purpose: str
    customer_id: str
    decision: Literal["send", "wait", "suppress"]
    at: Micros | None
    """When it would go; None if it would not."""
    reason: SuppressionReason | None
    """Why it would wait, or not go."""
    detail: str | None
    """More about that."""
    planned_at: Micros | None
    """When the customer's own is due; None if none is planned."""
    to: str | None
    message: Message


def preview(state: Customer, policy: Policy, rule: Rule, now: Micros) -> Preview:
    """What would happen now. Variables of a trigger that has not happened show as ``<order_id>``.
    Raises ``TemplateFaultError``."""
    planned = next((p for p in state.planned if p.rule == rule.name), None)
    anchor = state.anchor(rule.name)
    planned_at = planned.due_at if planned else None
    if planned_at is None and anchor is not None and anchor.armed:
        planned_at = broken_at(policy.rule(rule.name, anchor.at) or rule, anchor.at, anchor.days)
    shown = Planned(
        at=now,
        by=now,
        outreach_id="preview",
        key=rule.name,
        rule=rule.name,
        template=rule.template,
        purpose=policy.rules.purpose(rule.template),
        channel=rule.channel,
        due_at=now,
        trigger=planned.trigger if planned else {},
        variables=planned.variables if planned else {name: f"<{name}>" for name in rule.variables},
    )
    message = render(state, policy, shown)
    decision, at, reason, detail = _words(decide(state, policy, shown, now), now)
    return Preview(
        rule=rule,
        purpose=shown.purpose,
        customer_id=state.customer_id,
        decision=decision,
        at=at,
        reason=reason,
        detail=detail,
        planned_at=planned_at,
        to=address(state, policy, rule.channel),
        message=message,
    )


def _words(
    decision: Decision, now: Micros
) -> tuple[Literal["send", "wait", "suppress"], Micros | None, SuppressionReason | None, str | None]:
    match decision:
        case Go():
            return "send", now, None, None
        case Wait(until):
            return "wait", until, "quiet_hours", None
        case No(reason, detail):
            return "suppress", None, reason, detail
