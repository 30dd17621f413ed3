"""What waits in one id for what the other has takes effect when they are one: on the whole, and on the part
that has what it is about."""

from services.interactions.domain.conversations.course import course
from services.interactions.domain.state import Customer
from shared.journal.testing import InMemoryWorker
from shared.schemas.complaints import ComplaintReopened, ComplaintResolved
from shared.schemas.purchases import PurchaseReturned

from ..told import at
from .pair import HERE, OLD, complaint, merge, order, unmerge, worker


def parts_add_up(told: InMemoryWorker[Customer], topic: str) -> tuple[int, int]:
    whole = told.state(HERE)
    return whole.counts.get(topic, 0), sum(part.counts.get(topic, 0) for part in whole.parts)


def test_a_conversation_ends_with_its_complaint() -> None:
    told = worker()
    told.tell(HERE, complaint("c-1", conversation_id="t-1"), at=at(0))
    told.tell(OLD, ComplaintResolved(complaint_id="c-1", resolution="sent"), at=at(1))
    assert course(told.state(HERE).conversations).open["t-1"].status == "queued"
    merge(told)
    assert course(told.state(HERE).conversations).open["t-1"].status == "closed"
    unmerge(told)
    assert course(told.state(HERE).conversations).open["t-1"].status == "closed"
    assert told.state(HERE).counts["complaints"] == 2
    assert told.state(OLD).held == ()


def test_what_was_refused_counts_where_it_follows_from_what_waited() -> None:
    told = worker()
    told.tell(HERE, complaint("c-1"), at=at(0))
    told.tell(HERE, ComplaintReopened(complaint_id="c-1", reason="broken"), at=at(2))
    told.tell(OLD, ComplaintResolved(complaint_id="c-1", resolution="sent"), at=at(1))
    assert told.state(HERE).counts["complaints"] == 1
    merge(told)
    assert told.state(HERE).complaints[0].life.status == "reopened"
    assert parts_add_up(told, "complaints") == (3, 3)
    assert told.state(HERE).held == ()


def test_what_waits_is_found_when_another_id_is_told_of_it() -> None:
    told = worker()
    merge(told)
    told.tell(HERE, ComplaintResolved(complaint_id="c-1", resolution="sent"), at=at(1))
    told.tell(OLD, complaint("c-1"), at=at(0))
    assert parts_add_up(told, "complaints") == (2, 2)
    unmerge(told)
    assert (told.state(HERE).counts.get("complaints", 0), told.state(HERE).held) == (0, ())
    assert told.state(OLD).counts["complaints"] == 2


def test_what_was_given_back_goes_with_its_order() -> None:
    told = worker()
    given = {"order_id": "o-1", "return_id": "r-1", "items": [], "refund": {"amount": 100, "currency": "EUR"}}
    told.tell(HERE, PurchaseReturned.model_validate(given), at=at(1))
    told.tell(OLD, order("o-1", 1_000), at=at(0))
    merge(told)
    assert parts_add_up(told, "purchases") == (2, 2)
    later = PurchaseReturned.model_validate(given | {"return_id": "r-2"})
    told.tell(HERE, later, at=at(2))
    assert parts_add_up(told, "purchases") == (3, 3)
    unmerge(told)
    old, here = told.state(OLD).purchases, told.state(HERE)
    assert (old.count, old.returns, [one.refunded for one in old.spend]) == (1, 2, [200])
    assert (here.purchases.returns, here.held, here.counts.get("purchases", 0)) == (0, (), 0)
