"""What the API takes and answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.followup.domain.commands import variable_fault
from shared.schemas.base import Id, Time
from shared.schemas.fields import Label

Status = Literal["scheduled", "ready", "sending", "sent", "failed", "suppressed", "cancelled"]


class Body(BaseModel):
    """Frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OutreachBody(Body):
    customer_id: Id
    template: Label
    channel: Id | None = None
    at: Time | None = None
    """Not before this time; now if left out."""
    variables: dict[str, Any] = Field(default_factory=dict)
    """What the template shows: text, numbers, truth values."""

    @field_validator("variables")
    @classmethod
    def _usable(cls, value: dict[str, Any]) -> dict[str, Any]:
        fault = variable_fault(value)
        if fault is not None:
            raise ValueError(fault[1])
        return value


class PreviewBody(Body):
    customer_id: Id


class OutreachPlaced(BaseModel):
    outreach_id: str
    status: Literal["scheduled", "ready"]
    """Scheduled: decided at ``due_at``. Ready: on its way to the mail server."""
    due_at: datetime


class OutreachAnswer(BaseModel):
    outreach_id: str
    rule: str
    """``manual`` for what was sent by hand."""
    template: str
    purpose: str
    channel: str
    status: Status
    due_at: datetime
    updated_at: datetime
    reason: str | None = None
    """Why it was suppressed or cancelled."""
    attempt: int | None = None
    sent_at: datetime | None = None
    error: str | None = None
    """What went wrong last."""


class PreviewAnswer(BaseModel):
    rule: str
    customer_id: str
    decision: Literal["send", "wait", "suppress"]
    """If it fell now."""
    reason: str | None
    at: datetime | None
    """When it would go."""
    planned_at: datetime | None
    """When the customer's own is due, if one is planned."""
    template: str
    purpose: str
    channel: str
    to: str | None
    subject: str
    text: str
    html: str
