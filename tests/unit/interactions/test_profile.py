"""Who the customer is: the latest event time wins a field, in any order of arrival."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.state import MAX_CONSENTS, Customer, initial
from shared.domain import RefusedError
from shared.journal.testing import InMemoryWorker
from shared.schemas.customers import ConsentChanged, CustomerRegistered, CustomerUpdated

from .told import CUSTOMER, HANDLER, START, at, event, fold, put, step


def profile_values(state: Customer) -> dict[str, Any]:
    return {name: known.value for name, known in state.profile.items()}


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "email": st.sampled_from(["a@x.org", "b@x.org", None]),
    "segment": st.sampled_from(["gold", "new"]),
    "tags": st.lists(st.sampled_from(["vip", "b2b"]), max_size=2),
    "preferences": st.dictionaries(st.sampled_from(["$set", "a.b", "n\0l"]), st.integers(), max_size=2),
}
updates = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["Ann", "Bob"])}, optional=FIELDS), min_size=1, max_size=6
)


@settings(max_examples=60, deadline=None)
@given(updates.flatmap(lambda told: st.tuples(st.just(told), st.permutations(range(len(told))))))
def test_any_order_gives_the_profile_of_the_latest_word(case: tuple[list[dict[str, Any]], list[int]]) -> None:
    told, order = case
    expected: dict[str, Any] = {}
    for fields in told:
        expected |= fields
    events = [event(CustomerUpdated.model_validate(f), f"e-{n}", n) for n, f in enumerate(told)]
    assert profile_values(fold([events[n] for n in order])) == expected


def test_of_two_at_one_time_the_later_in_the_log_wins() -> None:
    first, second = (event(CustomerUpdated(name=name), name) for name in ("Ann", "Bob"))
    assert profile_values(fold([first, second])) == {"name": "Bob"}


def test_a_search_row_only_when_first_seen_or_the_profile_changes() -> None:
    registered = CustomerRegistered(name="Ann  von ÅKE", email="Ann@X.org", segment="gold")
    effects = step(initial(CUSTOMER), event(registered))
    row = put(effects, "customers")
    assert row is not None
    assert row == {
        "_id": CUSTOMER,
        "order": row["order"],
        "id_key": "cust-1",
        "name": "Ann  von ÅKE",
        "email": "Ann@X.org",
        "segment": "gold",
    }
    keys = {r.document["_id"]: r.document["key"] for r in effects.rows if r.collection == "search"}
    assert keys == {
        "cust-1 name.0": "ann von ake",
        "cust-1 name.1": "von ake ann",
        "cust-1 name.2": "ake ann von",
        "cust-1 name.3": "ann ake",
        "cust-1 email": "@ann@x.org",
    }
    late = step(effects.state, event(CustomerUpdated(name="Old name"), "late", -5))
    assert put(late, "customers") is None
    consent = ConsentChanged(purpose="marketing", channel="email", granted=True)
    assert put(step(effects.state, event(consent, "c", 5)), "customers") is None
    first = put(step(initial(CUSTOMER), event(consent)), "customers")
    assert first is not None
    assert "name" not in first


def test_consents_in_any_order_are_the_latest_word() -> None:
    told = [
        event(ConsentChanged(purpose="marketing", channel="email", granted=True), "1", 1),
        event(ConsentChanged(purpose="marketing", channel="email", granted=False), "2", 2),
        event(ConsentChanged(purpose="marketing", channel="sms", granted=True), "3", 3),
    ]
    for order in permutations(told):
        state = fold(order)
        assert {(c.purpose, c.channel): c.granted for c in state.consents} == {
            ("marketing", "email"): False,
            ("marketing", "sms"): True,
        }


@pytest.mark.parametrize(
    ("said", "granted"),
    [
        ([(True, 1200, 0), (False, 60, 60)], False),
        ([(True, 1200, 0), (False, 0, 60)], False),  # dated when the grant was heard
        ([(True, 1200, 0), (False, -1, 60)], True),  # it was older when the grant was heard
        ([(False, 60, 60), (True, 1200, 61)], True),  # a grant that is heard later is a new word
        ([(False, 1200, 0), (True, 60, 60)], False),  # a withdrawal of the future holds
        ([(True, 1200, 0), (False, 60, 60), (True, 90, 90)], True),
        ([(True, 30, 30), (False, 20, 60)], True),  # of the past: by event time alone
    ],
)
def test_a_withdrawal_heard_later_beats_a_grant_of_the_future(
    said: list[tuple[bool, int, int]], granted: bool
) -> None:
    """``said``: what, and the minutes of the event and of when it was heard."""
    worker = InMemoryWorker(HANDLER, now=START)
    for n, (word, minute, heard_at) in enumerate(said):
        worker.advance(at(heard_at))
        consent = ConsentChanged(purpose="marketing", channel="email", granted=word)
        worker.send(event(consent, f"e-{n}", minute))
    assert [c.granted for c in worker.state(CUSTOMER).consents] == [granted]


def test_consents_are_bounded_but_known_ones_always_change() -> None:
    def consent(number: int, granted: bool) -> ConsentChanged:
        return ConsentChanged(purpose="survey", channel=f"ch-{number}", granted=granted)

    state = fold([event(consent(n, True), f"e-{n}", n) for n in range(MAX_CONSENTS)])
    with pytest.raises(RefusedError, match="too_many_consents"):
        step(state, event(consent(MAX_CONSENTS, True), "one more", 999))
    withdrawn = step(state, event(consent(0, False), "withdrawn", 999)).state
    assert [c.granted for c in withdrawn.consents if c.channel == "ch-0"] == [False]
