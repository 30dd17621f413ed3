"""Previews: what a rule would do to a customer."""

from datetime import datetime
from typing import Literal

from services.followup.domain.preview import Preview
from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.times import maybe_moment


class PreviewBody(Strict):
    customer_id: Id


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
    planned_at: datetime | None
    """When the customer's own is due, if one is planned."""
    template: str
    purpose: str
    channel: str
    to: str | None
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
        planned_at=maybe_moment(found.planned_at),
        template=found.rule.template,
        purpose=found.purpose,
        channel=found.rule.channel,
        to=found.to,
        subject=found.message.subject,
        text=found.message.text,
        html=found.message.html,
    )
