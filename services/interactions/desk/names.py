"""What pages call the values of our vocabulary. A value that is not here is shown as it is."""

from collections.abc import Mapping

from services.interactions.desk.event_names import EVENT_NAMES
from services.interactions.desk.words import _

NAMES: Mapping[str, Mapping[str, str]] = {
    "channel": {
        "email": _("Email"),
        "chat": _("Chat"),
        "sms": _("Text message"),
        "phone": _("Phone"),
        "social": _("Social media"),
        "mail": _("Letter"),
        "in_person": _("In person"),
        "web": _("Website"),
    },
    "status": {
        "queued": _("waiting for somebody"),
        "assigned": _("our turn"),
        "waiting": _("their turn"),
        "closed": _("closed"),
    },
    "complaint": {
        "opened": _("new"),
        "acknowledged": _("being worked on"),
        "resolved": _("solved"),
        "closed": _("closed"),
        "reopened": _("reopened"),
    },
    "priority": {"low": _("low"), "normal": _("normal"), "high": _("high"), "urgent": _("urgent")},
    "severity": {"low": _("low"), "normal": _("normal"), "high": _("high"), "critical": _("critical")},
    "clock": {
        "first_response": _("First answer"),
        "next_response": _("Next answer"),
        "update": _("Update"),
        "resolution": _("Solution"),
    },
    "author": {"customer": _("Customer"), "agent": _("Agent"), "bot": _("Bot"), "system": _("System")},
    "category": {
        "delivery": _("Delivery"),
        "product": _("Product"),
        "billing": _("Bill"),
        "service": _("Service"),
        "other": _("Something else"),
    },
    "outcome": {
        "solved": _("Solved"),
        "no_answer_needed": _("No answer needed"),
        "no_reply": _("The customer does not answer"),
        "spam": _("Spam"),
    },
    "handed": {"bot": _("To the bot"), "queue": _("To the queue")},
    "segment": {
        "champions": _("Champions"),
        "loyal": _("Loyal"),
        "new": _("New here"),
        "promising": _("Promising"),
        "at_risk": _("At risk"),
        "lost": _("Lost"),
    },
    "likeness": {
        "email": _("Same e-mail address"),
        "phone": _("Same phone number"),
        "card": _("Same card"),
        "account": _("Same account"),
        "birthday": _("Like names, same birthday"),
        "postcode": _("Like names, same postcode"),
    },
    **EVENT_NAMES,
}
"""By kind and value, in English."""


def called(kind: str, value: str) -> str:
    """The English name of a value."""
    return NAMES[kind].get(value, value)
