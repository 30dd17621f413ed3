"""What a rule would do to a customer, without doing it."""

from datetime import datetime
from typing import Any

from services.followup.domain.decision import Candidate, Go, No, Wait, address, decide
from services.followup.domain.delivery import render
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rules import Rule
from services.followup.domain.state import Customer, Planned


def preview(state: Customer, policy: Policy, rule: Rule, now: datetime) -> dict[str, Any]:
    """The decision if it fell now, and the message. ``decision`` is send, wait (``at`` says until when) or
    suppress (``reason`` says why); ``planned_at`` is when the customer's own is due, null if none is.
    Variables of a trigger that has not happened show as ``<order_id>``. Raises ``TemplateFault``."""
    planned = next((p for p in state.planned if p.rule == rule.name), None)
    anchor = state.anchor(rule.name)
    planned_at = planned.due_at if planned else None
    if planned_at is None and anchor is not None and anchor.armed:
        planned_at = anchor.at + rule.delay
    shown = Planned(
        outreach_id="preview",
        key=rule.name,
        rule=rule.name,
        template=rule.template,
        purpose=policy.rules.purpose(rule.template),
        channel=rule.channel,
        due_at=now,
        variables=planned.variables if planned else {name: f"<{name}>" for name in rule.variables},
    )
    message = render(state, policy, shown)
    candidate = Candidate(shown.rule, shown.template, shown.purpose, shown.channel, now)
    decision, at, reason = _words(decide(state, policy, candidate, now), now)
    return {
        "rule": rule.name,
        "customer_id": state.customer_id,
        "decision": decision,
        "reason": reason,
        "at": at,
        "planned_at": planned_at,
        "template": rule.template,
        "purpose": shown.purpose,
        "channel": rule.channel,
        "to": address(state, rule.channel),
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
    }


def _words(decision: Go | Wait | No, now: datetime) -> tuple[str, datetime | None, str | None]:
    match decision:
        case Go():
            return "send", now, None
        case Wait(until):
            return "wait", until, "quiet_hours"
        case No(reason):
            return "suppress", None, reason
