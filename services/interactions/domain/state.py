"""What interactions knows about one customer: frozen and bounded, stored as one document.

Times are whole microseconds since 1970 (``Micros``): the latest of two events must not depend on whether a
state was loaded or still in memory. Fields that a later version has put in are kept (``Open``): what
changes is copied, not made anew.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import Field

from services.interactions.domain.activity.kept import Health, Planned, Purchases
from services.interactions.domain.aliases.called import CalledBy
from services.interactions.domain.complaints.remembered import Approval, Score
from services.interactions.domain.conversations.known import Conversations
from services.interactions.domain.growth.remembered import Answer
from services.interactions.domain.profile.words import Consent as Consent
from services.interactions.domain.routing.told import Routing
from services.interactions.domain.sla.course import NoticeKey
from shared.facts.complaints import Life, Step, life_of
from shared.facts.names import Names
from shared.facts.profile import Known
from shared.merging.state import Standing
from shared.schemas.base import Open
from shared.schemas.complaints import ClockName
from shared.schemas.times import Micros

MAX_CHANNELS = 50
"""Distinct channels counted by name; further ones count as ``OTHER_CHANNEL``."""
OTHER_CHANNEL = "other"
MAX_CONSENTS = 300
MAX_COMPLAINTS = 200
"""Complaints remembered with their status; beyond that the oldest closed ones are forgotten."""
MAX_SUBSCRIPTIONS = 100
MAX_PRODUCTS = 200
"""Products remembered; beyond that those bought longest ago are forgotten."""
MAX_PLANNED = 100
"""Messages planned; beyond that those due last are not shown."""
MAX_ENDED = 100
"""Ends of messages remembered whose plan was not heard; beyond that the oldest are forgotten."""

MAX_STEPS = 1_000
"""Steps of one complaint; beyond that the oldest updates are forgotten."""
MAX_MATCHED = 50
"""Changes of tier and segment remembered; beyond that the oldest are forgotten."""
MAX_NOTED = 500
"""Events with rows and ids that count as not seen, remembered; beyond that the oldest are forgotten."""
MAX_HELD = 500
"""Facts that wait, or were refused for want of another, in all."""


class ChannelUse(Open):
    """How often the customer came by a channel, and when last."""

    channel: str
    count: int
    last_at: Micros
    wrote_at: Micros | None = None
    """When they wrote by it last."""


class ComplaintStep(Open):
    """One fact of a complaint's life, and when it happened; ``kind``: see ``shared.facts.complaints``."""

    at: Micros
    kind: int
    by: str
    """Names the event that told it first."""
    assignee: str | None = None
    """Who deals with it from then on, where the fact says so."""
    promised_by: Micros | None = None
    """When the customer was promised to hear again."""
    severity: str | None = None
    category: str | None = None
    """Those that it changes."""
    refused: bool = False
    """It was a dead letter when it was heard: its event put right, under the same id, takes its place."""


class Complaint(Open):
    """A complaint as it was opened, and all that is known to have happened to it; its texts are in the
    timeline. What it is by now follows from the steps, by their times (``Complaint.life``)."""

    complaint_id: str
    opened_at: Micros
    channel: str
    category: str
    severity: str
    """Category and severity as it was opened with; steps may change them."""
    summary: str
    """The description's beginning."""
    order_id: str | None = None
    steps: tuple[ComplaintStep, ...]
    """The opening first, then by time; those too that do not hold, as what they lack may be heard yet."""
    told_at: Micros
    """Time of the latest of its other facts."""
    conversation_id: str | None = None
    """The conversation in which it is answered."""
    notices: tuple[NoticeKey, ...] = ()
    """What was told of its clocks."""
    silent_until: Micros | None = None
    """What fell due by then is not told any more: of the steps before, some are forgotten."""
    next_at: Micros | None = None
    """When its clocks are looked at again."""
    waiting: bool = False
    """For the customer."""
    overdue: bool = False
    """As of the last look: a clock has run out, and its step has not been taken since."""
    late_since: Micros | None = None
    late_clock: ClockName | None = None
    """As of the last look: of the clocks that ran out so, the one that was due first, and when that was."""
    next_due: Micros | None = None
    next_clock: ClockName | None = None
    """As of the last look: the clock that falls due next, and when."""
    approvals: tuple[Approval, ...] = ()
    """Compensation that waits for an approval, the first asked for first."""

    @property
    def life(self) -> Life:
        """Its status, and the steps that hold. Computed at each call."""
        return life_of(self.path)

    @property
    def path(self) -> tuple[Step, ...]:
        """The steps as the rules take them."""
        return tuple(Step(step.at, step.kind) for step in self.steps)


class Matched(Open):
    """From a time on the customer has this tier or segment, which SLA policies may ask for."""

    at: Micros
    field: Literal["tier", "segment"]
    value: str | None


class Held(Open):
    """A fact that has no effect yet, as it was told: it waits for the order or the complaint that it is
    about, or was refused for want of another fact and may hold once that is heard."""

    source: str
    id: str
    type: str
    about: str
    """The order's or complaint's id."""
    at: Micros
    told: str
    """Its data, JSON text."""
    extensions: str | None = None
    """Its other attributes, JSON text."""
    origin: str
    """Where its record stands in the log."""
    subject: str | None = None
    """Whom its event was told of, where that id was merged into another."""
    until: Micros | None
    """How long it waits; None: it was refused."""


class Subscription(Open):
    """The terms that were told last, None where never told; ``amount`` is in minor units of ``currency``."""

    subscription_id: str
    at: Micros
    """Time of the latest event about it."""
    term_at: Micros | None = None
    """Time of the event that told the present term."""
    plan: str | None = None
    amount: int | None = None
    currency: str | None = None
    started_at: Micros | None = None
    expires_at: Micros | None = None
    cancelled_at: Micros | None = None
    """When the present term was cancelled."""
    ends_at: Micros | None = None
    """When a cancelled one ends; None: at once."""


class Product(Open):
    """A piece that the customer owns, as it was registered."""

    product_id: str
    at: Micros
    """When it was registered."""
    sku: str
    purchased_at: Micros
    maintenance_every_days: int | None = None


class Loyalty(Open):
    """As loyalty's own events tell it, in the order of its log."""

    enrolled_at: Micros | None = None
    balance: int = 0
    tier: str | None = None


class Customer(Open):
    """The state: all that the 360 shows, and what the rules need."""

    customer_id: str
    profile: Mapping[str, Known] = Field(default_factory=dict)
    consents: tuple[Consent, ...] = ()
    channels: tuple[ChannelUse, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    called: CalledBy = CalledBy()
    """What else the customer is called by, and where others like them are sought."""
    loyalty: Loyalty | None = None
    subscriptions: tuple[Subscription, ...] = ()
    purchases: Purchases = Purchases()
    products: tuple[Product, ...] = ()
    """The one bought last first."""
    planned: tuple[Planned, ...] = ()
    """The one due first first."""
    ended: Names = b""
    """Of messages whose end was told before their plan was heard, by the day: they are never planned."""
    matched: tuple[Matched, ...] = ()
    """Tiers and segments by time, as far back as ``MAX_MATCHED`` go."""
    names: Names = b""
    """Of returns that count, terms, products, complaints, reviews, referrals, answers."""
    conversations: Conversations = Conversations()
    routing: Routing = Routing()
    held: tuple[Held, ...] = ()
    """In the order in which they were heard."""
    scores: tuple[Score, ...] = ()
    """About complaints, known or not, in the order in which they were heard."""
    answers: tuple[Answer, ...] = ()
    """For the agents whom they are about, in the order in which they were heard."""
    counts: dict[str, int] = Field(default_factory=dict)
    """Events that have an effect, by topic."""
    health: Health | None = None
    noted: Names = b""
    """Of events whose ids count as not seen, though the timeline has rows of them: the latest few."""
    seen_at: Micros | None = None
    """Time of the first event handled, or when it was, if it is of the future; orders search results."""
    merging: Standing | None = None
    """Into whom this id was merged, or which ids were merged into it."""
    parts: tuple["Customer", ...] = ()
    """Of one into whom others were merged: what each of these ids is by what was told of it alone, this id's
    own first. They have no parts of their own. What is told takes effect on the whole and on one of these, so
    that un-merging finds what belongs to whom."""


def initial(customer_id: str) -> Customer:
    """A customer never seen."""
    return Customer(customer_id=customer_id)


M = TypeVar("M", bound=Open)


def altered(model: M, **update: Any) -> M:
    """``model`` with other values of these fields of its class: ``model_copy``, in a sixth of its time, which
    was most of an event's. Parts are shared by both; all are frozen."""
    copied = model.__class__.__new__(model.__class__)
    put = object.__setattr__
    put(copied, "__dict__", {**model.__dict__, **update})
    put(copied, "__pydantic_extra__", model.__pydantic_extra__)
    put(copied, "__pydantic_fields_set__", model.__pydantic_fields_set__ | update.keys())
    put(copied, "__pydantic_private__", model.__pydantic_private__)
    return copied


def placed(items: tuple[M, ...], new: M, key: Callable[[M], Any]) -> tuple[M, ...]:
    """``items`` with ``new`` in the place of the one of the same key, or at the end."""
    wanted = key(new)
    for index, item in enumerate(items):
        if key(item) == wanted:
            return (*items[:index], new, *items[index + 1 :])
    return (*items, new)


def found(items: Sequence[M], wanted: Any, key: Callable[[M], Any]) -> M | None:
    """The item of this key."""
    for item in items:
        if key(item) == wanted:
            return item
    return None
