"""What has been told of a customer, apart from what is made of it. Of ids that were merged each keeps its
own, so that they can be told apart again (ADR 69). Times are in microseconds."""

from collections.abc import Mapping

from services.followup.domain.complaints import Complaint
from services.followup.domain.happened import Bill, Consent, Happened, StepOf
from services.followup.domain.history.state import History
from services.followup.domain.journeys.kept import Signal, Word
from services.followup.domain.preferences.wishes import Wishes
from shared.facts.names import Names
from shared.facts.profile import Known
from shared.schemas.base import Open
from shared.schemas.times import Micros


class Anchor(Happened):
    """The latest trigger of a ``restart`` rule."""

    rule: str
    armed: bool
    """A timer stands; it may be earlier than ``at`` plus the delay, and then moves when it fires."""
    over: bool = False
    """The silence since then was long enough, and was spoken of or passed over."""
    days: tuple[int, ...] = ()
    """The latest days with triggers, where the rule asks for the customer's rhythm."""


class Undone(Happened):
    """A cancelling event: no trigger of this key that was not after it counts."""

    key: str
    heard: Micros
    of: StepOf | None = None
    refund: Bill | None = None
    """A return's: it undoes only an order of which it can be."""
    version: Micros | None = None
    """Of the rules, by whose word it undoes; None: whichever holds for the trigger."""


class Answer(Open):
    """The latest answer to one survey about one thing, by event time."""

    place: str
    """The name of that, in hexadecimal digits."""
    at: Micros
    held: tuple[str, ...] = ()
    """The rules that it was a trigger of."""
    score: int | None = None
    """Where it was given in our own page."""
    mark: str | None = None
    """Stands for score and comment of such an answer."""


class Told(Open):
    """What has been told of one id."""

    customer_id: str
    profile: Mapping[str, Known] = {}
    """``Policy.profile``, field by field."""
    names: Names = b""
    """The things heard of."""
    consents: tuple[Consent, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    answers: tuple[Answer, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    undone: tuple[Undone, ...] = ()
    """Cancelling events that an older trigger may still meet."""
    segments: tuple[Word, ...] = ()
    """What was said of the customer's segment, where the rules ask for it."""
    wishes: Wishes = Wishes()
    """How often to write, by the preference centre."""
    history: History | None = None
    """What conditions ask of the past, as far as the rules name it."""
    signals: tuple[Signal, ...] = ()
    """What goals and steps look for, the latest heard last."""
