"""All kinds of channels, a line each. A new one is a file of its own and a line here."""

# ruff: noqa: F401, I001 (these imports are the list, and keep their order)
from services.followup.channels.email import EmailSettings
from services.followup.channels.webhook import WebhookSettings

from collections.abc import Sequence

from services.followup.channels.base import Channel, ChannelSettings
from shared.runtime.config import ConfigError
from shared.runtime.settings import load_settings

KINDS: tuple[type[ChannelSettings], ...] = tuple(
    kind for kind in tuple(globals().values()) if isinstance(kind, type) and ChannelSettings in kind.__bases__
)
"""Every kind is told by its settings, which know whether it is switched on."""


def load_channels() -> Sequence[Channel]:
    """The channels that are switched on, from the environment. A bad variable ends the process with 2 and a
    sentence; raises ``ConfigError`` where two channels have one name."""
    found = [channel for kind in KINDS for channel in load_settings(kind).channels()]
    names = [channel.name for channel in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"Two channels are named {min(twice)}: name one of them otherwise.")
    return found
