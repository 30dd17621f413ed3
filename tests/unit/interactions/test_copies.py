"""A thing told again under another event id has no second effect, and is there to be seen as a copy."""

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from services.interactions.models.customers import CustomerView, customer_view
from shared.facts import order_book
from shared.facts.names import KEEP_DAYS, Heard, Name, key
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data, Money
from shared.schemas.complaints import ComplaintResolved
from shared.schemas.feedback import ReferralMade, ReviewPosted, SurveyAnswered
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.purchases import PurchaseMade, PurchaseReturned, SubscriptionRenewed, SubscriptionStarted

from .told import CUSTOMER, HANDLER, START, at, event, heard, step


def euros(cents: int) -> dict[str, Any]:
    return {"amount": cents, "currency": "EUR"}


def bought(order: str = "so-1001", cents: int = 10_000, lines: int = 1) -> PurchaseMade:
    items = [{"sku": f"s-{n}", "quantity": 1, "unit_price": euros(cents)} for n in range(lines)]
    told = {"order_id": order, "channel": "web", "total": euros(cents), "items": items}
    return PurchaseMade.model_validate(told)


def returned(
    cents: int, id: str = "r-1", order: str = "so-1001", currency: str = "EUR", lines: int = 0
) -> PurchaseReturned:
    refund = {"amount": cents, "currency": currency}
    items = [{"sku": f"s-{n}", "quantity": 1} for n in range(lines)]
    told = {"order_id": order, "return_id": id, "refund": refund, "items": items}
    return PurchaseReturned.model_validate(told)


def term(kind: type[Data], cents: int = 999) -> Data:
    told = {"subscription_id": "s-1", "plan": "plus", "price": euros(cents), "expires_at": at(600)}
    return kind.model_validate(told)


def told(*facts: Data) -> InMemoryWorker[Any]:
    """A worker that heard these, each under an id of its own, minute by minute."""
    return heard([event(data, f"wh-{n}", n) for n, data in enumerate(facts, 1)])


def page(worker: InMemoryWorker[Any]) -> CustomerView:
    return customer_view(worker.state(CUSTOMER), at(100))


def summaries(worker: InMemoryWorker[Any]) -> list[str]:
    return [row["summary"] for row in worker.rows("timeline")]


def test_one_order_under_two_event_ids_counts_once() -> None:
    worker = told(bought(), bought())
    view = page(worker)
    assert (view.purchases.count, view.purchases.totals[0].purchased) == (1, 10_000)
    assert [(c.channel, c.count) for c in view.channels] == [("web", 1)]
    assert view.counts == {"purchases": 1}
    line = "Bought 1 line for 100.00 EUR by web, order so-1001"
    assert summaries(worker) == [line, f"Copy: {line}"]
    assert "counts once" in worker.rows("timeline")[1]["note"]
    assert len([row for row in worker.rows("search") if row["key"] == "=so-1001"]) == 1
    assert worker.dead_letters == []


def test_an_order_told_otherwise_is_a_copy_and_the_first_holds() -> None:
    worker = told(bought(), bought(cents=12_000))
    assert page(worker).purchases.totals[0].purchased == 10_000
    assert "with other data" in worker.rows("timeline")[1]["note"]


def test_a_refund_from_the_shop_and_from_the_payment_provider_counts_once() -> None:
    view = page(told(bought(), returned(4_000), returned(4_000), returned(4_000, "r-2")))
    assert (view.purchases.returns, view.purchases.totals[0].refunded) == (2, 8_000)
    assert view.counts == {"purchases": 3}


def test_a_full_refund_a_cent_over_counts_up_to_what_was_paid() -> None:
    worker = told(bought(cents=17_925, lines=10), returned(17_926, lines=10))
    assert page(worker).purchases.totals[0].net == 0
    row = worker.rows("timeline")[1]
    assert row["summary"] == "Returned 179.26 EUR of order so-1001"
    assert row["note"] == "0.01 EUR above what was left does not count."


@pytest.mark.parametrize(
    ("back", "why"),
    [
        (returned(10_002), "only 100.00 EUR of the order is left"),
        (returned(100, currency="USD"), "the order was paid in EUR"),
    ],
)
def test_a_return_that_loyalty_refuses_counts_nowhere(back: PurchaseReturned, why: str) -> None:
    for facts in ((bought(), back), (back, bought())):
        worker = told(*facts)
        view = page(worker)
        assert (view.purchases.returns, view.purchases.totals[0].refunded) == (0, 0)
        assert view.counts == {"purchases": 1}
        (row,) = (row for row in worker.rows("timeline") if "returned" in row["type"])
        assert row["summary"].startswith("Refused: Returned")
        assert why in row["note"]
        # Told right it counts: a refused one has not taken the name.
        worker.send(event(returned(500), "right", 9))
        assert page(worker).purchases.returns == 1


def test_a_return_waits_for_its_order() -> None:
    worker = told(returned(4_000), returned(4_000), returned(1, order="so-9"))
    assert page(worker).purchases.returns == 0
    assert [s.partition(":")[0] for s in summaries(worker)] == ["Waiting", "Copy", "Waiting"]
    worker.send(event(bought(), "order", -5))
    view = page(worker)
    assert (view.purchases.returns, view.purchases.totals[0].refunded) == (1, 4_000)
    assert view.counts == {"purchases": 2}
    assert [s.partition(" ")[0] for s in summaries(worker)] == ["Returned", "Copy:", "Waiting:", "Bought"]
    worker.advance(timedelta(days=731))
    worker.send(event(returned(2, order="so-9"), "again", 0))
    worker.send(event(returned(3, order="so-10"), "other", 0))
    worker.send(event(bought("so-10"), "late", 0))
    (gone,) = (row for row in worker.rows("timeline") if row["id"] == "wh-3")
    assert gone["note"] == "It counts nowhere: its order was not told in time."


def test_of_two_accounts_of_a_return_that_wait_the_first_that_can_be_holds() -> None:
    wrong, right, later = returned(4_000, currency="USD"), returned(4_000), returned(5_000)
    view = page(told(wrong, right, right, later, bought()))
    assert (view.purchases.returns, view.purchases.totals[0].refunded) == (1, 4_000)
    worker = told(wrong, right, right, later, bought())
    words = [s.partition(" ")[0] for s in summaries(worker)]
    assert words == ["Refused:", "Returned", "Copy:", "Copy:", "Bought"]


def test_what_waits_keeps_its_extensions() -> None:
    worker = told()
    more = {"partner": "acme"}
    back = structs.replace(event(returned(4_000), "r", 0), extensions=more)
    step = ComplaintResolved(complaint_id="k-1", resolution="Done.")
    worker.send(back)
    worker.send(structs.replace(event(step, "s", 1), extensions=more))
    worker.send(event(bought(), "o", 2))
    assert [json.loads(row.get("extensions") or "{}") for row in worker.rows("timeline")] == [more, more, {}]
    worker.advance(timedelta(days=31))
    (letter,) = worker.dead_letters
    assert (letter.code, letter.event.extensions) == ("unknown_complaint", more)


def test_a_term_told_again_changes_nothing_and_told_otherwise_is_a_dead_letter() -> None:
    worker = told(term(SubscriptionStarted), term(SubscriptionRenewed))
    assert page(worker).counts == {"purchases": 1}
    assert summaries(worker)[1].startswith("Copy: Renewed plus")
    worker.send(event(term(SubscriptionRenewed, 1), "other", 9))
    assert [dead.code for dead in worker.dead_letters] == ["duplicate_term"]
    (subscription,) = page(worker).subscriptions
    assert subscription.price == Money(amount=999, currency="EUR")


def test_reviews_and_referrals_count_once() -> None:
    worker = heard(
        [
            event(ReviewPosted(sku="mug", rating=5), "1"),
            event(ReviewPosted(sku="mug", rating=5), "2"),
            event(ReviewPosted(sku="mug", rating=4), "3", 1),
            event(ReferralMade(referred_customer="cust-2"), "4"),
            event(ReferralMade(referred_customer="cust-2"), "5", 7),
        ]
    )
    assert page(worker).counts == {"feedback": 3}
    worker.send(event(ReviewPosted(sku="mug", rating=1), "6"))
    assert [dead.code for dead in worker.dead_letters] == ["duplicate_review"]


def test_two_answers_about_one_thing_count_once() -> None:
    def answer(score: int, about: str | None) -> SurveyAnswered:
        thing = None if about is None else {"kind": "order", "id": about}
        return SurveyAnswered.model_validate({"survey": "nps", "score": score, "about": thing})

    worker = told(answer(3, "so-1"), answer(9, "so-1"), answer(9, "so-2"), answer(1, None), answer(1, None))
    assert page(worker).counts == {"feedback": 4}
    assert summaries(worker)[1] == "Again: Answered NPS with 9"


def test_the_tier_is_right_from_the_first_event_on() -> None:
    def loyalty(*facts: Data) -> tuple[Any, ...]:
        told = [event(data, f"l-{n}", n, source="/rapport/loyalty") for n, data in enumerate(facts)]
        shown = page(heard([event(MemberEnrolled(channel="shop"), "outside", -9), *told])).loyalty
        assert shown is not None
        return shown.enrolled_at, shown.tier

    silver = TierChanged.model_validate({"from": "bronze", "to": "silver"})
    assert loyalty() == (at(-9), None)
    assert loyalty(MemberEnrolled(tier="bronze")) == (at(0), "bronze")
    assert loyalty(MemberEnrolled(tier="bronze"), silver) == (at(0), "silver")


def test_only_the_program_says_which_tier() -> None:
    worker = heard([event(MemberEnrolled(channel="store", tier="silver"), "outside")])
    shown = page(worker).loyalty
    assert shown is not None
    assert (shown.enrolled_at, shown.tier) == (at(0), None)


def test_an_enrolment_of_the_future_is_none_until_its_time_has_come() -> None:
    ahead = 20 * 60
    state = heard([event(MemberEnrolled(channel="store", tier="silver"), "outside", ahead)]).state(CUSTOMER)
    assert customer_view(state, at(ahead - 1)).loyalty is None
    shown = customer_view(state, at(ahead)).loyalty
    assert shown is not None
    assert (shown.enrolled_at, shown.tier) == (at(ahead), None)
    own = event(MemberEnrolled(tier="bronze"), "l-1", ahead, source="/rapport/loyalty")
    told = customer_view(step(state, own).state, at(0)).loyalty  # this page's clock runs behind
    assert told is not None
    assert (told.enrolled_at, told.tier) == (at(ahead), "bronze")


def test_an_enrolment_told_after_the_programs_own_changes_nothing() -> None:
    own = event(MemberEnrolled(tier="bronze"), "l-1", 5, source="/rapport/loyalty")
    worker = heard([own, event(MemberEnrolled(tier="gold"), "outside", 1)])
    shown = page(worker).loyalty
    assert shown is not None
    assert (shown.enrolled_at, shown.tier) == (at(5), "bronze")
    assert page(worker).counts == {"loyalty": 1}


def test_a_clock_that_runs_ahead_brings_no_customer_before_all_others() -> None:
    worker = told(bought())
    worker.send(event(bought(), "ahead", 20 * 60, subject="cust-2"))
    places = {row["_id"]: row["order"][:18] for row in worker.rows("customers")}
    assert places["cust-2"] <= places[CUSTOMER]
    assert customer_view(worker.state("cust-2"), at(0)).purchases.last_at == at(20 * 60)


def named(number: int, told: bytes = b"told") -> Name:
    return Name("order", key("order", f"so-{number}"), told)


def test_ten_thousand_orders_are_bytes() -> None:
    book, total = b"", Money(amount=2**53, currency="EUR")
    for number in range(10_000):
        book = order_book.with_order(book, named(number), 20_000, total, 3)
    assert len(book) == 26 * 10_000
    assert order_book.heard(book, named(5_000)) is Heard.SAME
    assert order_book.heard(book, named(5_000, b"else")) is Heard.OTHER
    assert order_book.heard(book, named(10_000)) is Heard.NEW
    left = order_book.left_of(book, named(9_999).key)
    assert left is not None
    assert (left.currency, left.lines, left.amount) == ("EUR", 3, 2**53)
    after = order_book.left_of(order_book.refunded(book, left, 2**53 - 7), named(9_999).key)
    assert after is not None
    assert after.amount == 7


def test_ten_thousand_orders_take_35_characters_each_in_the_state() -> None:
    worker = InMemoryWorker(HANDLER, now=START, strict=False)
    worker.send_batch([event(bought(f"so-{n}"), f"e-{n}", n) for n in range(10_000)])
    assert len(worker.state(CUSTOMER).model_dump_json()) < 35 * 10_000


def test_an_order_is_known_for_its_days() -> None:
    money = Money(amount=1, currency="ZAR")
    book = order_book.with_order(b"", named(1), 20_000, money, 1)
    kept = order_book.with_order(book, named(2), 20_000 + KEEP_DAYS, money, 1)
    gone = order_book.with_order(book, named(2), 20_001 + KEEP_DAYS, money, 2**20)
    assert order_book.heard(kept, named(1)) is Heard.SAME
    assert order_book.heard(gone, named(1)) is Heard.NEW
    left = order_book.left_of(gone, named(2).key)
    assert left is not None
    assert (left.currency, left.lines) == ("ZAR", 2**16 - 1)
