"""What macros see of a customer and of the conversation that is answered. Pure."""

from typing import Any
from zoneinfo import ZoneInfo

from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.desk.macros import UTC, Preferences, Shown
from services.interactions.domain.state import Customer
from shared.facts.profile import value_of
from shared.schemas.times import Micros, moment
from shared.schemas.zones import zone_of
from shared.templates.greeting import called


def shown(customer: Customer, found: Conversation, agent_id: str | None, agent_name: str | None) -> Shown:
    """As ``macros.SAMPLE`` has it; a complaint is the one of this conversation that was opened last, of those
    that are open."""
    loyalty = customer.loyalty
    return {
        "customer": {
            "id": customer.customer_id,
            "name": called(value_of(customer.profile, "name")) or None,
            "email": value_of(customer.profile, "email"),
            "phone": value_of(customer.profile, "phone"),
            "preferences": Preferences(value_of(customer.profile, "preferences") or {}),
            "tier": None if loyalty is None else loyalty.tier,
            "points": None if loyalty is None else loyalty.balance,
        },
        "agent": {"id": agent_id, "name": agent_name},
        "conversation": {
            "id": found.conversation_id,
            "channel": found.channel,
            "subject": next((m.subject for m in reversed(found.messages) if m.subject), None),
        },
        "complaint": _complaint(customer, found.conversation_id),
        "subscription": _subscription(customer),
    }


def zone(customer: Customer) -> ZoneInfo:
    """Where the customer lives; UTC where that is not known."""
    return zone_of(value_of(customer.profile, "timezone")) or UTC


def _complaint(customer: Customer, conversation_id: str) -> dict[str, Any] | None:
    now = course(customer.conversations)
    named = [
        one
        for one in customer.complaints
        if one.conversation_id is not None
        and now.survivor(one.conversation_id) == conversation_id
        and standing(one).open
    ]
    if not named:
        return None
    latest = max(named, key=lambda one: one.opened_at)
    stands = standing(latest)
    return {
        "id": latest.complaint_id,
        "category": stands.category,
        "severity": stands.severity,
        "order_id": latest.order_id,
        "opened_at": _told(latest.opened_at),
        "due_at": _told(latest.next_due),
    }


def _subscription(customer: Customer) -> dict[str, Any] | None:
    """The one of which was heard last, if it is not cancelled."""
    held = [one for one in customer.subscriptions if one.cancelled_at is None]
    if not held:
        return None
    latest = max(held, key=lambda one: one.at)
    return {"id": latest.subscription_id, "plan": latest.plan, "expires_at": _told(latest.expires_at)}


def _told(at: Micros | None) -> str | None:
    return None if at is None else moment(at).isoformat()
