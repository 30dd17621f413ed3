"""The dates that rules may start at, each read from what is known of the customer."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.followup.domain.history.state import Contacts, History, Product, Subscription
from services.followup.domain.journeys.local import in_year, shifted
from services.followup.domain.journeys.segments import changed_at
from services.followup.domain.rules.hours import instant
from services.followup.domain.rules.starts import PREFERENCES, Dated, DateTrigger, SegmentTrigger
from services.followup.domain.state import Customer, Variable
from shared.facts.profile import value_of
from shared.schemas.times import DAY, Micros, date_of, day_number, day_of, micros, moment

VISITS = frozenset({"maintenance", "service_visit"})
"""The kinds of contact after which a product's next maintenance is not told of."""
EARLY = 4
"""A visit is for the maintenance to come within this part of the interval before it."""
YEARS_AHEAD, TIMES_AHEAD = 12, 400
"""How far a date is looked for that its rule is in force at."""
HALF_A_YEAR = 183 * DAY
"""Two of a yearly date are never nearer: one that was put right, or moved with the time zone, comes once."""
NOON = time(12)
FIRST, LAST = micros(datetime(3, 1, 1, tzinfo=UTC)), micros(datetime(9997, 1, 1, tzinfo=UTC))
"""Between these a date may come: what never ends is often said to end at the end of the calendar, where there
are no offsets and no local times."""


class Yearly(NamedTuple):
    """A day of each year."""

    month: int
    day: int
    year: int | None
    """The year of the first; the date comes in those after it."""

    def day_in(self, year: int) -> Micros:
        """The day of that year, as the time at which it begins in UTC."""
        return day_number(in_year(self.month, self.day, year)) * DAY

    def begins(self, year: int) -> bool:
        return self.year is None or year > self.year


def things(state: Customer, start: Dated) -> list[str]:
    """What the trigger may come for; one thing without a name where there is but one."""
    past = state.history or History()
    match start:
        case DateTrigger(date="subscription.expires_at"):
            return [one.subscription_id for one in past.subscriptions if _expires(one) is not None]
        case DateTrigger(date="product.maintenance_at"):
            return [one.product_id for one in past.products if one.maintenance_every_days is not None]
        case DateTrigger():
            return [""]
        case SegmentTrigger():
            return [""]


def bases(state: Customer, start: Dated, thing: str, where: ZoneInfo, now: Micros) -> Iterator[Micros]:
    """The dates of one thing, from some before now on, the earliest first."""
    return (base for base in _bases(state, start, thing, where, now) if FIRST <= base < LAST)


def _bases(state: Customer, start: Dated, thing: str, where: ZoneInfo, now: Micros) -> Iterator[Micros]:
    match start:
        case SegmentTrigger():
            since = changed_at(state.segments, start.segment, start.change)
            if since is not None:
                yield since
        case DateTrigger(date="subscription.expires_at"):
            term = _subscription(state, thing)
            if term is not None and (expires := _expires(term)) is not None:
                yield expires
        case DateTrigger(date="product.maintenance_at"):
            product = _product(state, thing)
            if product is not None:
                yield from _maintenances(state, product, now)
        case DateTrigger():
            yearly = _yearly(state, start.date, where)
            if yearly is not None:
                first = moment(now).year - 2
                for year in range(first, first + YEARS_AHEAD):
                    if yearly.begins(year):
                        yield yearly.day_in(year)


def comes_after(start: Dated, base: Micros, done: Micros | None) -> bool:
    """Whether this date is another than the last that came."""
    if done is None:
        return True
    match start:
        case DateTrigger(date="subscription.expires_at"):
            return base != done
        case DateTrigger(date="product.maintenance_at") | SegmentTrigger():
            return base > done
    return base >= done + HALF_A_YEAR


def holds(state: Customer, start: Dated, thing: str, base: Micros, where: ZoneInfo) -> bool:
    """Whether the date is still one of the thing's."""
    match start:
        case DateTrigger(date="subscription.expires_at"):
            term = _subscription(state, thing)
            return term is not None and _expires(term) == base
        case DateTrigger(date="product.maintenance_at"):
            product = _product(state, thing)
            return product is not None and base not in _served(state, product)
        case SegmentTrigger():
            return changed_at(state.segments, start.segment, start.change) == base
    yearly = _yearly(state, start.date, where)
    # The day of an enrolment may be another after a move to another time zone.
    room = DAY if start.date == "member.since" else 0
    return yearly is not None and abs(yearly.day_in(moment(base).year) - base) <= room


def comes_at(start: Dated, base: Micros, where: ZoneInfo) -> Micros:
    """When the trigger comes that is reckoned from this date."""
    if isinstance(start, SegmentTrigger):
        return base
    if start.date in ("subscription.expires_at", "product.maintenance_at"):
        return shifted(moment(base), start.offset, start.at, where)
    day = date_of(day_of(base))
    return shifted(instant(day, time(), where), start.offset, start.at or time(), where)


def told(state: Customer, start: Dated, thing: str, base: Micros, where: ZoneInfo) -> Mapping[str, Variable]:
    """What templates may be told of it."""
    match start:
        case SegmentTrigger():
            return {"segment": start.segment}
        case DateTrigger(date="subscription.expires_at"):
            term = _subscription(state, thing)
            plan = None if term is None else term.plan
            return {"subscription_id": thing, "plan": plan, "expires_at": moment(base).isoformat()}
        case DateTrigger(date="product.maintenance_at"):
            product = _product(state, thing)
            sku = None if product is None else product.sku
            return {"product_id": thing, "sku": sku, "maintenance_at": moment(base).isoformat()}
    yearly, day = _yearly(state, start.date, where), date_of(day_of(base))
    years = None if yearly is None or yearly.year is None else day.year - yearly.year
    return {"date": instant(day, NOON, where).isoformat(), "years": years}


def _yearly(state: Customer, name: str, where: ZoneInfo) -> Yearly | None:
    if name == "member.since":
        loyalty = None if state.history is None else state.history.loyalty
        if loyalty is None or loyalty.enrolled_at is None:
            return None
        joined = moment(loyalty.enrolled_at).astimezone(where).date()
        return Yearly(joined.month, joined.day, joined.year)
    if name.startswith(PREFERENCES):
        preferences = value_of(state.profile, "preferences")
        value = preferences.get(name.removeprefix(PREFERENCES)) if isinstance(preferences, dict) else None
        return _read(value)
    return _read(value_of(state.profile, "birthday"))


def _read(value: object) -> Yearly | None:
    """``YYYY-MM-DD``, ``--MM-DD``, or a time, of which the date counts. What is none of these is no date."""
    if not isinstance(value, str):
        return None
    try:
        if value.startswith("--"):
            found = date.fromisoformat(f"2000-{value[2:]}")
            return Yearly(found.month, found.day, None)
        found = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value).date()
    except ValueError:
        return None
    return Yearly(found.month, found.day, found.year)


def _subscription(state: Customer, thing: str) -> Subscription | None:
    past = () if state.history is None else state.history.subscriptions
    return next((one for one in past if one.subscription_id == thing), None)


def _expires(term: Subscription) -> Micros | None:
    """When the term ends; None where it was cancelled: then nobody is to be asked to renew it."""
    return None if term.cancelled_at is not None else term.expires_at


def _product(state: Customer, thing: str) -> Product | None:
    past = () if state.history is None else state.history.products
    return next((one for one in past if one.product_id == thing), None)


def _maintenances(state: Customer, product: Product, now: Micros) -> Iterator[Micros]:
    every = _every(product)
    if every is None:
        return
    served = _served(state, product)
    first = max(1, (now - 400 * DAY - product.purchased_at) // every)
    for number in range(first, first + TIMES_AHEAD):
        base = product.purchased_at + number * every
        if base not in served:
            yield base


def _every(product: Product) -> Micros | None:
    return None if product.maintenance_every_days is None else product.maintenance_every_days * DAY


def _served(state: Customer, product: Product) -> set[Micros]:
    """The maintenances that visits stand for: a visit within a quarter of the interval before one is for
    that, whatever was before; any other is for the one due before it. Between the purchase and the first
    quarter of an interval before the first there is none."""
    every = _every(product)
    if every is None:
        return set()
    served: set[Micros] = set()
    for visit in _visits(state, product):
        number = (visit - product.purchased_at) // every
        before = product.purchased_at + number * every
        if visit > product.purchased_at:
            served.add(before + every if before + every - visit <= every // EARLY else before)
    return served


def _visits(state: Customer, product: Product) -> list[Micros]:
    contacts: tuple[Contacts, ...] = () if state.history is None else state.history.contacts
    mine = (product.sku, product.product_id)
    times = {at for one in contacts if one.kind in VISITS and one.sku in mine for at in one.times}
    return sorted(times)
