"""The collection ``deliveries``: one document an outreach, what ``GET /customers/{id}/outreach`` shows and
the sender works from. Addresses and texts are in it only while it waits to be sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from services.followup.domain.messages.templates import Message
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.state import Customer
from shared.domain import Put

COLLECTION = "deliveries"


class Outreach(Protocol):
    """What ``Planned`` and ``InFlight`` have in common."""

    @property
    def outreach_id(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def template(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def due_at(self) -> datetime: ...


def row(customer_id: str, outreach: Outreach, status: str, at: datetime, **more: Any) -> Put:
    """The document as it stands from ``at`` on; ``more``: ``reason``, ``error``, ``attempt``, ``sent_at``."""
    return Put(
        COLLECTION,
        {
            "_id": outreach.outreach_id,
            "customer": customer_id,
            "rule": outreach.rule,
            "template": outreach.template,
            "purpose": outreach.purpose,
            "channel": outreach.channel,
            "due_at": outreach.due_at,
            "status": status,
            "updated_at": at,
            **more,
        },
    )


def ready_row(
    state: Customer, policy: Policy, outreach: Outreach, to: str, message: Message, now: datetime
) -> Put:
    """All that the sender needs, so that it needs neither rules nor state."""
    rules = policy.rules
    link = policy.unsubscribe_link(state.customer_id, outreach.purpose, outreach.channel)
    return row(
        state.customer_id,
        outreach,
        "ready",
        now,
        **{
            "attempt": 0,
            "not_before": now,
            "decided_at": now,
            "expires_at": outreach.due_at + rules.stale(outreach.rule),
            "quiet": _quiet(state, policy),
            "from": {"name": rules.sender.name, "address": rules.sender.address},
            "to": {"name": state.name or "", "address": to},
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": {
                "List-Unsubscribe": f"<{link}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        },
    )


def _quiet(state: Customer, policy: Policy) -> Mapping[str, str] | None:
    hours = policy.rules.quiet_hours
    if hours is None:
        return None
    where = zone(state.timezone, policy.rules.timezone).key
    return {"timezone": where, "from": hours.start.isoformat("minutes"), "to": hours.end.isoformat("minutes")}
