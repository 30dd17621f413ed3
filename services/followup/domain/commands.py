"""What the API and the unsubscribe page ask for."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.followup.domain.customers import consent
from services.followup.domain.decision import Candidate, No, decide
from services.followup.domain.delivery import plan, render, settle
from services.followup.domain.effects import then
from services.followup.domain.messages.templates import TemplateFault
from services.followup.domain.policy import Policy, milliseconds
from services.followup.domain.rules.rules import MANUAL
from services.followup.domain.state import Customer, Planned
from shared.domain import Context, Effects, Emit, Outcome, Refused, SetTimer
from shared.schemas.commands import OutreachRequested, UnsubscribeRequested
from shared.schemas.customers import ConsentChanged
from shared.schemas.event import Event

MAX_VARIABLES = 50
MAX_VARIABLE_CHARS = 5_000
RESERVED = frozenset({"customer", "sender", "unsubscribe_url"})
WHY_NOT: Mapping[str, str] = {
    "no_consent": "The customer has not allowed this.",
    "quiet_hours": "Quiet hours last until the message would be stale.",
    "frequency_cap": "The customer has had as many messages as the rules allow.",
    "open_complaint": "The customer has an open complaint.",
    "stale": "The time asked for is too long ago.",
    "duplicate": "The customer has had this already.",
    "condition_unmet": "There is no address for this channel.",
    "erased": "The customer has been erased.",
}


def request_outreach(state: Customer, policy: Policy, event: Event, context: Context) -> Effects[Customer]:
    """Send a manual message at ``at``, or decide about it at once. Answers 201 {outreach_id, status, due_at}.

    Raises ``Refused``: 422 for a template or variable that is not usable, 409 with the reason when the
    message may not go now. What is planned for later is decided then.
    """
    data = event.data
    assert isinstance(data, OutreachRequested)
    now = context.now
    template = policy.rules.templates.get(data.template)
    if template is None or not template.manual:
        raise Refused(
            "unknown_template",
            f"No template {data.template!r} can be sent by hand.",
            status=422,
            field="template",
        )
    if data.channel not in (None, "email"):
        raise Refused("unknown_channel", f"Nothing is sent by {data.channel}.", status=422, field="channel")
    _check_variables(data.variables)
    outreach_id = context.new_id("outreach")
    planned = Planned(
        outreach_id=outreach_id,
        key=f"{MANUAL}:{outreach_id}",
        rule=MANUAL,
        template=data.template,
        purpose=template.purpose,
        channel="email",
        due_at=milliseconds(data.at) if data.at else now,
        variables=dict(data.variables),
    )
    try:
        render(state, policy, planned)
    except TemplateFault as fault:
        raise Refused("bad_variables", str(fault), status=422, field="variables") from None
    effects = _place(state, policy, planned, now)
    status = "scheduled" if effects.state.plan(planned.key) else "ready"
    due_at = max([planned.due_at, *(t.due_at for t in effects.timers if isinstance(t, SetTimer))])
    body = {"outreach_id": outreach_id, "status": status, "due_at": due_at.isoformat()}
    return then(effects, lambda s: Effects(s, outcome=Outcome(201, body)))


def _place(state: Customer, policy: Policy, planned: Planned, now: datetime) -> Effects[Customer]:
    if planned.due_at > now and not state.erased:
        return plan(state, planned, planned.due_at, now)
    candidate = Candidate(planned.rule, planned.template, planned.purpose, planned.channel, planned.due_at)
    decision = decide(state, policy, candidate, now)
    if isinstance(decision, No):
        raise Refused(decision.reason, WHY_NOT[decision.reason], status=409)
    announced = plan(state, planned, planned.due_at, now)
    decided = settle(state, policy, planned, now)
    # The timer of a plan that is decided at once would only fire to find nothing.
    return Effects(
        decided.state, announced.emits + decided.emits, decided.timers, announced.rows + decided.rows
    )


def _check_variables(variables: Mapping[str, Any]) -> None:
    fault = variable_fault(variables)
    if fault is not None:
        raise Refused("bad_variables", fault[1], status=422, field=fault[0])


def variable_fault(variables: Mapping[str, Any]) -> tuple[str, str] | None:
    """(field, sentence) of the first variable that a template cannot be given, None if all are good."""
    if len(variables) > MAX_VARIABLES:
        return "variables", f"Give at most {MAX_VARIABLES} variables."
    for name, value in variables.items():
        shown = name[:64]
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) or name in RESERVED:
            return f"variables.{shown}", f"{shown!r} is no name for a variable."
        if value is not None and not isinstance(value, str | int | float | bool):
            return f"variables.{shown}", f"{shown} is no text, number or truth value."
        if len(str(value)) > MAX_VARIABLE_CHARS or (isinstance(value, int) and abs(value) >= 2**63):
            return f"variables.{shown}", f"{shown} is too long."
    return None


def unsubscribe(state: Customer, policy: Policy, event: Event, context: Context) -> Effects[Customer]:
    """Withdraw a consent and tell everybody; said before, nothing happens. Answers 200."""
    data = event.data
    assert isinstance(data, UnsubscribeRequested)
    outcome = Outcome(200, {"purpose": data.purpose, "channel": data.channel, "granted": False})
    known = state.consent(data.purpose, data.channel)
    if state.erased or (known is not None and not known.granted):
        return Effects(state, outcome=outcome)
    # Later than any word known, or a sender whose clock is ahead would have the last one.
    at = max(context.now, known.at) if known else context.now
    withdrawn = ConsentChanged(
        purpose=data.purpose, channel=data.channel, granted=False, evidence="unsubscribe link"
    )
    effects = consent(state, policy, withdrawn, at, context.now)
    return Effects(
        effects.state, (Emit(withdrawn, at), *effects.emits), effects.timers, effects.rows, outcome
    )
