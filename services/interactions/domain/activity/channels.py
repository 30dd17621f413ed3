"""The channels that the customer uses."""

from services.interactions.domain.state import MAX_CHANNELS, OTHER_CHANNEL, ChannelUse, altered, found, placed
from shared.schemas.times import Micros


def channel_used(uses: tuple[ChannelUse, ...], channel: str, at: Micros) -> tuple[ChannelUse, ...]:
    """The channels with one more use."""
    old = found(uses, channel, _key)
    if old is None and len(uses) >= MAX_CHANNELS:
        channel = OTHER_CHANNEL
        old = found(uses, channel, _key)
    new = (
        ChannelUse(channel=channel, count=1, last_at=at)
        if old is None
        else altered(old, count=old.count + 1, last_at=max(at, old.last_at))
    )
    return placed(uses, new, _key)


def _key(use: ChannelUse) -> str:
    return use.channel
