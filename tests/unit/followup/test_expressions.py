"""Expressions as they are written: what is refused when the rules are read, and that nothing else can go
wrong."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.conditions.expression import compiled
from services.followup.domain.conditions.sample import sample
from services.followup.domain.conditions.views import Scope
from services.followup.domain.state import Customer
from shared.expressions.syntax import ExpressionError
from tests.examples import examples


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('loyalty.tyer == "gold"', "loyalty has no field tyer"),
        ('true || profile.tyer == "x"', "profile has no field tyer"),
        ("false && purchases.exists(p, p.total.amuont > 1)", "p.total has no field amuont"),
        ("purchases[0].totl.amount > 2", "purchases[0] has no field totl"),
        ("purchases.cuont > 2", "purchases has no field cuont"),
        ("has(profile.mail)", "profile has no field mail"),
        ('trigger.oder_id == "x"', "trigger has no field oder_id"),
        ("profile.name.first == 'x'", "profile.name is text and has no field first"),
        ("vip in profile.tags", "there is no vip, only complaints, feedback"),
        ("purchases.exists(p, true) && p.at < now", "there is no p, only"),
        ("profile.name", "it is text, not true or false"),
        ("purchases.count", "it is a whole number, not true or false"),
        ("profile.name && true", "profile.name is text, not true or false"),
        ("purchases.filter(p, p.total.amount).size() > 0", "p.total.amount is a whole number, not true"),
        ("loyalty.tier == 3", "loyalty.tier is text, 3 is a whole number: == does not fit"),
        ("loyalty.tier > 3 || true", "> does not fit"),
        ("purchases.last == purchases.last", "== does not fit"),
        ("3 in profile.tags", "in does not fit"),
        ("purchases.count / 2.5 > 1.0", "mixes whole numbers and fractions: write double(...)"),
        ("profile.email == null", "nothing is ever null: write has(profile.email)"),
        ("has(profile)", "write has(...) with a field in it"),
        ("foo(1)", "there is no function foo, only contains, days_since"),
        ("days_since(3) > 1", "write days_since(a time)"),
        ("weekday() == 'mon'", "write weekday(a time), as weekday(now)"),
        ('profile.name.matches("[")', "means nothing"),
        ("profile.name.matches(profile.email)", "matches needs its text written out"),
        ('now > timestamp("tomorrow")', 'timestamp("tomorrow") means nothing'),
        ("now - now > duration('3 days')", "means nothing"),
        ("1 / 0 == 1", "it fails for a customer of whom all is known: it divides by zero"),
        ("purchases[999].returned", "it fails for a customer of whom all is known: there are not so many"),
        ("purchases.exists(purchases, true)", "purchases has a meaning already"),
        ("purchases.exists(p)", "write exists(x, ...)"),
        ("profile.name.exists(p, true)", "profile.name is text and no list"),
        (
            "purchases.exists(a, purchases.exists(b, purchases.exists(c, true)))",
            "more than 2 of all, exists",
        ),
        ("[1, 'a'].size() == 2", "mixes kinds of values"),
        ("-profile.name == 1", "profile.name is text and cannot be negative"),
        ("true &", "character 6, '&', is out of place"),
        ("(true", "at character 6 there is the end instead of ')'"),
        ("true true", "at character 6 there is 'true' instead of an operator, or the end"),
        ("", "at character 1 there is the end instead of a value"),
        ("while", "while is a reserved word"),
        ("profile.in == 1", "at character 9 there is 'in' instead of a name"),
        ("has(trigger.null)", "at character 13 there is 'null' instead of a name"),
        ("purchases.true()", "at character 11 there is 'true' instead of a name"),
        ("'abc == profile.name", "character 1"),
        ("99999999999999999999 > 1", "is too large"),
        ("(" * 60 + "true" + ")" * 60, "it is nested deeper than 30"),
        ("true || " * 200 + "true", "it is longer than 1000 characters"),
        ("all_of_purchases.count > 1", "there is no all_of_purchases"),
    ],
)
def test_what_is_refused_when_the_rules_are_read(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)
    assert said in str(caught.value)


WORDS = st.sampled_from([
    "(", ")", "[", "]", ".", ",", "?", ":", "!", "-", "&&", "||", "==", "<", "+", "*", "in", "true", "1",
    "2.5", "'a'", "purchases", "profile", "count", "name", "exists", "p", "size", "now", "has", "days_since",
    "null", "// so", "r'", "0x1F",
])  # fmt: skip


@given(st.lists(WORDS, max_size=12))
@settings(max_examples=examples(500), deadline=None)
def test_whatever_is_written_is_refused_or_can_be_asked(words: list[str]) -> None:
    text = " ".join(words)
    try:
        expression = compiled(text)
    except ExpressionError:
        return
    here = Scope(Customer(customer_id="c-1"), 0, ZoneInfo("UTC"), {})
    for scope in (sample({}), here):
        assert isinstance(expression.verdict(scope).met, bool)
