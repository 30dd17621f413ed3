"""Small rules files for tests of the gate, and what it told."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.followup.channels.webhook import WebhookSettings
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rules import Rules
from shared.schemas.commands.followup import OutreachRequested
from shared.schemas.customers import ConsentChanged
from shared.schemas.outreach import OutreachSuppressed

from .driver import CHANNELS, NOON, Driver, policy, reachable

SMS = WebhookSettings.model_validate(
    {"webhook_url": "https://hooks.example/x", "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
).channels()[0]
BOTH = {**CHANNELS, "sms": SMS}
NEWS = {"subject": "s", "message": "m"}
FILE: dict[str, Any] = {
    "name": "gate",
    "sender": {"name": "Shop", "address": "shop@example.org"},
    "templates": {
        "news": {"purpose": "marketing", "manual": True},
        "note": {"purpose": "service", "manual": True},
        "asked": {"purpose": "survey"},
    },
    "rules": [],
}
PARTS = ("subject.txt", "txt", "html", "sms.txt")
TEXTS = Templates({f"{name}.{part}": name for name in ("plain", "news", "note", "asked") for part in PARTS})
BOUGHT: dict[str, Any] = {"triggers": ["purchase.made"], "every": True, "delay": "0s", "template": "plain"}


def rule(name: str = "bought", **changes: Any) -> dict[str, Any]:
    return {**BOUGHT, "name": name, **changes}


def driven(
    *those: dict[str, Any],
    now: datetime = NOON,
    instant: bool = True,
    purpose: str = "marketing",
    **file: Any,
) -> Driver:
    """A reachable customer and these rules, whose message is of ``purpose``."""
    said = {**FILE, **file, "rules": those or [rule()]}
    said["templates"] = {**FILE["templates"], "plain": {"purpose": purpose}}
    these = policy(Rules.model_validate(said), channels=BOTH)
    return reachable(Driver(policy=replace(these, templates=TEXTS), now=now, instant=instant))


def told(driver: Driver) -> list[tuple[str, tuple[str, ...], datetime | None]]:
    """What was told of each suppressed message: reason, all that blocked it, when the reason ends."""
    return [(one.reason, one.blocked_by, one.next_at) for one in driver.facts(OutreachSuppressed)]


def news() -> OutreachRequested:
    return OutreachRequested(template="news", variables=NEWS)


def word(granted: bool, topic: str | None = None, channel: str = "email") -> ConsentChanged:
    said = {"purpose": "marketing", "channel": channel, "granted": granted, "topic": topic}
    return ConsentChanged.model_validate(said)
