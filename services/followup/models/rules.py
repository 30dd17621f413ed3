"""Previews: what a rule would do to a customer."""

from datetime import datetime
from typing import Literal

from services.followup.domain.gate.verdicts import Hold, Refuse, Verdict
from services.followup.domain.preview import Preview
from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.times import maybe_moment


class PreviewBody(Strict):
    customer_id: Id


class StepAnswer(Frozen):
    """One step of the gate: ``wait`` holds the message until then, ``refuse`` ends it."""

    step: str
    verdict: Literal["pass", "refuse", "wait"]
    reason: str | None
    """What it is told as: the step's name, but of ``address``, which is ``condition_unmet``."""
    detail: str | None
    until: datetime | None
    """When this alone would be over; null where it never is, or nobody can know."""


class PreviewAnswer(Frozen):
    """What a rule would do to a customer now, and the message that it would send."""

    rule: str
    customer_id: str
    decision: Literal["send", "wait", "suppress"]
    """If it fell now."""
    reason: str | None
    detail: str | None
    """More about the reason, for people."""
    at: datetime | None
    """When it would go."""
    next_at: datetime | None
    """When the reason alone would be over; null where it never is, or nobody can know."""
    blocked_by: tuple[str, ...]
    """All that stands in its way, in the gate's order; the reason is the first."""
    steps: tuple[StepAnswer, ...]
    """The gate, step by step."""
    planned_at: datetime | None
    """When the customer's own is due, if one is planned."""
    template: str
    purpose: str
    channel: str
    """What it would go by; where that is none, what is tried first."""
    to: str | None
    bundled_with: tuple[str, ...] = ()
    """The rules whose messages go in one e-mail with it, which is shown."""
    subject: str
    """Empty where the channel has none, as ``html``."""
    text: str
    html: str


def preview_answer(found: Preview) -> PreviewAnswer:
    return PreviewAnswer(
        rule=found.rule.name,
        customer_id=found.customer_id,
        decision=found.decision,
        reason=found.reason,
        detail=found.detail,
        at=maybe_moment(found.at),
        next_at=maybe_moment(found.next_at),
        blocked_by=found.blocked_by,
        steps=tuple(_step(name, verdict) for name, verdict in found.steps),
        planned_at=maybe_moment(found.planned_at),
        template=found.template,
        purpose=found.purpose,
        channel=found.channel,
        to=found.to,
        bundled_with=found.mates,
        subject=found.message.subject,
        text=found.message.text,
        html=found.message.html,
    )


def _step(name: str, verdict: Verdict) -> StepAnswer:
    match verdict:
        case None:
            return StepAnswer(step=name, verdict="pass", reason=None, detail=None, until=None)
        case Hold(reason, until, detail):
            at = maybe_moment(until)
            return StepAnswer(step=name, verdict="wait", reason=reason, detail=detail, until=at)
        case Refuse(reason, detail, next_at):
            at = maybe_moment(next_at)
            return StepAnswer(step=name, verdict="refuse", reason=reason, detail=detail, until=at)
