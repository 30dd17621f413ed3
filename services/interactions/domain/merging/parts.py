"""What of a customer into whom others were merged belongs to which of the ids that they are: each id's part
is what it would be had it never been merged, by what was told of it. What is told takes effect on the whole,
and on one part beside it."""

from collections.abc import Callable

from services.interactions.domain.activity.loyalty import LOYALTY
from services.interactions.domain.owners import owner_of_fact, part_of, way_of
from services.interactions.domain.past import ENTRIES
from services.interactions.domain.state import Customer, altered, initial, placed
from services.interactions.domain.telling import Told
from shared.schemas.customers import Profile
from shared.schemas.event import Event
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.times import micros

Fold = Callable[[Customer, Told], Customer]


def of_one_alone(event: Event) -> bool:
    """Whether it says how loyalty or metrics see one of the ids: the survivor is told of by themselves."""
    data = event.data
    if isinstance(data, MemberEnrolled):
        return event.source == LOYALTY
    return isinstance(data, (*ENTRIES, TierChanged, HealthChanged, SegmentChanged, ChurnWarned))


def marks_all(customer: Customer, told: Told) -> bool:
    """Whether a tier or segment that a fact tells is the whole customer's: any of the survivor, and a segment
    that was told of another id after that was merged."""
    owner = told.event.told_of
    if owner == customer.customer_id:
        return True
    way = way_of(customer, owner)
    return isinstance(told.event.data, Profile) and all(told.at > micros(merge.at) for merge in way)


def divided(customer: Customer) -> Customer:
    """The customer with a part of their own, at least."""
    if customer.parts:
        return customer
    return altered(customer, parts=(altered(customer, merging=None),))


def with_parts(customer: Customer, told: Told, fold: Fold) -> Customer:
    """The customer with a fact in the part that it belongs to."""
    customer = divided(customer)
    owner = owner_of_fact(customer, told.event, asked=told.asked)
    return with_part(customer, fold(part_of(customer, owner) or initial(owner), told))


def with_part(customer: Customer, part: Customer) -> Customer:
    """With this one in the place of that of its id."""
    return altered(customer, parts=placed(customer.parts, part, lambda one: one.customer_id))


def with_each(customer: Customer, change: Callable[[Customer], Customer]) -> Customer:
    """With all parts changed."""
    if not customer.parts:
        return customer
    return altered(customer, parts=tuple(change(part) for part in customer.parts))
