"""Of one into whom others were merged: whose each thing is, of the ids that they are. Of everybody else all
is their own, which costs one look."""

from collections.abc import Callable, Iterator

from services.interactions.domain.conversations.messages import thread_of
from services.interactions.domain.state import Complaint, Customer, Held, Matched
from shared.facts import order_book
from shared.facts.names import key
from shared.schemas.complaints import ComplaintsData
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionsData
from shared.schemas.merges import Merge
from shared.schemas.purchases import PurchaseReturned
from shared.schemas.times import Micros, micros


def part_of(customer: Customer, id: str) -> Customer | None:
    """What one of the ids is by itself; None where nothing is known of that one."""
    return next((part for part in customer.parts if part.customer_id == id), None)


def part_with_complaint(customer: Customer, complaint_id: str) -> str | None:
    """The id that has this complaint, of those of one into whom others were merged."""
    for part in customer.parts:
        if any(one.complaint_id == complaint_id for one in part.complaints):
            return part.customer_id
    return None


def part_with_order(customer: Customer, order_id: str) -> str | None:
    """As ``part_with_complaint``, of an order."""
    name = key("order", order_id)
    for part in customer.parts:
        if order_book.left_of(part.purchases.book, name) is not None:
            return part.customer_id
    return None


def owner_of_complaint(customer: Customer, complaint_id: str) -> str:
    """The customer where no id has it."""
    return part_with_complaint(customer, complaint_id) or customer.customer_id


def owners_of_conversations(customer: Customer) -> Callable[[str], str]:
    """By the conversation's id; the customer where no id has it."""
    if not customer.parts:
        return lambda id: customer.customer_id
    owners: dict[str, str] = {}
    for part in customer.parts:
        for id in _conversations(part):
            owners.setdefault(id, part.customer_id)
    return lambda id: owners.get(id, customer.customer_id)


def _conversations(part: Customer) -> Iterator[str]:
    """The ids of those that were told of it."""
    for message in part.conversations.messages:
        yield thread_of(message)
    for step in part.conversations.steps:
        yield step.conversation_id
        if step.kind in ("merged", "split") and step.to is not None:
            yield step.to


def owner_of_message(customer: Customer, message_key: str) -> str:
    """Whom a message was told of."""
    for part in customer.parts:
        if any(message.key == message_key for message in part.conversations.messages):
            return part.customer_id
    return customer.customer_id


def owner_of_held(customer: Customer, held: Held) -> str:
    """Whom a fact was told of that waits, or was refused."""
    for part in customer.parts:
        if any((one.source, one.id, one.at) == (held.source, held.id, held.at) for one in part.held):
            return part.customer_id
    return held.subject or customer.customer_id


def owner_of_fact(customer: Customer, event: Event, *, asked: bool) -> str:
    """Whose a fact is: what is told of a complaint is its, what was given back of an order is of whoever has
    that, and what was asked for in a conversation that one's; anything else is of whom it was told of."""
    data = event.data
    if isinstance(data, ComplaintsData):
        return part_with_complaint(customer, data.complaint_id) or event.told_of
    if isinstance(data, PurchaseReturned):
        return part_with_order(customer, data.order_id) or event.told_of
    if asked and isinstance(data, InteractionsData):
        told = vars(data).get("conversation_id")
        if told is not None:
            return owners_of_conversations(customer)(told)
    return event.told_of


def way_of(customer: Customer, id: str) -> tuple[Merge, ...]:
    """The merges by which an id is the customer, the first one first; none where it is the customer's own."""
    return () if customer.merging is None else customer.merging.way_of(id)


def marks_about(customer: Customer, complaint: Complaint) -> tuple[Matched, ...]:
    """The tiers and segments by which a complaint's clocks go, by time: until they were merged those of whom
    it was told of, from then on the customer's. So no clock is another one for a merge."""
    if not customer.parts:
        return customer.matched
    found: list[Matched] = []
    since: Micros | None = None
    for merge in way_of(customer, owner_of_complaint(customer, complaint.complaint_id)):
        part, until = part_of(customer, merge.customer), micros(merge.at)
        if part is not None:
            found += (mark for mark in part.matched if _between(mark, since, until))
        since = until if since is None else max(since, until)
    return (*found, *(mark for mark in customer.matched if _between(mark, since, None)))


def _between(mark: Matched, since: Micros | None, until: Micros | None) -> bool:
    return (since is None or mark.at > since) and (until is None or mark.at <= until)


def all_marks(customer: Customer) -> tuple[Matched, ...]:
    """Of all ids."""
    if not customer.parts:
        return customer.matched
    return (*customer.matched, *(mark for part in customer.parts for mark in part.matched))
