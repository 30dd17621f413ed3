"""Rules and templates as the service would load them, for a machine on which it need not run."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import HttpUrl, SecretStr, ValidationError

from rapport.trouble import TroubleError
from services.followup.channels.base import Channel
from services.followup.channels.registry import load_channels
from services.followup.channels.webhook import WebhookSettings
from services.followup.config import DEFAULT_RULES, load_policy
from services.followup.domain.apply import consumes
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rules import Rules
from services.followup.settings import FollowupSettings
from shared.runtime.settings import explain
from shared.runtime.webhooks import SECRET_PREFIX
from shared.schemas.base import Data

PRETENDED = "nothing is connected to this"
"""Stands for what the service must know and a draft is not asked for."""
SHIPPED = DEFAULT_RULES


@dataclass(frozen=True, slots=True)
class Draft:
    """A rules file with its templates and channels."""

    policy: Policy
    channels: Mapping[str, Channel]
    """By name."""

    @property
    def versions(self) -> Sequence[Rules]:
        """The oldest first."""
        return self.policy.every

    @property
    def newest(self) -> Rules:
        return self.versions[-1]

    @property
    def consumes(self) -> tuple[type[Data], ...]:
        """What it hears."""
        return consumes(*self.versions)

    def always_newest(self) -> "Draft":
        """As if its newest version had always held."""
        return replace(self, policy=replace(self.policy, rules=self.newest, versions=()))


def load_draft(file: Path | None, *, templates: Path | None = None, channels: Sequence[str] = ()) -> Draft:
    """The rules in this file, or those that ship. ``channels``: names that count as switched on beside those
    of the environment. Raises ``ConfigError``, TroubleError."""
    switched_on = channels_of(channels)
    try:
        settings = FollowupSettings(
            kafka="nowhere.invalid:9092",
            mongo="mongodb://nowhere.invalid",
            secret_key=SecretStr(PRETENDED),
            rules=file,
            templates=templates,
            clock="wall",
            loyalty_url="https://loyalty.invalid",
        )
    except ValidationError as error:
        raise TroubleError(explain(FollowupSettings, error)) from None
    return Draft(load_policy(settings, switched_on), {channel.name: channel for channel in switched_on})


def channels_of(names: Sequence[str]) -> Sequence[Channel]:
    """The channels of the environment, and the webhook's under these names; nothing connects."""
    found = list(load_channels())
    missing = [name for name in names if name not in {channel.name for channel in found}]
    if missing:
        pretended = SecretStr(SECRET_PREFIX + base64.b64encode(PRETENDED.encode()).decode())
        url = HttpUrl("https://webhook.invalid/")
        try:
            webhook = WebhookSettings(
                webhook_url=url, webhook_secret=pretended, webhook_channels=tuple(missing)
            )
        except ValidationError:
            raise TroubleError(f"A channel is named like sms, not {', '.join(missing)}.") from None
        found += webhook.channels()
    return found
