"""Conditions are answered without the engine where all is known: what they say then is what it says."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.followup import config
from services.followup.domain.conditions.expression import compiled
from services.followup.domain.conditions.sample import NOW, sample
from services.followup.domain.conditions.views import Scope
from services.followup.domain.state import Customer
from shared.expressions.program import Program, Verdict
from shared.expressions.syntax import ExpressionError
from shared.facts.profile import profile_told
from shared.schemas.customers import CustomerUpdated
from shared.schemas.times import DAY, micros
from tests.examples import examples

AT, BERLIN, EVENTS = micros(NOW), ZoneInfo("Europe/Berlin"), ("purchase.made",)
TEXTS = [
    "loyalty.tier", "profile.name", "profile.segment", "purchases.last.order_id", "complaints.last.status",
    "health.segment", "trigger.order_id", "'gold'", "'regular'", "'o-7'",
]  # fmt: skip
WHOLES = [
    "purchases.count", "loyalty.balance", "complaints.open", "complaints.count", "feedback.nps.score",
    "health.score", "sends.count", "purchases.last.total.amount", "size(purchases)", "profile.tags.size()",
    "days_since(purchases.last_at)", "days_since(feedback.nps.at)", "days_since(now)", "0", "1", "20", "-1",
]  # fmt: skip
TIMES = ["now", "purchases.last_at", "feedback.csat.at", "loyalty.enrolled_at", "interactions.last_at"]
PATHS = ["loyalty.tier", "feedback.nps", "feedback.nps.at", "purchases.last.total", "profile.preferences.x"]
ODD = [
    "loyalty.member", "profile.preferences.x == 1", "purchases[0].returned", "profile.name.contains('Ada')",
    "profile.preferences.x", "health.churn_probability >= 0.5", "1 / complaints.count > 0",
]  # fmt: skip
LAST_DAY = "weekday(e.expires_at) == 'fri'"
ELEMENTS = {
    "purchases": ["e.returned", "e.total.amount > 50", "'sku-1' in e.skus", "days_since(e.at) < 3"],
    "subscriptions": [
        "e.plan == 'plan'", "has(e.plan)", "e.cancelled", "e.expires_at > now", "e.active", LAST_DAY,
    ],
    "products": ["e.maintenance_every_days > 3", "has(e.maintenance_every_days)", "e.sku in ['sku', 'x']"],
    "interactions": [
        "e.kind == 'question'", "e.sku == 'sku-1'", "e.times.filter(t, days_since(t) < 2).size() > 1",
        "e.times.exists(t, t == e.at)",
    ],
    "complaints": ["e.open", "e.status == 'resolved'", "days_since(e.resolved_at) < 2", "has(e.resolved_at)"],
    "feedback.reviews": ["e.rating >= 5", "e.sku.startsWith('s')"],
    "trigger.items": ["e.sku == 'x'", "e.category == 'a'", "has(e.category)"],
    "profile.tags": ["e == 'one'", "e.contains('t')"],
}  # fmt: skip
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def compared(sides: list[str]) -> st.SearchStrategy[str]:
    some = st.sampled_from(sides)
    return st.tuples(some, SIGNS, some).map(" ".join)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(parts, st.sampled_from([" && ", " || "]), parts).map(lambda said: f"({''.join(said)})"),
        parts.map(lambda said: f"!({said})"),
    )


def gone_through(of: str) -> st.SearchStrategy[str]:
    each = st.sampled_from(ELEMENTS[of])
    asked = st.one_of(each, joined(each), joined(st.one_of(each, st.just("loyalty.tier == 'gold'"))))
    return st.tuples(st.sampled_from(["exists(e, {})", "all(e, {})", "filter(e, {}).size() > 1"]), asked).map(
        lambda said: f"{of}.{said[0].format(said[1])}"
    )


ATOMS = st.one_of(
    compared(TEXTS),
    compared(WHOLES),
    compared(TIMES),
    st.sampled_from(ODD),
    st.sampled_from(PATHS).map("has({})".format),
    st.sampled_from(TEXTS).map("{} in ['gold', 'regular']".format),
    st.sampled_from(TEXTS).map("{} in profile.tags".format),
    st.sampled_from(TIMES).map("weekday({}) == 'mon'".format),
    st.sampled_from(sorted(ELEMENTS)).flatmap(gone_through),
)
CONDITIONS = st.recursive(ATOMS, joined, max_leaves=6)

FULL = sample({}).customer
assert FULL.history is not None
BARE = FULL.history.model_copy(
    update={
        "subscriptions": tuple(
            one.model_copy(update={"plan": None if number % 2 else "plan", "expires_at": None})
            for number, one in enumerate(FULL.history.subscriptions)
        ),
        "products": tuple(
            one.model_copy(update={"maintenance_every_days": None}) for one in FULL.history.products
        ),
        "contacts": tuple(one.model_copy(update={"sku": None}) for one in FULL.history.contacts),
        "scores": (),
        "health": None,
        "loyalty": None,
    }
)
FOR_EVER = FULL.history.model_copy(
    update={
        "subscriptions": tuple(
            one.model_copy(update={"expires_at": micros(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))})
            for one in FULL.history.subscriptions
        )
    }
)
ENDLESS = FULL.model_copy(update={"history": FOR_EVER})
WILD = profile_told(
    FULL.profile, CustomerUpdated(preferences={"x": 1}, tags=("gold",), segment=None), AT + DAY
)
CUSTOMERS = [
    Customer(customer_id="c-1"),
    FULL,
    FULL.model_copy(update={"history": BARE}),
    ENDLESS,
    FULL.model_copy(update={"profile": WILD, "complaints": FULL.complaints[:1]}),
]
TRIGGERS = [
    {"order_id": "o-7", "items": [{"sku": "x"}, {"sku": "y", "category": "a"}]},
    {"order_id": "o-8", "items": [{"sku": "x", "category": "a"}]},
    {},
]


def by_the_engine(expression: Program, scope: Scope) -> Verdict | None:
    """None where it is not met as something fails."""
    try:
        return Verdict(expression.value(scope) is True)
    except ExpressionError:
        return None


@given(CONDITIONS, st.sampled_from(CUSTOMERS), st.sampled_from(TRIGGERS))
@example("trigger.items.exists(e, (e.sku == 'x' || e.category == 'a'))", FULL, {"items": [{"sku": "x"}]})
@example("trigger.items.filter(e, !(e.category == 'a' && e.sku == 'y')).size() > 0", FULL, TRIGGERS[0])
@settings(max_examples=examples(600), deadline=None)
def test_what_is_said_quickly_is_what_the_engine_says(
    text: str, customer: Customer, trigger: dict[str, object]
) -> None:
    try:
        expression = compiled(text, EVENTS)
    except ExpressionError:
        return  # of two kinds that do not fit
    scope = Scope(customer, AT, BERLIN, trigger)
    found = expression.verdict(scope)
    if found.why is None:
        assert found == by_the_engine(expression, scope)


def test_what_fails_on_the_quick_way_is_for_the_engine_to_say() -> None:
    """The last instant of the calendar is a day after it in Berlin."""
    expression = compiled("subscriptions.exists(e, weekday(e.expires_at) == 'mon')", EVENTS)
    scope = Scope(ENDLESS, AT, BERLIN, {})
    assert expression.quick is not None
    with pytest.raises(OverflowError):
        expression.quick(scope, None, None)
    found = expression.verdict(scope)
    assert not found.met
    assert "weekday" in (found.why or "")


def test_rules_that_ship_are_answered_quickly() -> None:
    rules = config.load_rules(Path(config.__file__).parent / "rules" / "retail.yaml", ("email",))
    asked = {rule.name: compiled(rule.if_, rule.asked_events) for rule in rules.rules if rule.if_}
    scope = sample({})
    sure = {name for name, one in asked.items() if one.quick and type(one.quick(scope, None, None)) is bool}
    assert asked.keys() - sure <= {"members-evening"}, "what nobody knows the kind of is for the engine"


@pytest.mark.parametrize(
    "text",
    [
        "now - purchases.last_at > duration('1h')",
        "purchases.count > 3 ? true : false",
        "profile.preferences.x",
        "purchases.exists_one(p, p.returned)",
    ],
)
def test_what_is_done_by_the_engine_alone(text: str) -> None:
    assert compiled(text).quick is None
