"""A customer's profile, consents and loyalty as they were at a time: the facts that happened by then, folded
anew from their rows of the timeline, in the order in which they were heard and by the folds that the state
is made with. So what was told later of an earlier time counts, and nothing is kept for it but a place in the
log in the rows of a few types."""

from msgspec import structs

from services.interactions.domain.activity.loyalty import LOYALTY, member_enrolled, tier_changed
from services.interactions.domain.profile.consents import consent_changed
from services.interactions.domain.rows import TimelineRow
from services.interactions.domain.state import Customer, Loyalty, altered, initial
from services.interactions.domain.telling import Told
from shared.domain import Context
from shared.facts.consents import heard_ahead
from shared.facts.profile import profile_told
from shared.schemas.base import Data
from shared.schemas.customers import ConsentChanged, CustomerRegistered, CustomerUpdated, Profile
from shared.schemas.event import Event, extensions_of
from shared.schemas.loyalty import (
    LedgerEntry,
    MemberEnrolled,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
    TierChanged,
)
from shared.schemas.times import Micros, moment
from shared.schemas.topics import TYPES

ORDERED: frozenset[type[Data]] = frozenset(
    (CustomerRegistered, CustomerUpdated, ConsentChanged, MemberEnrolled, TierChanged)
)
"""What they come to depends on which was heard first."""
ENTRIES: tuple[type[LedgerEntry], ...] = (
    PointsEarned,
    PointsReversed,
    PointsRedeemed,
    PointsExpired,
    PointsRestored,
    PointsAdjusted,
)
"""Of these the sum counts."""
PAST_TYPES = tuple(kind.event_type for kind in (*ORDERED, *ENTRIES))
"""The rows that the past is made of."""
PROFILE_TYPES = (CustomerRegistered.event_type, CustomerUpdated.event_type)
"""Those that the profile is made of: a few, where a member's ledger has thousands."""


def placed_in_log(row: TimelineRow, told: Told, after: Customer) -> TimelineRow:
    """The row of a fact just told, with what tells later in which order the customer's were heard; ``after``
    is the customer that it leaves."""
    data = told.event.data
    if type(data) not in ORDERED:
        return row
    heard = heard_ahead(told.at, told.now)
    return structs.replace(row, nth=after.counts.get(data.topic, 0), heard=heard)


class Past:
    """Made of rows, in any order, that are all of a customer's ``PAST_TYPES`` up to a time, of all their
    ids."""

    def __init__(self, customer_id: str) -> None:
        self._customer_id = customer_id
        self._ordered: list[TimelineRow] = []
        self._points = 0
        self._member = False

    def add(self, row: TimelineRow) -> None:
        """Copies do not count. But loyalty's own word of an enrolment, though a copy where others told it
        before, is the one that holds; and a consent that had no effect may have it with one told later."""
        kind = TYPES[row.type]
        if row.customer_id != self._customer_id and kind in (MemberEnrolled, TierChanged):
            return  # of an id that was merged: loyalty tells how the two are one
        if issubclass(kind, LedgerEntry):
            self._member = True
            self._points += kind.model_validate_json(row.data).points
        elif row.note is None or kind is ConsentChanged or (kind is MemberEnrolled and row.source == LOYALTY):
            self._ordered.append(row)

    def customer(self) -> Customer:
        """What was known then: of the state only profile, consents and loyalty."""
        customer = initial(self._customer_id)
        for row in sorted(self._ordered, key=_as_heard):
            customer = _folded(customer, row)
        if not self._member and customer.loyalty is None:
            return customer
        return altered(customer, loyalty=altered(customer.loyalty or Loyalty(), balance=self._points))


def _as_heard(row: TimelineRow) -> tuple[int, bool, Micros]:
    # A copy is counted with the fact before it.
    return row.nth or 0, row.note is not None, row.at


def _folded(customer: Customer, row: TimelineRow) -> Customer:
    data = TYPES[row.type].model_validate_json(row.data)
    event = Event(
        row.id, row.source, row.customer_id, moment(row.at), data, extensions=extensions_of(row.extensions)
    )
    heard = row.at + 1 if row.heard is None else row.heard
    told = Told(event, row.at, Context(moment(heard), _none, _none))
    match data:
        case Profile():
            return altered(customer, profile=profile_told(customer.profile, data, row.at))
        case ConsentChanged():
            return consent_changed(customer, told).customer
        case MemberEnrolled():
            return member_enrolled(customer, told).customer
        case _:
            assert isinstance(data, TierChanged)
            return tier_changed(customer, data, row.at)


def _none(tag: str) -> str:
    raise AssertionError(f"the past asks for nothing new: {tag}")
