"""What is kept of a customer's past: the same in any order of arrival and under copies, and bounded."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.history.contacts import MOST_CONTACTS, MOST_REVIEWS, MOST_TIMES
from services.followup.domain.history.learning import SUBJECTS, Subject, classes_of, learnt
from services.followup.domain.history.purchases import MOST_ORDERS
from services.followup.domain.history.state import History, Loyalty, Purchases
from services.followup.domain.history.terms import MOST_PRODUCTS, MOST_SUBSCRIPTIONS
from shared.facts.names import Heard, heard, name_of, with_name
from shared.facts.order_book import SIZE
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted, SurveyAnswered
from shared.schemas.insights import SegmentChanged
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import Cause, MemberEnrolled, PointsEarned, TierChanged
from shared.schemas.purchases import (
    ProductRegistered,
    PurchaseMade,
    SubscriptionCancelled,
    SubscriptionRenewed,
)
from shared.schemas.times import day_of, micros
from tests.examples import examples

from .driver import DAY, NOON, purchase, returned, started
from .hearing import Told

HEARD = micros(NOON + 9 * DAY)


def order(id: str, cents: int = 1000, *skus: str, category: str | None = None) -> PurchaseMade:
    items = [
        {"sku": sku, "category": category, "quantity": 1, "unit_price": {"amount": 1, "currency": "EUR"}}
        for sku in skus
    ]
    return PurchaseMade.model_validate({**purchase(id, cents).model_dump(), "items": items})


def renewed(id: str, plan: str, expires_at: datetime) -> SubscriptionRenewed:
    return SubscriptionRenewed.model_validate({**started(id, expires_at).model_dump(), "plan": plan})


def contact(kind: str, *skus: str, direction: str = "inbound") -> InteractionLogged:
    told = {"channel": "chat", "direction": direction, "kind": kind, "summary": "s", "skus": skus}
    return InteractionLogged.model_validate(told)


def of(
    facts: Iterable[Told[Data]], subjects: frozenset[Subject] = SUBJECTS, source: str = "/shop"
) -> History:
    """The history of facts in the order in which they are heard, with names known as the door keeps them."""
    history: History | None = None
    names = b""
    for number, one in enumerate(facts):
        event = Event(f"e-{number}", source, "c-1", one.at, one.data)
        name = name_of(event)
        told = Heard.NEW if name is None else heard(names, name)
        history = learnt(history, subjects, event, micros(one.at), HEARD, name, told)
        if name is not None and told is Heard.NEW:
            names = with_name(names, name, day_of(HEARD))
    return history or History()


def bought(history: History) -> Purchases:
    assert history.purchases is not None
    return history.purchases


def at(day: int, data: Data) -> Told[Data]:
    return Told(NOON + day * DAY, data)


def each_order(facts: Sequence[Told[Data]]) -> History:
    """What is kept, which must be the same for every order of arrival."""
    found = [of(order) for order in permutations(facts)]
    assert all(meaning(one) == meaning(found[0]) for one in found)
    return found[0]


def meaning(history: History) -> object:
    """All but the order in which orders and returns that wait were heard."""
    known = history.purchases
    if known is None:
        return history
    book = sorted(known.book[place : place + SIZE] for place in range(0, len(known.book), SIZE))
    bare = known.model_copy(update={"book": b"", "waiting": tuple(sorted(known.waiting))})
    return history.model_copy(update={"purchases": bare}), book


def test_orders_are_counted_and_the_latest_kept_line_by_line() -> None:
    history = each_order(
        [
            at(1, order("o-1", 1000, "pot", "pot", category="kitchen")),
            at(3, order("o-3", 500, "lamp")),
            at(2, order("o-2", 700)),
        ]
    )
    known = bought(history)
    assert (known.count, known.first_at, known.last_at) == (3, micros(NOON + DAY), micros(NOON + 3 * DAY))
    assert known.spend == (("EUR", 2200, 0),)
    assert [one.order_id for one in known.latest] == ["o-3", "o-2", "o-1"]
    assert known.latest[2].skus == ("pot",)
    assert known.latest[2].categories == ("kitchen",)


def test_a_return_counts_as_far_as_the_order_was_paid_whichever_is_heard_first() -> None:
    known = bought(each_order([at(1, order("o-1", 1000)), at(2, returned("o-1", "r-1", 300))]))
    assert known.spend == (("EUR", 1000, 300),)
    assert (known.latest[0].refunded, known.latest[0].returned) == (300, True)
    assert not known.waiting
    # More than the order by a cent of rounding is the order; by more, or in other money, it is nothing.
    known = bought(each_order([at(1, order("o-1", 1000)), at(2, returned("o-1", "r-1", 1001))]))
    assert known.spend == (("EUR", 1000, 1000),)
    for wrong in (returned("o-1", "r-1", 5000), returned("o-1", "r-1", 10, "USD")):
        known = bought(each_order([at(1, order("o-1", 1000)), at(2, wrong)]))
        assert known.spend == (("EUR", 1000, 0),)
        assert not known.latest[0].returned


def test_of_a_return_told_twice_the_first_that_can_be_holds() -> None:
    wrong, right, other = (returned("o-1", "r-1", cents) for cents in (9000, 300, 200))
    for facts in (
        [order("o-1"), wrong, right, other, wrong, right],
        [wrong, order("o-1"), right, other],
        [wrong, right, other, order("o-1"), other],
    ):
        known = bought(of(at(1, fact) for fact in facts))
        assert known.spend == (("EUR", 1000, 300),)
        assert not known.waiting
        assert not known.refused


def test_a_return_waits_for_its_order_and_no_longer_than_elsewhere() -> None:
    history = of([at(1, returned("o-1", "r-1", 300))])
    late = Event("e", "/shop", "c-1", NOON, order("o-1"))
    for days, left in ((729, 300), (731, 0)):
        now = HEARD + days * micros(NOON + DAY) - days * micros(NOON)
        after = learnt(history, SUBJECTS, late, micros(NOON), now, name_of(late), Heard.NEW)
        assert after is not None
        assert bought(after).spend == (("EUR", 1000, left),)


def test_of_many_orders_the_latest_are_kept_and_all_are_counted() -> None:
    facts = [at(number, order(f"o-{number:03}", 100, "pot")) for number in range(60)]
    random.Random(3).shuffle(facts)
    known = bought(of([*facts, at(70, returned("o-001", "r-1", 100))]))
    assert (known.count, known.spend) == (60, (("EUR", 6000, 100),))
    assert [one.order_id for one in known.latest] == [f"o-{n:03}" for n in range(59, 59 - MOST_ORDERS, -1)]


def test_the_term_told_later_holds_and_ends_a_cancellation_from_before_it() -> None:
    end = NOON + 400 * DAY
    facts = [
        at(1, started("s-1", NOON + 30 * DAY)),
        at(5, SubscriptionCancelled(subscription_id="s-1")),
        at(9, renewed("s-1", "gold", end)),
    ]
    [known] = each_order(facts).subscriptions
    assert (known.plan, known.expires_at, known.cancelled_at) == ("gold", micros(end), None)
    assert known.started_at == micros(NOON + DAY)
    again = [*facts, at(12, SubscriptionCancelled(subscription_id="s-1", ends_at=end))]
    [known] = each_order(again).subscriptions
    assert (known.cancelled_at, known.ends_at) == (micros(NOON + 12 * DAY), micros(end))


def test_loyalty_is_as_the_program_told_it_last() -> None:
    def earned(balance: int) -> PointsEarned:
        cause = Cause(source="/s", id="x")
        return PointsEarned(entry_id=f"l-{balance}", points=1, balance=balance, reason="order", cause=cause)

    up = TierChanged.model_validate({"from": "bronze", "to": "gold"})
    history = of([at(3, earned(30)), at(4, up), at(2, earned(70))])
    assert history.loyalty == Loyalty(balance=70, tier="gold")


def test_the_programs_own_word_of_an_enrolment_beats_that_of_others() -> None:
    ours = Event("p", "/rapport/loyalty", "c-1", NOON + DAY, MemberEnrolled(channel="web", tier="bronze"))
    theirs = Event("o", "/till", "c-1", NOON, MemberEnrolled(channel="store"))
    for events in ((ours, theirs), (theirs, ours)):
        history = None
        for event, told in zip(events, (Heard.NEW, Heard.OTHER), strict=True):
            history = learnt(history, SUBJECTS, event, micros(event.time), HEARD, name_of(event), told)
        assert history is not None
        assert history.loyalty is not None
        assert (history.loyalty.enrolled_at, history.loyalty.tier) == (micros(ours.time), "bronze")


def test_contacts_are_kept_by_kind_and_product() -> None:
    facts = [
        at(1, contact("question", "pot", "lamp")),
        at(2, contact("question", "pot")),
        at(3, contact("service")),
        at(3, contact("call", direction="outbound")),
    ]
    found = each_order(facts).contacts
    times = {(one.kind, one.direction, one.sku): sorted(one.times) for one in found}
    first, second, third = (micros(NOON + day * DAY) for day in (1, 2, 3))
    assert times == {
        ("question", "inbound", "pot"): [first, second],
        ("question", "inbound", "lamp"): [first],
        ("service", "inbound", None): [third],
        ("call", "outbound", None): [third],
    }


def test_the_latest_answer_and_review_hold() -> None:
    def answer(score: int) -> SurveyAnswered:
        return SurveyAnswered(survey="nps", score=score)

    facts = [
        at(1, answer(9)),
        at(3, answer(4)),
        at(2, ReviewPosted(sku="pot", rating=2)),
        at(4, ReviewPosted(sku="pot", rating=5)),
        at(2, SegmentChanged(to="new")),
        at(6, SegmentChanged.model_validate({"from": "new", "to": "regular"})),
    ]
    history = each_order(facts)
    assert history.scores == (("nps", 4, micros(NOON + 3 * DAY)),)
    assert history.reviews == (("pot", 5, micros(NOON + 4 * DAY)),)
    assert history.segment == ("regular", micros(NOON + 6 * DAY))


def test_everything_is_bounded() -> None:
    product = {"purchased_at": NOON, "sku": "pot"}
    facts: list[Told[Data]] = []
    for n in range(200):
        facts += [
            at(n, started(f"s-{n:03}")),
            at(n, ProductRegistered.model_validate({**product, "product_id": f"p-{n:03}"})),
            at(n, contact("question", f"sku-{n:03}")),
            at(n, contact("browse")),
            at(n, ReviewPosted(sku=f"sku-{n}", rating=3)),
            at(n, returned(f"none-{n}", "r")),
        ]
    random.Random(5).shuffle(facts)
    history = of(facts)
    assert len(history.subscriptions) == MOST_SUBSCRIPTIONS
    assert {one.subscription_id for one in history.subscriptions} == {f"s-{n}" for n in range(150, 200)}
    assert len(history.products) == MOST_PRODUCTS
    assert len(history.contacts) == MOST_CONTACTS
    assert len(history.contacts[0].times) <= MOST_TIMES
    assert len(history.reviews) == MOST_REVIEWS
    assert len(bought(history).waiting) == 50


def test_only_what_the_rules_name_is_kept_and_what_they_no_longer_name_goes() -> None:
    facts = [at(1, order("o-1")), at(1, started("s-1"))]
    assert of(facts, frozenset()) == History()
    assert of(facts, frozenset({"subscriptions"})).purchases is None
    whole = of(facts)
    event = Event("e", "/shop", "c-1", NOON, started("s-2"))
    after = learnt(whole, frozenset({"subscriptions"}), event, micros(NOON), HEARD, name_of(event), Heard.NEW)
    assert after is not None
    assert (after.purchases, len(after.subscriptions)) == (None, 2)
    counted = bought(of(facts, frozenset({"purchases"})))
    assert counted == Purchases(count=1, first_at=micros(NOON + DAY), last_at=micros(NOON + DAY))
    assert not bought(of(facts, frozenset({"orders"}))).latest[0].skus
    assert PurchaseMade not in set(classes_of(["subscriptions"]))
    for one in (whole, whole.model_copy(update={"loyalty": Loyalty(balance=0)})):
        assert History.model_validate_json(one.model_dump_json()) == one


FEW = st.sampled_from(["1", "2", "3"])
FACTS: st.SearchStrategy[Data] = st.one_of(
    st.builds(order, FEW, st.just(1000)),
    st.builds(returned, FEW, st.sampled_from(["r-1", "r-2"]), st.just(400)),
    st.builds(started, FEW, st.sampled_from([NOON + 90 * DAY, NOON + 400 * DAY])),
    st.builds(SubscriptionCancelled, subscription_id=FEW),
    st.builds(contact, FEW, FEW),
    st.builds(ReviewPosted, sku=FEW, rating=st.integers(1, 5)),
    st.builds(SurveyAnswered, survey=st.just("nps"), score=st.integers(0, 10)),
)


@given(st.lists(FACTS, max_size=14), st.randoms(use_true_random=False))
@settings(max_examples=examples(300), deadline=None)
def test_every_order_of_arrival_and_copies_leave_the_same(facts: list[Data], dice: random.Random) -> None:
    """Each thing is told with one time and one account; copies come under other event ids."""
    times = list(range(len(facts)))
    dice.shuffle(times)
    told: list[Told[Data]] = []
    names = set()
    for minute, data in zip(times, facts, strict=True):
        name = (data.thing, *(str(getattr(data, field, minute)) for field in data.named_by))
        if not data.thing or name not in names:
            names.add(name)
            told.append(Told(NOON + minute * timedelta(minutes=1), data))
    straight = of(sorted(told, key=lambda one: one.at))
    again = [*told, *(one for one in told if dice.random() < 0.4)]
    dice.shuffle(again)
    assert meaning(of(again)) == meaning(straight)
