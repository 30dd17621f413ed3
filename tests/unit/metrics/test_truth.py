"""One history, one truth: copies, late facts, partial profiles and clocks that run ahead."""

import pytest

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.cohorts import COHORT
from services.metrics.domain.kpis.complaints import counted
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.trimming import KEEP_ORDERS
from shared.facts.complaints import MOST_WAITING, WAIT
from shared.schemas.base import Money
from shared.schemas.complaints import ComplaintClosed, ComplaintResolved, ComplaintUpdated
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseItem, PurchaseMade, PurchaseReturned, ReturnItem
from shared.schemas.times import DAY, day_number, micros

from .story import START, answered, event, opened, profile, purchase, returned

DAY0 = day_number(START.date())


def taken(*log: Event, now: int | None = None) -> tuple[Tracked, Delta]:
    """One customer's events, each heard at its own time, or all ``now``."""
    tracked, delta = Tracked(Customer()), Delta()
    for e in log:
        apply(tracked, e, micros(e.time) if now is None else now, delta)
    return tracked, delta


def left(*log: Event) -> int:
    """What is left of order ``o``."""
    tracked, _ = taken(*log)
    return tracked.data.orders["o"].left


def test_steps_that_have_waited_too_long_make_room() -> None:
    old = [
        event(ComplaintUpdated(complaint_id="k", message=str(n)), days=n / 1000) for n in range(MOST_WAITING)
    ]
    step = event(ComplaintResolved(complaint_id="k", resolution="."), days=40)
    tracked, _ = taken(*old, step, event(opened("k"), days=0))
    assert tracked.data.complaints["k"].life.status == "resolved"


def test_one_order_under_two_webhook_ids_is_one_purchase() -> None:
    copies = (event(purchase("so-1001", 10_000), id="wh-1"), event(purchase("so-1001", 10_000), id="wh-2"))
    _, delta = taken(*copies)
    assert delta == taken(copies[0])[1]


def test_of_an_order_told_differently_the_first_in_the_log_holds() -> None:
    first = event(purchase("o", 100, "web"), days=2)
    _, delta = taken(first, event(purchase("o", 200, "store"), days=1))
    assert delta == taken(first)[1]


def test_a_return_told_by_shop_and_payment_provider_counts_once() -> None:
    made = event(purchase("o", 100))
    assert left(made, event(returned("o", 60, name="r")), event(returned("o", 60, name="r"))) == 40
    assert left(made, event(returned("o", 60, name="r")), event(returned("o", 30, name="s"))) == 10


def test_returns_wait_for_their_order_and_count_as_if_heard_after_it() -> None:
    early = (event(returned("o", 60, name="r")), event(returned("o", 50, name="s")))
    made = event(purchase("o", 100))
    assert left(*early, made) == left(made, *early) == 40  # the second asks for more than is left


OVER = [(101, 0, 0), (102, 0, 100), (102, 2, 0), (103, 2, 100)]
"""Refund of an order of 100, lines that came back, what is left."""


@pytest.mark.parametrize(("refund", "lines", "rest"), OVER)
def test_a_refund_may_be_a_minor_unit_a_line_too_large(refund: int, lines: int, rest: int) -> None:
    items = tuple(ReturnItem(sku=f"s{n}", quantity=1) for n in range(lines))
    money = Money(amount=refund, currency="EUR")
    told = PurchaseReturned(order_id="o", return_id="r", items=items, refund=money)
    assert left(event(purchase("o", 100)), event(told)) == rest


def test_a_refund_in_another_currency_counts_nowhere() -> None:
    assert left(event(purchase("o", 100)), event(returned("o", 10, "USD"))) == 100


def test_a_free_order_is_a_purchase_until_nothing_is_left_to_say() -> None:
    price = Money(amount=0, currency="EUR")
    gift = PurchaseMade(
        order_id="o", channel="web", total=price, items=(PurchaseItem(sku="s", quantity=1, unit_price=price),)
    )
    tracked, _ = taken(event(gift), event(returned("o", 0)))
    assert tracked.data.orders["o"].day == DAY0


def test_an_order_that_is_no_longer_kept_is_known_by_its_name() -> None:
    log = [event(purchase(f"o{i}"), days=i / 1000) for i in range(KEEP_ORDERS + 5)]
    tracked, delta = taken(*log)
    tracked.trim()
    assert len(tracked.data.names) == 5 * 14
    before = dict(delta)
    for copy in (event(purchase("o1"), days=3), event(returned("o2", 100), days=3)):
        apply(tracked, copy, micros(copy.time), delta)
    assert delta == before


def test_an_answer_about_a_thing_counts_once_and_the_later_holds() -> None:
    first, later = event(answered("nps", 3, "so-1"), days=1), event(answered("nps", 10, "so-1"), days=2)
    expected = {(DAY0 + 2, "|", "promoters"): 1}
    assert taken(first, later)[1] == taken(later, first)[1] == expected
    alone = taken(event(answered("nps", 10), days=2), event(answered("nps", 10), days=2))[1]
    assert alone == {(DAY0 + 2, "|", "promoters"): 2}


def test_an_update_that_names_no_segment_keeps_it() -> None:
    renamed = event(CustomerUpdated(name="Anne"), days=2)
    assert taken(event(profile("gold"), days=1), renamed)[0].data.segment == "gold"
    assert taken(renamed, event(profile("gold"), days=1))[0].data.segment == "gold"
    cleared = event(CustomerUpdated(segment=None), days=3)
    assert taken(event(profile("gold"), days=1), cleared)[0].data.segment == ""


def test_a_closing_heard_before_its_resolution_holds_once_that_is_known() -> None:
    closed = event(ComplaintClosed(complaint_id="k1"), days=3)
    resolved = event(ComplaintResolved(complaint_id="k1", resolution="."), days=2)
    one, two = taken(event(opened()), closed, resolved), taken(event(opened()), resolved, closed)
    assert one[1] == two[1]
    assert one[0].data.complaints["k1"].life.status == "closed"
    # Without the resolution it is no closing: the complaint is still open.
    assert taken(event(opened()), closed)[0].data.complaints["k1"].life.is_open


def test_what_waits_for_an_opening_waits_thirty_days() -> None:
    resolved = event(ComplaintResolved(complaint_id="k1", resolution="."), days=1)
    for late, status in ((WAIT - 1, "resolved"), (WAIT, "opened")):
        tracked, delta = taken(resolved)
        apply(tracked, event(opened()), micros(resolved.time) + late, delta)
        assert tracked.data.complaints["k1"].life.status == status
        assert sum(n for cell, n in delta.items() if cell[2] == "open") == (status == "opened")


def test_no_more_than_fifty_steps_wait() -> None:
    log = [event(ComplaintUpdated(complaint_id="k1", message="."), days=i / 100) for i in range(80)]
    tracked, _ = taken(*log)
    assert len(tracked.data.complaints["k1"].waiting) == MOST_WAITING


def test_of_two_openings_the_first_heard_holds() -> None:
    tracked, _ = taken(event(opened(channel="email"), days=2), event(opened(channel="web"), days=1))
    (complaint,) = tracked.data.complaints.values()
    assert complaint.channel == "email"
    assert [at // DAY for at, _, _ in counted(complaint)] == [DAY0 + 2]


def test_a_clock_that_runs_ahead_makes_nothing_older() -> None:
    now = micros(START)
    tracked, delta = taken(event(purchase("ahead"), days=0.9), now=now)
    assert tracked.data.latest == now // DAY
    assert {day for day, _, field in delta if not field.startswith(COHORT)} == {DAY0}
    tracked, delta = taken(event(purchase("ahead"), days=1.0), now=now)
    assert tracked.data.latest == now // DAY
    assert {day for day, _, field in delta if not field.startswith(COHORT)} == {DAY0 + 1}


def test_of_two_accounts_of_a_return_that_wait_the_first_that_can_be_holds() -> None:
    made, right, later = event(purchase("o", 100)), event(returned("o", 40)), event(returned("o", 50))
    wrong = event(returned("o", 40, "USD"))
    assert left(wrong, right, later, made) == left(made, wrong, right, later) == 60
