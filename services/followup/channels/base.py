"""The seam that a channel fills: one file in this folder, and one line in ``registry.py``.

The sender drives a channel like this, for as many messages at once as it has lanes::

    await channel.open(wanted)    # before any message is marked as being sent
    if channel.is_open:
        attempt = await channel.send(delivery, at)
    ...
    await channel.close()         # when the worker stops

The sender keeps the marks, the reports, the pauses and the doubts; a channel knows its protocol and
nothing of those. Channels do not share a loop: one that is slow or away holds up no other.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from services.followup.domain.messages.channel import Writing
from services.followup.domain.rows import Delivery
from shared.runtime.environment import Environment


class Result(Enum):
    """What is known of a message after a try."""

    SENT = "sent"
    """The other side has taken it."""
    FAILED = "failed"
    """The other side refused it for good, or it cannot be written at all: it is not tried again."""
    LATER = "later"
    """The other side has certainly not taken it; it may be tried again."""
    IN_DOUBT = "in_doubt"
    """It may have been taken or not: only a service message is tried again, under the same name (ADR 37)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of one try."""

    result: Result
    error: str | None = None
    """What went wrong, for people; None if nothing did."""
    retry_after: timedelta | None = None
    """With ``LATER``: when the other side wants it again, if it said so."""
    code: str | None = None
    """With ``FAILED``: the status, where it says something about the address (RFC 3463)."""


class ChannelAwayError(Exception):
    """The channel cannot be had now; it comes back. The text says why."""


class Channel(Writing):
    """One way to reach customers: the pure half that the domain is given, and the half that sends.

    Making one neither connects nor does other I/O. One event loop uses it: of ``send`` as many calls as there
    are lanes, of ``open`` one beside them.
    """

    connections: int = 1
    """How many it makes, at most."""

    dependency: str
    """The server that must answer for the channel to work, as metrics and logs name it, such as ``smtp``."""
    patience: timedelta
    """Longer than any ``send`` takes: a message that another process marked longer ago is in doubt."""

    @abstractmethod
    async def open(self, wanted: int = 1) -> None:
        """Be ready to send, by ``wanted`` connections if that can be. Called before messages are marked,
        also while others are under way; cheap when ready already.

        Raises ``ChannelAwayError`` where the other side cannot be reached: no message is touched then, and
        the call is repeated after a pause. Counts and tells by its own metrics, if it has any.
        """

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether ``send`` may be called without ``open``. It turns False when the other side went away
        or asked for a pause; the run of messages then ends."""

    @property
    def lanes(self) -> int:
        """How many messages it can have under way now."""
        return self.connections if self.is_open else 0

    @abstractmethod
    async def send(self, delivery: Delivery, at: datetime) -> Attempt:
        """Hand over one message, whose time is ``at``. It has been marked, so what is raised counts as
        ``IN_DOUBT``; every answer and every failure that is understood is an ``Attempt``.

        ``delivery.outreach_id`` names the message at every try: pass it on, for the other side to know it
        again. ``LATER`` may be said only where the other side has certainly not taken it.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of what is open, within a second or so. Never raises; ``open`` may follow."""


class ChannelSettings(Environment):
    """Variables ``RAPPORT_<FIELD>`` of one kind of channel. A bad value ends the start with a sentence."""

    @abstractmethod
    def channels(self) -> Sequence[Channel]:
        """The channels of this kind that are switched on; nothing is connected."""
