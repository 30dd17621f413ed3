"""What followup knows of one customer: how to reach them, what they allow, what is planned and was sent."""

from collections.abc import Mapping
from typing import TypeAlias

from shared.schemas.base import Open
from shared.schemas.times import Micros

Variable: TypeAlias = str | int | float | bool | Mapping[str, str | int] | None
"""What a template can be shown: text, numbers, truth values; money as ``{amount, currency}``."""


class Consent(Open):
    """The latest word, by event time, on one purpose and channel."""

    purpose: str
    channel: str
    granted: bool
    at: Micros


class Anchor(Open):
    """The latest trigger of a ``restart`` rule."""

    rule: str
    at: Micros
    armed: bool
    """A timer stands; it may be earlier than ``at`` plus the delay, and then moves when it fires."""


class Outreach(Open):
    """One message: what it is and why."""

    outreach_id: str
    key: str
    """The rule, or the rule and what it is about: one is planned at a time."""
    rule: str
    template: str
    purpose: str
    channel: str
    due_at: Micros
    """When it was to go first; quiet hours move the timer, not this."""


class Planned(Outreach):
    """An outreach that waits for its timer."""

    variables: Mapping[str, Variable] = {}
    announced: bool = True
    """``outreach.scheduled`` has been emitted for it."""

    @property
    def timer(self) -> str:
        """Unlike the key never used again: a timer set twice for one instant fires once."""
        return f"outreach:{self.outreach_id}"


class InFlight(Outreach):
    """An outreach handed to the sender, whose report is not in yet."""

    decided_at: Micros
    cancelled: bool = False
    """Taken back; the sender may have been faster, and then it was sent after all."""


class Send(Open):
    """A message that went out, or may have (``in_doubt``)."""

    rule: str
    purpose: str
    at: Micros


class Unreached(Open):
    """The last time a rule with an interval found the customer without consent or address."""

    rule: str
    at: Micros


class Customer(Open):
    """The state of one customer. Times are in microseconds, cut to the millisecond."""

    customer_id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    timezone: str | None = None
    preferred_channel: str | None = None
    profile_at: Micros | None = None
    """The event time of the profile above; an older one does not overwrite it."""
    consents: tuple[Consent, ...] = ()
    open_complaints: tuple[str, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    planned: tuple[Planned, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    sends: tuple[Send, ...] = ()
    """Within the rules' horizon only."""
    unreached: tuple[Unreached, ...] = ()
    erased: bool = False

    def consent(self, purpose: str, channel: str) -> Consent | None:
        return next((c for c in self.consents if (c.purpose, c.channel) == (purpose, channel)), None)

    def anchor(self, rule: str) -> Anchor | None:
        return next((anchor for anchor in self.anchors if anchor.rule == rule), None)

    def plan(self, key: str) -> Planned | None:
        return next((planned for planned in self.planned if planned.key == key), None)


def initial(customer_id: str) -> Customer:
    """A customer never seen."""
    return Customer(customer_id=customer_id)


def with_anchor(state: Customer, anchor: Anchor) -> Customer:
    """The state with this rule's anchor put in or replaced."""
    if state.anchor(anchor.rule) == anchor:
        return state
    others = tuple(a for a in state.anchors if a.rule != anchor.rule)
    return state.model_copy(update={"anchors": (*others, anchor)})


def with_plan(state: Customer, planned: Planned) -> Customer:
    """The state with this plan put in or replaced, by its id."""
    state = without_plan(state, planned.outreach_id)
    return state.model_copy(update={"planned": (*state.planned, planned)})


def without_plan(state: Customer, outreach_id: str) -> Customer:
    """The state without this plan."""
    rest = tuple(p for p in state.planned if p.outreach_id != outreach_id)
    return state if len(rest) == len(state.planned) else state.model_copy(update={"planned": rest})
