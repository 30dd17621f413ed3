"""Erasing: nothing that names the customer stays or comes back, and no figure moves."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.facts.erased import ERASED_IDS, erased_hash
from shared.journal.erasing import Chore
from shared.kafka.publisher import Record
from shared.runtime.telemetry import EVENTS_ERASED
from shared.schemas.customers import CustomerErased, ErasureCompleted, ErasureLifted
from shared.schemas.event import Event

from .judging import LOOKING, insights
from .memory import MemoryStore
from .merging_world import World, merged
from .rig import FAR, Rig, batch, started
from .story import event, histories, purchase, run

KEY = b"key"


def erased(subject: str, *, days: float = 60, id: str | None = None) -> Event:
    return event(CustomerErased(), days=days, subject=subject, id=id)


def lifted(subject: str) -> Event:
    return event(ErasureLifted(), days=61, subject=subject)


def completed(published: Sequence[Record]) -> list[Event]:
    """What is told of erasures, each once."""
    return [one for one in insights(published) if isinstance(one.data, ErasureCompleted)]


def removed(one: Event) -> dict[str, int]:
    assert isinstance(one.data, ErasureCompleted)
    assert one.data.service == "metrics"
    return dict(one.data.removed)


def hashes(store: MemoryStore) -> set[str]:
    return {id for name, id in store.put if name == ERASED_IDS}


def named(store: MemoryStore, customer: str) -> list[object]:
    """Where the store has the id in clear."""
    rows = [at for at, row in store.put.items() if customer in repr((at, row))]
    told = [id for row in store.rows.values() for id, kept in row.outbox.items() if customer in repr(kept)]
    return [*rows, *told, *(id for id in store.records if id == customer)]


async def test_record_goes_hash_stays_and_it_is_told_once() -> None:
    store = MemoryStore()
    rig = await started(store)
    bought = [event(purchase("a"), subject="ann"), event(purchase("b"), subject="bob")]
    await rig.processor.process(batch(bought))
    await rig.flush()
    store.put["merged", "old"] = {"_id": "old", "into": "ann"}
    store.put["raised", "t/ann/x"] = {"_id": "t/ann/x", "customer": "ann"}
    before, skipped = store.cells, EVENTS_ERASED.labels("metrics")._value.get()
    twice = erased("ann")
    await rig.processor.process(batch([twice, twice, erased("ann")], start=2))
    await rig.flush()
    await rig.processor.process(batch([event(purchase("late", 7), days=1, subject="ann")], start=5))
    await rig.flush()
    await rig.flush()
    assert [removed(one) for one in completed(rig.published)] == [{"customers": 1, "merged": 1, "raised": 1}]
    assert hashes(store) == {erased_hash(KEY, "ann")}
    assert named(store, "ann") == []
    assert [*store.records] == ["bob"]
    assert store.cells == before == run(bought)[1]
    assert EVENTS_ERASED.labels("metrics")._value.get() == skipped + 2


async def test_who_was_never_heard_of_is_erased_too() -> None:
    store = MemoryStore()
    rig = await started(store)
    await rig.processor.process(batch([erased("new"), event(purchase("a"), subject="new")]))
    await rig.flush()
    assert [removed(one) for one in completed(rig.published)] == [{}]
    assert not store.records
    assert not store.cells


async def test_a_lift_lets_them_come_back_as_new() -> None:
    store = MemoryStore()
    rig = await started(store)
    first = event(purchase("a"), subject="ann")
    await rig.processor.process(batch([first, erased("ann"), lifted("ann"), lifted("bob")]))
    await rig.flush()
    assert (ERASED_IDS, erased_hash(KEY, "ann")) not in store.put
    again = event(purchase("b"), days=62, subject="ann")
    await rig.processor.process(batch([again, first], start=4))
    await rig.flush()
    assert store.cells == run([first, event(purchase("b"), days=62, subject="other")])[1]
    assert "ann" in store.records
    await rig.processor.process(batch([erased("ann")], start=6))
    await rig.flush()
    assert len(completed(rig.published)) == 2
    assert not store.records


async def test_erased_lifted_and_erased_again_in_one_write_is_one_erasure() -> None:
    store = MemoryStore()
    rig = await started(store)
    first, second = (event(purchase(order), subject="ann") for order in ("a", "b"))
    await rig.processor.process(batch([first]))
    await rig.flush()
    told = [erased("ann"), lifted("ann"), second, erased("ann", days=62)]
    await rig.processor.process(batch(told, start=1))
    await rig.flush()
    assert [removed(one) for one in completed(rig.published)] == [{"customers": 1}]
    assert (named(store, "ann"), hashes(store)) == ([], {erased_hash(KEY, "ann")})
    assert store.cells == run([first, event(purchase("b"), subject="other")])[1]


async def test_another_worker_knows_them_and_what_an_older_store_brings_back_goes() -> None:
    store = MemoryStore()
    rig = await started(store)
    await rig.processor.process(batch([event(purchase("a"), subject="ann")]))
    await rig.flush()
    old = dict(store.records)
    await rig.processor.process(batch([erased("ann")], start=1))
    await rig.flush()
    store.records |= old
    second = await started(store)
    before = store.cells
    await second.processor.process(batch([event(purchase("b"), subject="ann")], start=2))
    await second.flush()
    assert store.cells == before
    assert not store.records
    assert completed(second.published) in ([], completed(rig.published))


async def test_a_look_brings_nobody_back() -> None:
    store = MemoryStore()
    rig = Rig(store, looking=LOOKING)
    await rig.processor.assigned(frozenset({0}), 2)
    await rig.processor.process(batch([event(purchase(s), subject=s) for s in ("ann", "bob")]))
    await rig.flush()
    await rig.processor.process(batch([erased("ann")], start=2))
    for _ in range(3):
        await rig.flush()
    assert [*store.records] == ["bob"]
    told = [one for one in insights(rig.published) if one.subject == "ann"]
    assert isinstance(told[-1].data, ErasureCompleted)
    assert named(store, "ann") == []


@settings(deadline=None, max_examples=40)
@given(
    histories(25),
    st.lists(st.tuples(st.integers(0, 25), st.sampled_from(["c1", "c2"])), min_size=1, max_size=4),
    st.lists(st.sampled_from(["batch", "flush", "crash"]), max_size=20),
    st.integers(1, 6),
)
def test_figures_are_those_of_what_came_before(
    history: Sequence[Event], erasures: Sequence[tuple[int, str]], plan: Sequence[str], size: int
) -> None:
    """Erased anywhere in the log, with duplicates, and workers that die."""
    log = [*history, *history[:5]]
    for n, (place, who) in enumerate(erasures):
        log.insert(min(place, len(log)), erased(who, id=f"x{n}"))
    gone, counts = set[str](), dict[str, Event]()
    for one in log:
        if isinstance(one.data, CustomerErased):
            gone.add(one.subject)
        elif one.subject not in gone:
            counts.setdefault(one.uid, one)
    store, published = MemoryStore(), list[Record]()
    asyncio.run(_live(store, log, plan, size, published))
    assert store.cells == run(counts.values())[1]
    assert not gone & store.records.keys()
    assert sorted(one.subject for one in completed(published)) == sorted(gone)


async def _live(
    store: MemoryStore, log: Sequence[Event], plan: Sequence[str], size: int, published: list[Record]
) -> None:
    rig, position = await started(store), 0
    for step in [*plan, "crash", *["batch"] * (len(log) // size + 1), "flush"]:
        if step == "batch":
            await rig.processor.process(batch(log[position : position + size], start=position))
            position = min(position + size, len(log))
        elif step == "flush":
            await rig.flush()
        else:
            published += rig.published
            rig = Rig(store)
            offsets = await rig.processor.assigned(frozenset({0}), 2)
            position = offsets.get(("feedback", 0), 0)
    published += rig.published


@pytest.mark.parametrize("first", ["old", "new"])
async def test_merged_ids_go_together(first: str) -> None:
    world = World()
    await world.start()
    for who in ("old", "new"):
        world.tell(event(purchase(f"of-{who}"), subject=who))
    world.tell(event(merged("new"), days=1, subject="old"))
    await world.settle()
    before = world.store.cells
    world.tell(erased(first))
    await world.settle()
    world.tell(event(purchase("late"), subject="old"))
    await world.settle()
    assert world.store.cells == before
    assert not world.store.records
    assert hashes(world.store) == {erased_hash(KEY, one) for one in ("old", "new")}
    assert not [name for name, _ in world.store.put if name in ("merged", "raised")]
    assert sorted(one.subject for one in completed(world.rig.published)) == ["new", "old"]


async def test_who_is_merged_into_somebody_erased_goes_with_them() -> None:
    world = World()
    await world.start()
    people = ("first", "old", "new")
    for who in people:
        world.tell(event(purchase(f"of-{who}"), subject=who))
    world.tell(erased("new", days=1))
    await world.settle()
    world.tell(event(merged("old"), days=2, subject="first"))
    await world.settle()
    world.tell(event(merged("new"), days=3, subject="old"))
    await world.settle()
    world.tell(event(purchase("late"), days=4, subject="first"))
    await world.settle()
    assert not world.store.records
    assert hashes(world.store) == {erased_hash(KEY, one) for one in people}
    assert sorted(one.subject for one in completed(world.rig.published)) == sorted(people)


@pytest.mark.parametrize("late", [False, True])
async def test_who_came_back_and_is_said_to_have_is_erased_when_the_worker_starts(late: bool) -> None:
    """An import of tombstones notes them; nothing of them need be heard, and it may be before."""
    store = MemoryStore()
    rig = await started(store)
    await rig.processor.process(batch([event(purchase("a"), subject=who) for who in ("ann", "bob")]))
    await rig.flush()
    before, hash = store.cells, erased_hash(KEY, "ann")
    store.put[ERASED_IDS, hash] = {"_id": hash}
    store.put["erasing", hash] = Chore(hash, "ann", None, FAR).document() | {"key_hash": 4}
    other = Rig(store)
    await other.processor.assigned(frozenset({1}), 2)
    await other.flush()
    assert sorted(store.records) == ["ann", "bob"]
    rig = await started(store)
    if late:
        await rig.processor.process(batch([event(purchase("b", 7), days=1, subject="ann")], start=2))
    await rig.flush()
    await rig.flush()
    assert [*store.records] == ["bob"]
    assert ("erasing", hash) not in store.put
    assert hashes(store) == {hash}
    assert store.cells == before
    assert [removed(one) for one in completed(rig.published)] in ([{"customers": 1}], [{}])
