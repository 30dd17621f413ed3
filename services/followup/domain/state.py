"""What followup knows of one customer: how to reach them, what they allow, what is planned and was sent."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

from services.followup.domain.complaints import Complaint
from services.followup.domain.deliverability.early import Early
from services.followup.domain.deliverability.heard import Receipt, SoftBounce, Suppression, Trace
from services.followup.domain.gate.kept import Cited, Held, Unreached
from services.followup.domain.happened import Bill as Bill
from services.followup.domain.happened import Consent as Consent
from services.followup.domain.happened import Happened as Happened
from services.followup.domain.happened import Moment as Moment
from services.followup.domain.happened import StepOf as StepOf
from services.followup.domain.journeys.kept import Hope, Occasion, Spot, Walked
from services.followup.domain.results.trial import Trial
from services.followup.domain.told import Anchor as Anchor
from services.followup.domain.told import Answer as Answer
from services.followup.domain.told import Told as Told
from services.followup.domain.told import Undone as Undone
from shared.facts.profile import value_of
from shared.merging.state import Standing
from shared.schemas.base import Open
from shared.schemas.outreach import Survey
from shared.schemas.times import Micros

PROFILE = frozenset({"name", "email", "phone", "locale", "timezone", "preferred_channel"})
"""The fields of a profile that are kept always; others where the rules ask about them."""

Variable: TypeAlias = str | int | float | bool | Mapping[str, str | int] | None
"""What a template can be shown: text, numbers, truth values; money as ``{amount, currency}``."""


class Outreach(Happened):
    """One message: what it is and why. ``at`` and ``by`` are its trigger's."""

    outreach_id: str
    key: str
    """The rule, or the rule and what it is about: one is planned at a time."""
    rule: str
    template: str
    purpose: str
    channel: str
    due_at: Micros
    """When it was to go first; quiet hours move the timer, not this."""
    of: StepOf | None = None
    complaint: str | None = None
    """The complaint that its trigger is about."""
    answer: str | None = None
    """The answer's place, where its trigger is one."""
    bill: Bill | None = None
    """The order's, where its trigger is one."""
    spot: Spot | None = None
    """The occasion, where its trigger is one."""
    step: str | None = None
    """Which of its rule's steps it is; None where it has one message."""
    journey: str | None = None
    """What names its way through the steps."""
    variant: str | None = None
    """Which of its rule's variants the customer gets; None where it has none."""
    offers: str | None = None
    """The product that it suggests."""
    trigger: Mapping[str, Any] = {}
    """What of its trigger the conditions of its rule, and of its goal, will ask, as JSON has it."""
    tries: int = 0
    """Of a mail that it was in before, and that got too late for another."""
    thing: str = ""
    """The name of what its trigger is about, in hexadecimal digits, where that has one."""
    whose: str = ""
    """The id that its trigger was told of, where that is another than the customer's."""
    person: str = ""
    """Whom variants and holdouts go by, where that is another than the customer: it was under way when that
    id was merged."""


class Planned(Outreach):
    """An outreach that waits for its timer; in ``waiting``, for its turn."""

    variables: Mapping[str, Variable] = {}
    announced: bool = True
    """``outreach.scheduled`` has been emitted for it."""
    timed: bool = False
    """It is told of when it is decided: a date has come, or a step."""
    held: Held | None = None
    """It was due, and something holds it."""
    anyhow: bool = False
    """By hand, and nobody said by what: as the customer prefers it, else by the usual channel."""

    @property
    def wakes(self) -> Micros:
        """When it is decided."""
        return self.due_at if self.held is None else self.held.until

    @property
    def timer(self) -> str:
        """Unlike the key never used again: a timer set twice for one instant fires once."""
        return f"outreach:{self.outreach_id}"


class Journey(Open):
    """A customer's way through a rule's steps."""

    first: Planned
    """Its trigger; the way is named by its id."""
    place: int = 0
    at: Micros
    """When it got there."""
    wakes: Micros | None = None
    """When its timer fires; None while a message of it is planned."""

    @property
    def timer(self) -> str:
        return f"step:{self.first.outreach_id}"


class InFlight(Outreach):
    """An outreach handed to the sender, whose report is not in yet."""

    decided_at: Micros
    cancelled: bool = False
    """Taken back; the sender may have been faster, and then it was sent after all."""
    to: str | None = None
    """The ``address_mark`` of where it goes."""
    consent: Cited | None = None
    """The event that allows it."""
    domain: str | None = None
    """As ``Trace.domain``."""
    mail: str | None = None
    """The id of the first in its mail, where it goes in one with others."""
    plan: Planned | None = None
    """It as it was planned, where it goes with others: it is again where the mail is late for one of them."""
    doubts: int = 0
    """Tries of which nobody knows whether they reached it; it is tried again."""
    heard: tuple[Receipt, ...] = ()
    """What was heard of it before its sender's report."""
    asks: Survey | None = None
    """As ``OutreachSent.asks``."""


class Send(Open):
    """A message that went out, or may have (``in_doubt``)."""

    rule: str
    purpose: str
    at: Micros
    mail: str | None = None
    """As ``InFlight.mail``."""
    whose: str = ""
    """As ``Outreach.whose``."""


class Customer(Told):
    """The state of one customer. Times are in microseconds; of what is planned or sent, cut to the
    millisecond. What was told is that of all ids which were merged into this one."""

    planned: tuple[Planned, ...] = ()
    waiting: tuple[Planned, ...] = ()
    """Triggers that stand behind another of their rule, or whose complaint's life does not have them yet."""
    in_flight: tuple[InFlight, ...] = ()
    sends: tuple[Send, ...] = ()
    """Within the rules' horizon only."""
    unreached: tuple[Unreached, ...] = ()
    refused: tuple[str, ...] = ()
    """The ``address_mark`` of each address that its channel found it could never use; the latest few."""
    occasions: tuple[Occasion, ...] = ()
    """Dates that are awaited, and that came."""
    traces: tuple[Trace, ...] = ()
    """Messages that went of which something may be heard, the latest last."""
    suppressed: tuple[Suppression, ...] = ()
    soft_bounces: tuple[SoftBounce, ...] = ()
    trials: tuple[Trial, ...] = ()
    """The rules with a goal or arms that have applied to them."""
    early: tuple[Early, ...] = ()
    """What was heard of messages that are on their way here by a merge, or home."""
    hopes: tuple[Hope, ...] = ()
    """Messages whose goal may still be reached, the latest last."""
    journeys: tuple[Journey, ...] = ()
    walked: tuple[Walked, ...] = ()
    """Ways that are over, the last that ended last."""
    erased: bool = False
    """An earlier version marked so whom it had erased; the next event removes the state."""
    merging: Standing | None = None
    shares: tuple[Told, ...] = ()
    """Where ids were merged into this one: what was told of each, and of this id itself."""

    def ids_with(self, asked: str) -> list[str]:
        """The ids that are this customer, and the one that was ``asked`` for, each once."""
        known = () if self.merging is None else self.merging.ids
        return [*dict.fromkeys((asked, self.customer_id, *known))]

    @property
    def name(self) -> str:
        return self.text("name") or ""

    @property
    def email(self) -> str | None:
        return self.text("email")

    @property
    def phone(self) -> str | None:
        return self.text("phone")

    @property
    def locale(self) -> str | None:
        return self.text("locale")

    @property
    def timezone(self) -> str | None:
        return self.text("timezone")

    def text(self, field: str) -> str | None:
        """A field of the profile."""
        value = value_of(self.profile, field)
        return None if value is None else str(value)

    @property
    def came_back(self) -> bool:
        """Whether anything did that was sent to the customer, so that an address may be suppressed."""
        return bool(self.suppressed or self.soft_bounces)

    def consent(self, purpose: str, channel: str, topic: str | None = None) -> Consent | None:
        """The word on this and nothing else."""
        for one in self.consents:
            if one.purpose == purpose and one.channel == channel and one.topic == topic:
                return one
        return None

    def word(self, purpose: str, channel: str, topic: str | None) -> Consent | None:
        """The word that holds: one about the topic beats one about the channel."""
        own = None if topic is None else self.consent(purpose, channel, topic)
        return own or self.consent(purpose, channel)

    def answer(self, place: str) -> Answer | None:
        return next((answer for answer in self.answers if answer.place == place), None)

    def complaint(self, complaint_id: str) -> Complaint | None:
        return next((c for c in self.complaints if c.complaint_id == complaint_id), None)

    @property
    def complains(self) -> bool:
        """Whether a complaint is open."""
        return any(complaint.is_open for complaint in self.complaints)

    def anchor(self, rule: str) -> Anchor | None:
        return next((anchor for anchor in self.anchors if anchor.rule == rule), None)

    def plan(self, key: str) -> Planned | None:
        return next((planned for planned in self.planned if planned.key == key), None)

    def counts(self, of: StepOf | None) -> bool:
        """Whether an event that is this step counts: its complaint's life has it. Any other does."""
        if of is None:
            return True
        complaint = self.complaint(of.complaint_id)
        return complaint is not None and complaint.has(of.at, of.kind)


def initial(customer_id: str) -> Customer:
    """A customer never seen."""
    return Customer(customer_id=customer_id)


def person_of(state: Customer, outreach: Outreach | None) -> str:
    """Whom variants and holdouts go by: the customer, but of what was under way when its id was merged, that
    id."""
    return state.customer_id if outreach is None else outreach.person or state.customer_id


def address_mark(channel: str, address: str) -> str:
    """Stands for an address in a state that must not keep it."""
    return blake2b(f"{channel} {address}".encode(), digest_size=8).hexdigest()
