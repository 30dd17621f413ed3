"""What a worker asks the workers of other customers for when two customers are one, or are not (ADR 66).

Each service has the same three commands under names of its own, so that nobody else reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from shared.schemas.base import Id
from shared.schemas.commands import Command
from shared.schemas.fields import Count
from shared.schemas.merges import Merge


class MergingCommand(Command):
    """Common to the three."""

    tells_of: ClassVar[tuple[str, ...]] = ("tells",)

    tells: tuple[Id, ...] = ()
    """Other customers whom it names, such as a friend."""

    def others(self) -> tuple[str, ...]:
        return self.tells


class HandOver(MergingCommand):
    """A customer's things, or a part of them, go to the survivor, or come home. A part stands alone."""

    customer: Id
    """Whose things they are."""
    path: tuple[Merge, ...] = ()
    """The merge by which they go; none: they come home."""
    absorbed: tuple[Merge, ...] = ()
    """Those who were merged into this customer before: their things are among them."""
    part: Annotated[Count, Field(ge=1)] = 1
    """Which part it is, from 1."""
    parts: Annotated[Count, Field(ge=1)] = 1
    """How many there are."""
    state: Mapping[str, Any] = {}
    """The things, as the service itself reads them."""


class Relay(MergingCommand):
    """An event that was told of a customer who is another by now. It is opened where it is read."""

    room: ClassVar[int] = 64 * 1024

    customer: Id
    """Whom it is for."""
    path: tuple[Merge, ...]
    """The merges by which it came, the first one first."""
    been: tuple[Id, ...]
    """To whom it came before, the first one first."""
    event: Mapping[str, Any]
    """The event as it came, as a CloudEvent."""


class GiveBack(MergingCommand):
    """A merge is undone: what came by it goes home."""

    customer: Id
    """Who is a customer of their own again."""
    merge: Merge
    """The merge that is undone."""


class InteractionsHandOverRequested(HandOver):
    """What interactions knows of a customer goes to the survivor, or comes home."""

    event_type: ClassVar[str] = "rapport.interactions.hand_over.requested.v1"


class InteractionsRelayRequested(Relay):
    """For interactions: an event that was told of a customer who is another by now."""

    event_type: ClassVar[str] = "rapport.interactions.relay.requested.v1"


class InteractionsGiveBackRequested(GiveBack):
    """For interactions: a merge is undone."""

    event_type: ClassVar[str] = "rapport.interactions.give_back.requested.v1"


class LoyaltyHandOverRequested(HandOver):
    """What loyalty knows of a customer goes to the survivor, or comes home."""

    event_type: ClassVar[str] = "rapport.loyalty.hand_over.requested.v1"

    def others(self) -> tuple[str, ...]:
        """One of before says nowhere else who the referrer is."""
        invited = self.state.get("invited")
        referrer = invited.get("referrer") if isinstance(invited, Mapping) else None
        return (*self.tells, referrer) if referrer and referrer not in self.tells else self.tells


class LoyaltyRelayRequested(Relay):
    """For loyalty: an event that was told of a customer who is another by now."""

    event_type: ClassVar[str] = "rapport.loyalty.relay.requested.v1"


class LoyaltyGiveBackRequested(GiveBack):
    """For loyalty: a merge is undone."""

    event_type: ClassVar[str] = "rapport.loyalty.give_back.requested.v1"


class FollowupHandOverRequested(HandOver):
    """What followup knows of a customer goes to the survivor, or comes home."""

    event_type: ClassVar[str] = "rapport.followup.hand_over.requested.v1"


class FollowupRelayRequested(Relay):
    """For followup: an event that was told of a customer who is another by now."""

    event_type: ClassVar[str] = "rapport.followup.relay.requested.v1"


class FollowupGiveBackRequested(GiveBack):
    """For followup: a merge is undone."""

    event_type: ClassVar[str] = "rapport.followup.give_back.requested.v1"


class MetricsHandOverRequested(HandOver):
    """What metrics knows of a customer goes to the survivor, or comes home."""

    event_type: ClassVar[str] = "rapport.metrics.hand_over.requested.v1"


class MetricsRelayRequested(Relay):
    """For metrics: an event that was told of a customer who is another by now."""

    event_type: ClassVar[str] = "rapport.metrics.relay.requested.v1"


class MetricsGiveBackRequested(GiveBack):
    """For metrics: a merge is undone."""

    event_type: ClassVar[str] = "rapport.metrics.give_back.requested.v1"


@dataclass(frozen=True, slots=True)
class MergingCommands:
    """A service's three."""

    hand_over: type[HandOver]
    relay: type[Relay]
    give_back: type[GiveBack]

    @property
    def all(self) -> tuple[type[MergingCommand], ...]:
        return self.hand_over, self.relay, self.give_back


MERGING: Mapping[str, MergingCommands] = {
    "interactions": MergingCommands(
        InteractionsHandOverRequested, InteractionsRelayRequested, InteractionsGiveBackRequested
    ),
    "loyalty": MergingCommands(LoyaltyHandOverRequested, LoyaltyRelayRequested, LoyaltyGiveBackRequested),
    "followup": MergingCommands(FollowupHandOverRequested, FollowupRelayRequested, FollowupGiveBackRequested),
    "metrics": MergingCommands(MetricsHandOverRequested, MetricsRelayRequested, MetricsGiveBackRequested),
}
"""By service."""
