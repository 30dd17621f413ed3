"""Aliases with their commands on the way: what a customer asks, and what an alias answers, is read when it is
read, and in the end each record says whose the alias is, also of ids that were merged meanwhile."""

from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.interactions.domain.aliases.asking import answered, others_owner
from services.interactions.domain.aliases.state import AliasState
from services.interactions.domain.state import Customer, altered
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.aliases import AliasToldRequested, alias_state
from shared.schemas.customers import (
    AliasRemoved,
    CustomerMerged,
    CustomersData,
    CustomerUnmerged,
    CustomerUpdated,
)
from shared.schemas.event import Event
from tests.examples import examples

from .merging.arrival import Arrival
from .test_aliases import ANN, KEY, workers
from .told import at, event

CUSTOMERS = ("c-1", "c-2", "c-3")
DATA: dict[str, CustomersData] = {
    "add": ANN,
    "remove": AliasRemoved(kind="email", value=ANN.value),
    "profile": CustomerUpdated(email=ANN.value),
    "another": CustomerUpdated(email="new@example.com"),
}
WORDS = st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from([*DATA]), st.integers(0, 20))
MERGES = st.tuples(st.sampled_from(("c-2", "c-3")), st.sampled_from(("merge", "unmerge")), st.just(0))


def told(words: list[Any], chance: Random, *, most: int = 4) -> InMemoryWorker[Customer]:
    """These words in their order, each read when it is, and what comes of it too."""
    arrival = Arrival(chance, workers())
    for n, (customer, word, minute) in enumerate(words):
        data: Any = DATA.get(word)
        survivor = "c-1" if customer == "c-2" else "c-2"
        if word == "merge":
            data = CustomerMerged(into=survivor, reason="one")
        elif word == "unmerge":
            data = CustomerUnmerged.model_validate({"from": survivor, "reason": "two"})
        arrival.bring(Event(f"e-{n}", "/test", customer, at(minute), data))
        arrival.some(chance.randint(0, most))
    arrival.some(10_000)
    assert arrival.done.dead_letters == []
    return arrival.done


def agreed(worker: InMemoryWorker[Customer]) -> None:
    """The alias is of one of those who want it, the others wait, and each one's record says so."""
    records = [(here, one) for here in CUSTOMERS if here in worker.states for one in _wanted(worker, here)]
    wanting = {one.customer for _, one in records}
    alias: Any = worker.states.get(alias_state(KEY), AliasState(key=KEY))
    assert {alias.owner} - {None} == wanting & {alias.owner}, (alias, wanting)
    assert bool(alias.owner) == bool(wanting)
    assert {one.customer for one in alias.waiting} == wanting - {alias.owner}
    for here, one in records:
        assert one.owner == (None if alias.owner == one.customer else alias.owner), (here, one, alias)


def _wanted(worker: InMemoryWorker[Customer], customer: str) -> list[Any]:
    return [one for one in worker.state(customer).called.wanted if one.key == KEY]


@given(st.lists(WORDS, max_size=14), st.integers(0, 2**32).map(Random))
@settings(max_examples=examples(300))
@example(
    [("c-1", "add", 0), ("c-2", "add", 0), ("c-2", "remove", 0), ("c-1", "remove", 0), ("c-2", "add", 0)],
    Random(0),
)
def test_whenever_what_is_asked_and_answered_is_read_each_record_is_right(
    words: list[Any], chance: Random
) -> None:
    agreed(told(words, chance))


@given(st.lists(st.one_of(WORDS, MERGES), max_size=14), st.integers(0, 2**32).map(Random))
@settings(max_examples=examples(300))
@example([("c-2", "merge", 0), ("c-1", "add", 0), ("c-2", "add", 0), ("c-2", "unmerge", 0)], Random(0))
@example([("c-2", "add", 0), ("c-2", "merge", 0), ("c-2", "unmerge", 0), ("c-2", "remove", 1)], Random(1))
def test_and_of_ids_that_are_merged_and_are_two_again(words: list[Any], chance: Random) -> None:
    agreed(told(words, chance))


def test_what_an_alias_says_once_more_mends_a_record_that_has_it_otherwise() -> None:
    """The version before kept no owner of a merged id's name where that is whom it was merged into."""
    worker = workers()
    worker.tell("c-1", ANN)
    worker.tell("c-2", ANN)
    (said,) = (one for one in worker.facts(AliasToldRequested) if one.customer_id == "c-2")
    state = worker.state("c-2")
    (name,) = state.called.names
    wrong = altered(state, called=state.called.with_name(altered(name, owner=None)))
    assert others_owner(wrong, wrong.called.names[0]) is None
    mended = answered(wrong, event(said, subject="c-2")).state
    assert [others_owner(mended, one) for one in mended.called.names] == ["c-1"]
