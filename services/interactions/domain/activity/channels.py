"""The channels that the customer uses."""

from services.interactions.domain.state import (
    MAX_CHANNELS,
    OTHER_CHANNEL,
    ChannelUse,
    Customer,
    found,
    placed,
)
from shared.schemas.event import Event
from shared.schemas.times import micros


def channel_used(state: Customer, event: Event, channel: str) -> tuple[ChannelUse, ...]:
    """The channels with one more use."""
    at = micros(event.time)
    old = found(state.channels, channel, _channel)
    if old is None and len(state.channels) >= MAX_CHANNELS:
        channel = OTHER_CHANNEL
        old = found(state.channels, channel, _channel)
    new = (
        ChannelUse(channel=channel, count=1, last_at=at)
        if old is None
        else ChannelUse(channel=channel, count=old.count + 1, last_at=max(at, old.last_at))
    )
    return placed(state.channels, new, _channel)


def _channel(use: ChannelUse) -> str:
    return use.channel
