"""Aliases in the worker: each has one writer, and one owner whatever comes, in whatever order."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.interactions.domain.aliases.asking import others_owner
from services.interactions.domain.aliases.called import CalledBy
from services.interactions.domain.aliases.state import MAX_WAITING, AliasState
from services.interactions.domain.state import Customer, altered
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.aliases import AliasClaimRequested, alias_state
from shared.schemas.customers import (
    AliasAdded,
    AliasRemoved,
    CustomerErased,
    CustomerMerged,
    CustomerRegistered,
    CustomerUpdated,
)

from .told import HANDLER, SETTINGS, START

IDENTITY = SETTINGS.identity
ANN = AliasAdded(kind="email", value="ann@example.com")
KEY = IDENTITY.key(IDENTITY.read("email:ann@example.com"))


def workers() -> InMemoryWorker[Customer]:
    return InMemoryWorker(HANDLER, now=START)


def alias(worker: InMemoryWorker[Customer], key: str = KEY) -> AliasState:
    state: Any = worker.store.stored[alias_state(key)].state
    assert isinstance(state, AliasState)
    return state


def called(worker: InMemoryWorker[Customer], customer: str) -> dict[str, str | None]:
    """What the customer is called by, and whose that is if another's."""
    state = worker.state(customer)
    return {f"{one.kind}:{one.value}": others_owner(state, one) for one in state.called.wanted}


def test_the_first_who_asks_has_it_and_the_second_is_told() -> None:
    worker = workers()
    worker.tell("c-1", ANN)
    worker.tell("c-2", AliasAdded(kind="email", value=" ANN@example.com"))
    assert alias(worker).owner == "c-1"
    assert called(worker, "c-1") == {"email:ann@example.com": None}
    assert called(worker, "c-2") == {"email:ann@example.com": "c-1"}
    assert worker.dead_letters == [], "nothing of it is lost"


def test_who_waits_has_it_once_it_is_given_up() -> None:
    worker = workers()
    worker.tell("c-1", ANN)
    worker.tell("c-3", ANN, at=START + timedelta(minutes=3))
    worker.tell("c-2", ANN, at=START + timedelta(minutes=2))
    worker.tell("c-1", AliasRemoved(kind="email", value="ann@example.com"), at=START + timedelta(minutes=5))
    assert alias(worker).owner == "c-2", "the first by their events' times"
    assert called(worker, "c-1") == {}
    assert called(worker, "c-2") == {"email:ann@example.com": None}
    assert called(worker, "c-3") == {"email:ann@example.com": "c-2"}
    assert [(turn.customer, turn.what) for turn in alias(worker).turns] == [
        ("c-1", "given"),
        ("c-3", "waits"),
        ("c-2", "waits"),
        ("c-1", "released"),
        ("c-2", "given"),
    ]


def test_a_move_is_right_in_either_order() -> None:
    for first, second in (("c-1", "c-2"), ("c-2", "c-1")):
        worker = workers()
        worker.tell("c-1", ANN)
        for customer in (first, second):
            fact = AliasRemoved(kind="email", value=ANN.value) if customer == "c-1" else ANN
            worker.tell(customer, fact, at=START + timedelta(minutes=5))
        assert alias(worker).owner == "c-2"
        assert called(worker, "c-2") == {"email:ann@example.com": None}


def test_the_last_word_by_time_holds() -> None:
    worker = workers()
    worker.tell("c-1", AliasRemoved(kind="email", value=ANN.value), at=START)
    worker.tell("c-1", ANN, at=START - timedelta(days=1))
    assert called(worker, "c-1") == {}
    assert alias_state(KEY) not in worker.states


def test_a_profile_names_its_address_and_number_and_no_others() -> None:
    worker = workers()
    worker.tell("c-1", CustomerRegistered(name="Ann", email="Ann@Example.com", phone="+49 171 1234567"))
    assert called(worker, "c-1") == {"email:ann@example.com": None, "phone:+491711234567": None}
    worker.tell("c-1", CustomerUpdated(email="new@example.com", phone="ask the mother"))
    assert called(worker, "c-1") == {"email:new@example.com": None}
    assert alias(worker).owner is None
    worker.tell("c-1", CustomerUpdated(email="late@example.com"), at=START - timedelta(days=1))
    assert called(worker, "c-1") == {"email:new@example.com": None}


def test_what_was_added_by_itself_stays_when_the_profile_changes() -> None:
    worker = workers()
    worker.tell("c-1", CustomerUpdated(email="ann@example.com"))
    worker.tell("c-1", ANN)
    worker.tell("c-1", CustomerUpdated(email="new@example.com"))
    assert called(worker, "c-1") == {"email:ann@example.com": None, "email:new@example.com": None}
    assert [c.customer_id for c in worker.facts(AliasClaimRequested)] == ["c-1", "c-1"]


@pytest.mark.parametrize("order", [*permutations(range(4))], ids=str)
def test_a_removal_holds_against_the_profile_until_that_is_told_anew(order: tuple[int, ...]) -> None:
    """As of whoever was made for an address: it is added, and stands in the profile."""
    email, at = "ann@example.com", [START + timedelta(minutes=n) for n in range(4)]
    told: list[Data] = [
        AliasAdded(kind="email", value=email),
        CustomerUpdated(email=email),
        AliasRemoved(kind="email", value=email),
        CustomerUpdated(name="Ann"),
    ]
    worker = workers()
    for n in order:
        worker.tell("c-1", told[n], at=at[n])
    assert called(worker, "c-1") == {}
    worker.tell("c-2", AliasAdded(kind="email", value=email))
    assert alias(worker).owner == "c-2"
    worker.tell("c-1", CustomerUpdated(email=email), at=START + timedelta(minutes=5))
    assert called(worker, "c-1") == {f"email:{email}": "c-2"}


def test_a_removal_of_a_merged_id_is_judged_by_what_its_own_profile_told() -> None:
    """The survivor's address is another, or was told at another time."""
    email, at = "ann@example.com", [START + timedelta(minutes=n) for n in range(6)]
    for survivors in ("new@example.com", email):
        for removed, left in ((1, True), (3, False)):
            worker = workers()
            worker.tell("c-1", CustomerUpdated(email=email), at=at[2])
            worker.tell("c-2", CustomerUpdated(email=survivors), at=at[4])
            worker.tell("c-1", CustomerMerged(into="c-2", reason="one"), at=at[5])
            worker.tell("c-1", AliasRemoved(kind="email", value=email), at=at[removed])
            names = {one.value for one in worker.state("c-2").called.wanted if one.customer == "c-1"}
            assert names == ({email} if left else set()), (survivors, removed)


def test_who_was_one_too_many_asks_again_with_the_next_word_on_the_profile() -> None:
    worker = workers()
    for n in range(MAX_WAITING + 2):
        worker.tell(f"c-{n}", ANN)
    last = f"c-{MAX_WAITING + 1}"
    assert called(worker, last) == {"email:ann@example.com": "c-0"}
    claims = len(worker.facts(AliasClaimRequested))
    worker.tell(last, CustomerUpdated(name="Ann"))
    assert called(worker, last) == {"email:ann@example.com": "c-0"}, "there is no room yet"
    assert len(worker.facts(AliasClaimRequested)) == claims + 1
    worker.tell("c-1", CustomerUpdated(name="Bob"))
    assert len(worker.facts(AliasClaimRequested)) == claims + 1, "who waits need not ask"
    for n in range(MAX_WAITING + 1):
        worker.tell(f"c-{n}", AliasRemoved(kind="email", value="ann@example.com"))
    assert alias(worker).owner is None
    worker.tell(last, CustomerUpdated(name="Anne"))
    assert (alias(worker).owner, called(worker, last)) == (last, {"email:ann@example.com": None})


def as_before(worker: InMemoryWorker[Customer], customer: str) -> None:
    """Its state as a version wrote it that did not know who was one too many."""
    stored = worker.store.stored[customer]
    names = tuple(altered(one, left_out=None, profile_at=None) for one in stored.state.called.names)
    called = stored.state.called.model_copy(update={"names": names})
    worker.store.stored[customer] = replace(stored, state=altered(stored.state, called=called))


def test_who_was_one_too_many_before_an_upgrade_asks_once_more_and_who_waited_too() -> None:
    worker = workers()
    for n in range(MAX_WAITING + 2):
        worker.tell(f"c-{n}", ANN)
    last = f"c-{MAX_WAITING + 1}"
    for customer in ("c-0", "c-1", last):
        as_before(worker, customer)
    claims = len(worker.facts(AliasClaimRequested))
    for times, asked in ((1, 2), (2, 3)):
        for customer in ("c-0", "c-1", last):
            worker.tell(customer, CustomerUpdated(name=f"Ann {times}"))
        assert len(worker.facts(AliasClaimRequested)) == claims + asked, "only the last is still outside"
    for n in range(MAX_WAITING + 1):
        worker.tell(f"c-{n}", AliasRemoved(kind="email", value="ann@example.com"))
    assert alias(worker).owner is None
    worker.tell(last, CustomerUpdated(name="Anne"))
    assert alias(worker).owner == last


def test_who_was_one_too_many_beside_whom_they_are_merged_with_waits_once_there_is_room() -> None:
    worker = workers()
    for n in range(MAX_WAITING + 2):
        worker.tell(f"c-{n}", ANN)
    last = f"c-{MAX_WAITING + 1}"
    worker.tell(last, CustomerMerged(into="c-0", reason="one"))
    worker.tell(last, CustomerUpdated(email="ann@example.com"))
    assert last not in {one.customer for one in alias(worker).waiting}
    worker.tell("c-1", AliasRemoved(kind="email", value="ann@example.com"))
    worker.tell("c-0", CustomerUpdated(name="Ann"))
    assert last in {one.customer for one in alias(worker).waiting}
    assert called(worker, "c-0") == {"email:ann@example.com": None}


def test_a_customer_is_made_once_for_an_alias_that_is_nobodys() -> None:
    worker = workers()
    first = worker.tell(KEY, AliasClaimRequested(kind="email"))
    again = worker.tell(KEY, AliasClaimRequested(kind="email"))
    assert first.outcome is not None
    assert again.outcome is not None
    made = first.outcome.body["customer_id"]
    assert (first.outcome.body, again.outcome.body) == ({"customer_id": made, "known": False},) * 2
    worker.tell(made, ANN)
    known = worker.tell(KEY, AliasClaimRequested(kind="email"))
    assert known.outcome is not None
    assert known.outcome.body == {"customer_id": made, "known": True}


def test_after_an_erasure_nobody_has_it_and_the_next_customer_is_another() -> None:
    worker = workers()
    first = worker.tell(KEY, AliasClaimRequested(kind="email"))
    assert first.outcome is not None
    made = first.outcome.body["customer_id"]
    worker.tell(made, ANN)
    worker.tell(made, CustomerErased())
    assert alias(worker).owner is None
    assert "ann" not in alias(worker).model_dump_json()
    assert made not in alias(worker).model_dump_json()
    assert worker.state(made).called == CalledBy()
    second = worker.tell(KEY, AliasClaimRequested(kind="email"))
    assert second.outcome is not None
    assert second.outcome.body["customer_id"] not in (None, made)


def test_no_address_stands_in_a_key_or_in_what_an_alias_is_asked() -> None:
    worker = workers()
    worker.tell("c-1", ANN)
    worker.tell("c-2", ANN)
    asked = [event for event in worker.emitted if event.data.topic == "commands"]
    assert len(asked) == 4
    assert "ann" not in " ".join(f"{event.subject} {event.data.model_dump_json()}" for event in asked)
    assert "ann" not in alias(worker).model_dump_json()


@pytest.mark.parametrize("value", ["ann", "a@b@c"])
def test_what_is_no_alias_is_a_dead_letter(value: str) -> None:
    worker = workers()
    worker.tell("c-1", AliasAdded(kind="email", value=value))
    assert [dead.code for dead in worker.dead_letters] == ["invalid_alias"]
    assert value not in worker.dead_letters[0].detail


CUSTOMERS = ("c-1", "c-2", "c-3")
NONE = Random(0)
WORDS = st.tuples(st.sampled_from(CUSTOMERS), st.booleans(), st.integers(0, 20))


@given(st.lists(WORDS, max_size=14), st.randoms(use_true_random=False), st.integers(1, 6))
@example(
    [("c-1", True, 0), ("c-2", True, 0), ("c-2", False, 0), ("c-1", False, 0), ("c-2", True, 0)], NONE, 6
)
def test_of_any_claims_in_any_order_one_has_it(words: list[Any], random: Any, size: int) -> None:
    """And it is one of those who want it, as each one's last word says; nobody, only where nobody does."""
    words += random.choices(words, k=len(words) // 3) if words else []
    events = []
    worker = workers()
    for n, (customer, added, minute) in enumerate(words):
        data = (AliasAdded if added else AliasRemoved)(kind="email", value=ANN.value)
        events.append((customer, data, START + timedelta(minutes=minute), f"e-{n}"))
    for customer, data, at, id in events:
        worker.tell(customer, data, at=at, id=id)
    wanting = {customer for customer in CUSTOMERS if called(worker, customer)}
    if not wanting:
        assert alias_state(KEY) not in worker.states or alias(worker).owner is None
        return
    owner = alias(worker).owner
    assert owner in wanting
    assert {one.customer for one in alias(worker).waiting} == wanting - {owner}
    assert called(worker, str(owner)) == {"email:ann@example.com": None}
    for other in wanting - {owner}:
        assert called(worker, other) == {"email:ann@example.com": owner}
