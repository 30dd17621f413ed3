"""What goes from one customer's state to another's: all that was told of the ids, and what was made of it."""

from services.followup.domain.deliverability.early import Early
from services.followup.domain.deliverability.heard import SoftBounce, Suppression, Trace
from services.followup.domain.gate.kept import Unreached
from services.followup.domain.journeys.kept import Hope, Occasion, Walked
from services.followup.domain.results.trial import Trial
from services.followup.domain.state import InFlight, Journey, Planned, Send
from services.followup.domain.told import Anchor, Told
from shared.schemas.base import Open


class Handed(Open):
    """A part of it is whole by itself: tuples may be cut between any two elements."""

    shares: tuple[Told, ...] = ()
    """Of each id; a large one in several pieces."""
    in_flight: tuple[InFlight, ...] = ()
    traces: tuple[Trace, ...] = ()
    journeys: tuple[Journey, ...] = ()
    """Before what is planned of them: that goes on from there."""
    planned: tuple[Planned, ...] = ()
    waiting: tuple[Planned, ...] = ()
    walked: tuple[Walked, ...] = ()
    sends: tuple[Send, ...] = ()
    hopes: tuple[Hope, ...] = ()
    trials: tuple[Trial, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    """Of silences, those that stood."""
    occasions: tuple[Occasion, ...] = ()
    """Dates that came."""
    unreached: tuple[Unreached, ...] = ()
    early: tuple[Early, ...] = ()
    """What was heard of messages that have not come."""
    refused: tuple[str, ...] = ()
    suppressed: tuple[Suppression, ...] = ()
    soft_bounces: tuple[SoftBounce, ...] = ()
