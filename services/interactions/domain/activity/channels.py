"""The channels that the customer uses."""

from services.interactions.domain.state import (
    MAX_CHANNELS,
    OTHER_CHANNEL,
    ChannelUse,
    Customer,
    altered,
    found,
    placed,
)
from shared.facts.profile import value_of
from shared.schemas.times import Micros


def channel_used(
    uses: tuple[ChannelUse, ...], channel: str, at: Micros, *, wrote: bool
) -> tuple[ChannelUse, ...]:
    """The channels with one more use; ``wrote``: by the customer, who said something."""
    old = found(uses, channel, _key)
    if old is None and len(uses) >= MAX_CHANNELS:
        channel = OTHER_CHANNEL
        old = found(uses, channel, _key)
    new = (
        ChannelUse(channel=channel, count=1, last_at=at)
        if old is None
        else altered(old, count=old.count + 1, last_at=max(at, old.last_at))
    )
    if wrote and (new.wrote_at is None or at > new.wrote_at):
        new = altered(new, wrote_at=at)
    return placed(uses, new, _key)


def preferred_channel(customer: Customer) -> str | None:
    """What the person says; else where they answer: the channel that they wrote by last."""
    said: str | None = value_of(customer.profile, "preferred_channel")
    if said is not None:
        return said
    written = [(use.wrote_at, use.channel) for use in customer.channels if use.wrote_at is not None]
    return max(written)[1] if written else None


def _key(use: ChannelUse) -> str:
    return use.channel
