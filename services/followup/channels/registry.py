"""The channels that there are."""

from collections.abc import Sequence

from services.followup.channels.base import Channel, ChannelSettings
from services.followup.channels.email import EmailSettings
from services.followup.channels.webhook import WebhookSettings
from shared.runtime.config import ConfigError
from shared.runtime.settings import load_settings

KINDS: tuple[type[ChannelSettings], ...] = (
    EmailSettings,
    WebhookSettings,
)


def load_channels() -> Sequence[Channel]:
    """The channels that are switched on, from the environment. A bad variable ends the process with 2 and a
    sentence; raises ``ConfigError`` where two channels have one name."""
    found = [channel for kind in KINDS for channel in load_settings(kind).channels()]
    names = [channel.name for channel in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"Two channels are named {min(twice)}: name one of them otherwise.")
    return found
