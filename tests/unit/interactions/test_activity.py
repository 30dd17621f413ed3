"""What the 360 counts equals a recount from the events themselves."""

from itertools import permutations
from typing import Any

import pytest

from services.interactions.domain.activity.purchases import MAX_TOTAL
from services.interactions.domain.apply import CONSUMES, FACT_TOPICS
from services.interactions.domain.state import MAX_CHANNELS
from services.interactions.domain.timeline import LINES, amount, summary
from services.interactions.models.customers import customer_view
from shared.domain import RefusedError
from shared.schemas.base import CUSTOMER, Data, Money
from shared.schemas.complaints import ComplaintAcknowledged
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import (
    Cause,
    MemberAnniversary,
    MemberBirthday,
    MemberEnrolled,
    PointsEarned,
    PointsExpired,
    PointsExpiring,
    RewardAvailable,
    TierChanged,
)
from shared.schemas.purchases import (
    PurchaseMade,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from shared.schemas.times import micros
from shared.schemas.topics import TOPICS

from .told import at, event, fold, step


def test_channels_are_bounded_and_no_use_is_lost() -> None:
    def purchase(number: int) -> PurchaseMade:
        total = Money(amount=1, currency="EUR")
        return PurchaseMade(order_id=f"o-{number}", channel=f"ch-{number}", total=total, items=())

    state = fold([event(purchase(n), f"e-{n}", n) for n in range(MAX_CHANNELS + 10)])
    assert len(state.channels) == MAX_CHANNELS + 1
    assert sum(c.count for c in state.channels) == MAX_CHANNELS + 10


def test_a_total_beyond_bounds_is_refused() -> None:
    huge = PurchaseMade(order_id="o", channel="web", total=Money(amount=2**53, currency="EUR"), items=())
    state = fold([event(huge)])
    (spend,) = state.purchases.spend
    full = spend.model_copy(update={"purchased": MAX_TOTAL})
    state = state.model_copy(update={"purchases": state.purchases.model_copy(update={"spend": (full,)})})
    with pytest.raises(RefusedError, match="total_too_large"):
        step(state, event(huge.model_copy(update={"order_id": "o-2"}), "one more"))


def points(kind: type[PointsEarned] | type[PointsExpired], change: int, balance: int) -> Data:
    cause = Cause(source="/pos", id="r-1")
    return kind(entry_id="l-1", points=change, balance=balance, reason="purchase", cause=cause)


def test_loyalty_is_as_loyalty_tells() -> None:
    told = [
        MemberEnrolled(tier="bronze"),
        points(PointsEarned, 12, 12),
        TierChanged.model_validate({"from": "bronze", "to": "silver"}),
        points(PointsExpired, -2, 10),
    ]
    events = [event(data, f"e-{n}", n, source="/rapport/loyalty") for n, data in enumerate(told)]
    assert (
        customer_view(fold(events[:0] or [event(SurveyAnswered(survey="nps", score=9))]), at(0)).loyalty
        is None
    )
    loyalty = customer_view(fold(events), at(0)).loyalty
    assert loyalty is not None
    assert (loyalty.enrolled_at, loyalty.balance, loyalty.tier) == (at(0), 10, "silver")


def term(kind: type[SubscriptionStarted] | type[SubscriptionRenewed], price: int, until: float) -> Data:
    return kind(
        subscription_id="s-1",
        plan=f"plan-{price}",
        price=Money(amount=price, currency="EUR"),
        expires_at=at(until),
    )


def subscription(events: list[Any], now: float) -> tuple[str, str | None]:
    (view,) = customer_view(fold(events), at(now)).subscriptions
    return view.status, view.plan


def test_a_subscription_is_what_the_latest_event_says() -> None:
    started = event(term(SubscriptionStarted, 100, 50), "1", 0)
    renewed = event(term(SubscriptionRenewed, 200, 100), "2", 10)
    cancelled = event(SubscriptionCancelled(subscription_id="s-1", ends_at=at(80)), "3", 20)
    for order in permutations([started, renewed]):
        assert subscription(list(order), 60) == ("active", "plan-200")
        assert subscription(list(order), 100) == ("expired", "plan-200")
    for order in permutations([started, renewed, cancelled]):
        assert subscription(list(order), 60)[0] == "ending"
        assert subscription(list(order), 80)[0] == "cancelled"
    back = event(term(SubscriptionRenewed, 300, 200), "4", 30)
    assert subscription([started, cancelled, back], 90) == ("active", "plan-300")
    only = event(SubscriptionCancelled(subscription_id="s-1"), "3", 20)
    assert subscription([only], 21) == ("cancelled", None)


def test_every_type_has_a_line_of_its_own() -> None:
    consumed = {cls for topic in FACT_TOPICS for cls in TOPICS[topic] if cls.entity == CUSTOMER}
    assert set(LINES) == consumed
    assert consumed <= set(CONSUMES)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (
            RewardAvailable(reward_id="r", name="Free delivery", cost=100, balance=310),
            "Reward within reach: Free delivery, for 100 of 310 points",
        ),
        (
            PointsExpiring(points=120, expires_at=at(0), last_at=at(9), balance=480),
            f"120 points of 480 will expire, the first on {at(0):%Y-%m-%d}",
        ),
        (MemberAnniversary(years=1, points=100), "Member for 1 year: 100 points given"),
        (MemberAnniversary(years=3, points=1), "Member for 3 years: 1 point given"),
        (MemberBirthday(points=50), "Birthday: 50 points given"),
    ],
)
def test_what_the_program_tells_in_words(data: Data, line: str) -> None:
    assert summary(data) == line


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1299, "EUR", "12.99 EUR"),
        (-5, "USD", "-0.05 USD"),
        (500, "JPY", "500 JPY"),
        (12345, "KWD", "12.345 KWD"),
    ],
)
def test_amounts_in_words(minor: int, currency: str, text: str) -> None:
    assert amount(Money(amount=minor, currency=currency)) == text


def test_a_complaint_may_be_acknowledged_without_a_message() -> None:
    told = ComplaintAcknowledged.model_validate({"complaint_id": "c-1"})
    assert summary(told) == "Complaint acknowledged"
    assert (
        summary(ComplaintAcknowledged(complaint_id="c-1", message="soon")) == "Complaint acknowledged: soon"
    )


def test_a_line_is_one_short_line() -> None:
    long = InteractionLogged(channel="chat", direction="inbound", kind="question", summary="a\nb " * 9999)
    line = summary(long)
    assert line.startswith("Inbound chat, question: a b a b")
    assert len(line) == 160
    assert line.endswith("…")


def test_a_row_keeps_what_was_told() -> None:
    data = SurveyAnswered.model_validate({"survey": "nps", "score": 9, "$odd": {"a.b": 2**80}})
    told = event(data, "e-7", 0.0000001)
    row = step(fold([event(MemberEnrolled())]), told).rows[0].document
    assert row["at"] == micros(told.time)
    assert '"$odd":{"a.b":1208925819614629174706176}' in row["data"]
    assert (row["_id"], row["customer"]) == ("/test e-7 cust-1", "cust-1")
    assert row["summary"] == "Answered NPS with 9"
