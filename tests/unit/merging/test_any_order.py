"""Merging in any order of arrival: nothing is lost, nothing is there twice, all is with the survivor."""

from collections.abc import Mapping
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.journal.testing import START, InMemoryWorker
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted
from tests.examples import examples
from tests.unit.merging.arriving import arrive
from tests.unit.merging.purse import Purse, handler

IDS = ("a", "b", "c", "d")

told = st.tuples(st.just("told"), st.sampled_from(IDS), st.just(""))
merged = st.tuples(st.just("merged"), st.sampled_from(IDS), st.sampled_from(IDS)).filter(
    lambda step: step[1] != step[2]
)
unmerged = st.tuples(st.just("unmerged"), st.sampled_from(IDS), st.just("x"))
Step = tuple[str, str, str]


def event_of(number: int, step: Step) -> Event:
    what, customer, other = step
    data = {
        "told": lambda: ReviewPosted(sku="s", rating=5),
        "merged": lambda: CustomerMerged(into=other, reason="r"),
        "unmerged": lambda: CustomerUnmerged.model_validate({"from": other, "reason": "r"}),
    }[what]()
    return Event(f"e-{number}", "/test", customer, START + timedelta(seconds=number), data)


def played(data: st.DataObject, history: list[Step]) -> Mapping[str, Purse]:
    worker = InMemoryWorker(handler(), loopback=False)
    arrive(data, worker, [event_of(number, step) for number, step in enumerate(history)])
    return {id: worker.state(id) for id in IDS}


def survivor(states: Mapping[str, Purse], id: str) -> str:
    seen = {id}
    while (standing := states[id].merging) is not None and standing.moved is not None:
        id = standing.moved.into
        assert id not in seen, "a circle is left"
        seen.add(id)
    return id


def check(states: Mapping[str, Purse], history: list[Step]) -> None:
    found = {coin.name: (coin.of or id, id) for id, purse in states.items() for coin in purse.coins}
    assert sum(len(purse.coins) for purse in states.values()) == len(found), "there twice"
    for number, (what, customer, _) in enumerate(history):
        if what == "told":
            assert found.pop(f"/test e-{number}") == (customer, survivor(states, customer))
    assert found == {}
    for id in IDS:
        here = {other for other in IDS if other != id and survivor(states, other) == id}
        standing = states[id].merging
        if survivor(states, id) == id:
            assert {*(standing.ids if standing else ())} == here


@settings(max_examples=examples(150), deadline=None)
@given(st.data(), st.lists(told | merged, max_size=12))
def test_merged_in_any_order(data: st.DataObject, history: list[Step]) -> None:
    states = played(data, history)
    check(states, history)
    component = {id: {id} for id in IDS}
    for what, customer, other in history:
        if what == "merged":
            both = component[customer] | component[other]
            component |= dict.fromkeys(both, both)
    for id, both in component.items():
        assert {survivor(states, other) for other in both} == {survivor(states, id)}


@settings(max_examples=examples(150), deadline=None)
@given(st.data(), st.lists(told | merged | unmerged, max_size=10))
def test_undone_in_any_order(data: st.DataObject, history: list[Step]) -> None:
    check(played(data, history), history)
