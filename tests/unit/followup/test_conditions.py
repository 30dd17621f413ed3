"""Conditions in CEL: what they see; and what fails at the time is not met."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.followup.domain.complaints import Complaint
from services.followup.domain.conditions.expression import compiled, kept
from services.followup.domain.conditions.sample import sample
from services.followup.domain.conditions.views import VARIABLES, Scope
from services.followup.domain.history.state import (
    Bought,
    Contacts,
    History,
    Loyalty,
    Product,
    Purchases,
    Review,
    Score,
    Segment,
    Spend,
    Subscription,
)
from services.followup.domain.state import Customer, InFlight, Send
from shared.expressions.program import Verdict
from shared.expressions.syntax import ExpressionError
from shared.facts.complaints import OPENED, RESOLVED, ToldStep
from shared.facts.profile import profile_told
from shared.schemas.complaints import ComplaintUpdated
from shared.schemas.customers import CustomerUpdated
from shared.schemas.loyalty import TierChanged
from shared.schemas.times import DAY, micros

from .driver import purchase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""A Sunday."""
NOW = micros(NOON)


def ada(**changes: Any) -> Customer:
    told = {
        "name": "Ada",
        "email": "ada@example.org",
        "timezone": "Asia/Tokyo",
        "birthday": "1990-12-10",
        "tags": ["vip", "press"],
        "preferences": {"interests": ["wine"], "store": "north", "children": 2},
    }
    profile = profile_told({}, CustomerUpdated.model_validate(told), NOW)
    return Customer(customer_id="c-1", profile=profile).model_copy(update=changes)


def order(number: int, days: int, **changes: Any) -> Bought:
    known = {"order_id": f"o-{number}", "at": NOW - days * DAY, "currency": "EUR", "amount": number * 1000}
    return Bought.model_validate({**known, **changes})


PAST = History(
    purchases=Purchases(
        count=12,
        first_at=NOW - 400 * DAY,
        last_at=NOW - 3 * DAY,
        spend=(Spend("EUR", 90_000, 4_000),),
        latest=(order(3, 3, categories=("coffee", "pots")), order(2, 40, returned=True, refunded=500)),
    ),
    loyalty=Loyalty(tier="gold", balance=1200, enrolled_at=NOW - 300 * DAY),
    subscriptions=(
        Subscription(subscription_id="s-1", heard_of=NOW, plan="box", expires_at=NOW + 7 * DAY),
        Subscription(
            subscription_id="s-2",
            heard_of=NOW,
            plan="box",
            expires_at=NOW + 99 * DAY,
            cancelled_at=NOW - DAY,
        ),
    ),
    products=(Product(product_id="p-1", sku="pot", purchased_at=NOW - 200 * DAY),),
    contacts=(
        Contacts(
            kind="question", direction="inbound", sku="pot", times=(NOW - DAY, NOW - 2 * DAY, NOW - 30 * DAY)
        ),
    ),
    scores=(Score("nps", 9, NOW - 100 * DAY),),
    reviews=(Review("pot", 5, NOW - 9 * DAY),),
    segment=Segment("regular", NOW),
)
OVER = Complaint(
    complaint_id="k-1",
    steps=(ToldStep(NOW - 9 * DAY, OPENED), ToldStep(NOW - 8 * DAY, RESOLVED)),
    heard=NOW,
)
OPEN = Complaint(complaint_id="k-2", steps=(ToldStep(NOW - DAY, OPENED),), heard=NOW)
SENDS = (Send(rule="nps", purpose="survey", at=NOW - 100 * DAY),)
KNOWN = ada(history=PAST, complaints=(OVER, OPEN), sends=SENDS)


def asked(
    text: str, customer: Customer = KNOWN, events: tuple[str, ...] = (), trigger: dict[str, Any] | None = None
) -> Verdict:
    return compiled(text, events).verdict(Scope(customer, NOW, ZoneInfo("Asia/Tokyo"), trigger or {}))


@pytest.mark.parametrize(
    "text",
    [
        'loyalty.member && loyalty.tier == "gold" && loyalty.balance >= 1000',
        "days_since(loyalty.enrolled_at) == 300",
        'profile.name == "Ada" && profile.email.endsWith(".org") && profile.birthday.matches("^1990")',
        '"vip" in profile.tags && profile.tags.exists(t, t.contains("res"))',
        'profile.segment == "regular"',
        '"wine" in profile.preferences.interests && profile.preferences["store"] == "north"',
        "profile.preferences.children > 1 && !has(profile.preferences.dogs)",
        "complaints.count == 2 && complaints.open == 1",
        'complaints.exists(k, !k.open && k.status == "resolved" && days_since(k.resolved_at) == 8)',
        'complaints.last.complaint_id == "k-2"',
        "purchases.count == 12 && size(purchases) == 2 && purchases.spent.EUR == 86000",
        "days_since(purchases.last_at) == 3 && days_since(purchases.first_at) == 400",
        'purchases.last.order_id == "o-3" && purchases[1].returned && purchases[1].refunded == 500',
        'purchases.exists(p, "coffee" in p.categories && p.total.amount >= 3000 && p.total.currency > "E")',
        "purchases.filter(p, days_since(p.at) < 30).size() == 1",
        "purchases.map(p, p.total.amount).exists(a, a == 2000)",
        "now - purchases.last_at > duration('48h')",
        "subscriptions.count == 2 && subscriptions.active == 1",
        'subscriptions.exists(s, s.active && s.plan == "box" && s.expires_at > now)',
        'products.count == 1 && products[0].sku == "pot" && !has(products[0].maintenance_every_days)',
        'interactions.exists(i, i.kind == "question" && i.times.filter(t, days_since(t) < 14).size() == 2)',
        "days_since(interactions.last_at) == 1",
        "feedback.nps.score >= 9 && days_since(feedback.nps.at) > 90 && !has(feedback.csat)",
        'feedback.reviews.exists(r, r.sku == "pot" && r.rating == 5)',
        'sends.count == 1 && sends.exists(s, s.rule == "nps" && s.purpose == "survey")',
        # At noon in Greenwich it is Sunday evening in Tokyo.
        'weekday(now) == "sun" && local_time() == "21:00" && local_date() == "2026-03-01"',
        "purchases.count > 20 ? false : -1 < 0",
        "double(purchases.count) / 8.0 == 1.5 && int('7') == 7 && string(7) == '7'",
        '"\\u0041d\\x61" == profile.name && \'it\\\'s\' != r"\\d"',
        '"abc".matches("^a.c$") && now > timestamp("2026-01-01T00:00:00Z")',
    ],
)
def test_what_conditions_see(text: str) -> None:
    assert asked(text) == Verdict(True)
    assert compiled(text).verdict(sample({})).why is None or "preferences" in text or "spent" in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('loyalty.tier != "gold"', "tier is not known"),
        ('complaints.exists(c, true) || loyalty.tier != "gold"', "tier is not known"),
        ("days_since(purchases.last_at) > 3", "last_at is not known"),
        ("purchases[0].returned", "there are not so many"),
        ("profile.preferences.children > 1", "children is not known"),
        ('purchases.spent["USD"] < 5', "USD is not known"),
        ("purchases.count / complaints.count > 1", "it divides by zero"),
    ],
)
def test_what_fails_at_the_time_is_not_met(text: str, why: str) -> None:
    nobody = Customer(customer_id="c-1")
    assert asked(text, nobody) == Verdict(False, why)
    # As CEL has it, what is sure without the part that fails, is.
    assert asked(f"({text}) || purchases.count == 0", nobody) == Verdict(True)


def test_of_what_sources_invent_nothing_is_sure() -> None:
    wild = profile_told({}, CustomerUpdated(preferences={"x": 2**80, "y": [None, {"z": "t"}]}), NOW)
    customer = Customer(customer_id="c-1", profile=wild)
    assert not asked("profile.preferences.x == 1", customer).met
    assert asked("profile.preferences.y", customer) == Verdict(False, "it is neither true nor false")
    assert asked('profile.preferences.y[1].z == "t"', customer).met
    assert not asked('profile.preferences.y.exists(e, e.z == "t")', customer).met, "null has no z"
    assert not asked("profile.preferences.y > 3", customer).met


def test_a_condition_sees_fields_of_its_trigger() -> None:
    made = compiled('trigger.order_id == "o-7" && trigger.items.exists(i, i.sku == "x")', ("purchase.made",))
    order = kept([made], purchase("o-7"))
    assert order == {"order_id": "o-7", "items": [{"sku": "x"}]}, "only what it asks about is kept"
    assert made.verdict(Scope(ada(), NOW, ZoneInfo("UTC"), order)).met
    tier = compiled('trigger.from == "bronze" && trigger.to == "gold"', ("tier.changed",))
    told = kept([tier], TierChanged.model_validate({"from": "bronze", "to": "gold"}))
    assert tier.verdict(Scope(ada(), NOW, ZoneInfo("UTC"), told)).met
    promised = compiled("trigger.promised_by > now", ("complaint.updated",))
    for by, met in (
        (NOON + timedelta(days=1), Verdict(True)),
        (None, Verdict(False, "promised_by is not known")),
    ):
        told = kept([promised], ComplaintUpdated(complaint_id="k", message="m", promised_by=by))
        assert promised.verdict(Scope(ada(), NOW, ZoneInfo("UTC"), told)) == met
    both = ("subscription.started", "subscription.cancelled")
    compiled('trigger.subscription_id == "s"', both)
    with pytest.raises(ExpressionError, match="trigger has no field plan"):
        compiled('trigger.plan == "s"', both)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ('trigger.items.exists(i, i.category == "a")', True),
        ('trigger.items.exists(i, (i.sku == "y") || i.category == "a")', True),
        ('trigger.items.exists(i, (i.sku == "x") || i.category == "z")', False),
        ('trigger.items.exists(i, i.sku == "x" && !has(i.category))', True),
        ('trigger.items.all(i, i.category == "a")', False),
        ('trigger.items.exists_one(i, (i.category != "z"))', True),
        ('trigger.items.filter(i, i.category == "a").size() == 1', True),
        ('trigger.items.map(i, i.category)[0] == "a"', True),
        ('trigger.items.map(i, i.sku != "q", i.category).size() == 1', True),
    ],
)
def test_an_element_of_which_something_is_not_known_does_not_fit(text: str, met: bool) -> None:
    trigger = {"items": [{"sku": "x"}, {"sku": "y", "category": "a"}]}
    assert asked(text, events=("purchase.made",), trigger=trigger) == Verdict(met)


def test_what_is_on_its_way_counts_as_sent() -> None:
    flight = InFlight(
        at=NOW, by=NOW, outreach_id="x", key="k", rule="r", template="t", purpose="marketing",
        channel="email", due_at=NOW, decided_at=NOW,
    )  # fmt: skip
    assert asked('sends.exists(s, s.rule == "r")', ada(in_flight=(flight,))).met
    gone = flight.model_copy(update={"cancelled": True})
    assert not asked('sends.exists(s, s.rule == "r")', ada(in_flight=(gone,))).met


def test_a_list_is_read_only_where_the_engine_gets_there() -> None:
    class Unread(Scope):
        @property
        def complaints(self) -> list[Complaint]:
            raise AssertionError("it is read")

    scope = Unread(KNOWN, NOW, ZoneInfo("UTC"), {})
    listed = "complaints.exists(c, c.open)"
    assert compiled(f"purchases.count > 0 || {listed}").verdict(scope) == Verdict(True)
    assert compiled(f"purchases.count == 0 && {listed}").verdict(scope) == Verdict(False)


def test_only_what_an_expression_names_is_handed_in() -> None:
    cheap = compiled("purchases.count > 3")
    assert dict(cheap.parts).keys() == {"all_of_purchases__count"}
    tested = compiled("has(loyalty.tier) && loyalty.balance > 1 && loyalty.member")
    assert dict(tested.parts).keys() == {"loyalty", "all_of_loyalty__balance", "all_of_loyalty__member"}
    one = compiled("purchases.exists(p, p.returned)")
    scope = Scope(KNOWN, NOW, ZoneInfo("UTC"), {})
    assert one.lists["purchases"](scope) == [{"returned": False}, {"returned": True}]
    assert cheap.subjects == {"purchases"}
    assert one.subjects == {"orders", "spend"}
    assert compiled('"pot" in purchases.last.skus').subjects == {"orders", "lines"}
    assert compiled('purchases.spent.EUR > 1 && loyalty.tier == "gold"').subjects == {"spend", "loyalty"}
    assert compiled("loyalty.balance > 100").subjects == {"points"}
    assert compiled("complaints.open == 0 && sends.count < 3").subjects == frozenset()
    assert compiled('profile.segment == "x"').subjects == {"segment"}
    assert compiled('"x" in profile.tags').profile == {"tags"}
    assert VARIABLES.keys() >= {"profile", "loyalty", "complaints", "purchases", "subscriptions", "products"}
