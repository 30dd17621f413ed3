"""Whatever happens on the way, merged ids count as one customer, and as two once they are apart."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.facts.names import name_of
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from tests.examples import examples

from .merging_world import World, counted_as_one, merged, unmerged
from .story import event, histories

IDS = ("c1", "c2", "c3")
PLACES = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 9)), max_size=40)
"""What is read when: of the places that are behind the so manieth, and how many records; 7: a flush, whose
worker dies before it publishes where many records are asked for."""
MERGES = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda m: m[1] != m[2]),
    max_size=4,
)
"""Before which event, who, and into whom."""


def with_own_things(history: Sequence[Event]) -> list[Event]:
    """The things of each id are its own."""
    return [replace(one, data=_renamed(one)) for one in history]


def _renamed(one: Event) -> Any:
    data, changes = one.data, {}
    for name in ("order_id", "complaint_id", "subscription_id"):
        if getattr(data, name, None):
            changes[name] = f"{one.subject}-{getattr(data, name)}"
    if (about := getattr(data, "about", None)) is not None:
        changes["about"] = about.model_copy(update={"id": f"{one.subject}-{about.id}"})
    return data.model_copy(update=changes) if changes else data


def named_once(history: Sequence[Event]) -> list[Event]:
    """Without what is told again of a thing under another event id: while its first telling is on its way
    home, the one that is heard there first holds."""
    told: dict[Any, Event] = {}
    for n, one in enumerate(history):
        name = name_of(one)
        told.setdefault(n if name is None else (one.subject, name.key), one)
    return list(told.values())


def with_merges(history: Sequence[Event], merges: Sequence[tuple[int, str, str]]) -> list[Event]:
    told = list(history)
    for n, (at, who, into) in enumerate(sorted(merges, reverse=True)):
        fact = replace(event(merged(into), days=100 + n, subject=who), id=f"m{n}")
        told.insert(min(at, len(told)), fact)
    return told


async def live(world: World, told: Sequence[Event], plan: Sequence[tuple[int, int]]) -> None:
    """The events are in the log, copies of some too, and the worker reads as the plan has it; then all."""
    await world.start()
    for n, one in enumerate(told):
        world.tell(one)
        if n % 5 == 0:
            world.tell(one)
    for which, most in plan:
        behind = world.behind()
        if which == 7:
            await (world.die_before_publishing() if most > 6 else world.flush())
        elif which == 6 and most > 6:
            await world.start()
        elif behind:
            await world.read(behind[which % len(behind)], most)
    await world.settle()


def together(merges: Sequence[tuple[int, str, str]]) -> list[set[str]]:
    groups = [{id} for id in IDS]
    for _, who, into in merges:
        joined = set().union(*(group for group in groups if who in group or into in group))
        groups = [joined, *(group for group in groups if not group & joined)]
    return groups


@settings(deadline=None, max_examples=examples(80))
@given(histories(30), MERGES, PLACES)
def test_merged_ids_count_as_one_customer(
    history: Sequence[Event], merges: Sequence[tuple[int, str, str]], plan: Sequence[tuple[int, int]]
) -> None:
    own = with_own_things(history)
    world = World()
    asyncio.run(live(world, with_merges(own, merges), plan))
    assert world.store.cells == counted_as_one(own, world.survivors)
    ends = {id: world.survivors.get(id, id) for id in IDS}
    assert all(len({ends[id] for id in group}) == 1 for group in together(merges))


@settings(deadline=None, max_examples=examples(80))
@given(histories(30), MERGES, PLACES, PLACES, st.booleans())
def test_ids_that_are_apart_again_count_as_if_never_merged(
    history: Sequence[Event],
    merges: Sequence[tuple[int, str, str]],
    plan: Sequence[tuple[int, int]],
    more: Sequence[tuple[int, int]],
    at_once: bool,
) -> None:
    own, world = named_once(with_own_things(history)), World()
    half = len(own) // 2

    async def apart() -> None:
        await live(world, with_merges(own[:half], merges), plan)
        for n in range(4):  # of a chain the first one first, and then what is left
            moved = {id: row["into"] for (name, id), row in world.store.put.items() if name == "merged"}
            for id, into in sorted(moved.items()):
                if into is not None:
                    world.tell(event(unmerged(into), days=200 + n, subject=id))
            if not at_once:
                await world.settle()
        await live_on(world, own[half:], more)

    asyncio.run(apart())
    assert world.store.cells == counted_as_one(own, {})


async def live_on(world: World, told: Sequence[Event], plan: Sequence[tuple[int, int]]) -> None:
    for one in told:
        world.tell(one)
    for which, most in plan:
        behind = world.behind()
        if which == 7:
            await (world.die_before_publishing() if most > 6 else world.flush())
        elif behind:
            await world.read(behind[which % len(behind)], most)
    await world.settle()


def as_one_would_be_told(history: Sequence[Event]) -> list[Event]:
    """No two at one time, and each thing begun once: of all else the order of the log decides."""
    told, begun = [], set()
    for n, one in enumerate(history):
        data = one.data
        thing = None
        if isinstance(data, PurchaseMade):
            thing = data.order_id
        if isinstance(data, ComplaintOpened):
            thing = data.complaint_id
        if isinstance(data, PurchaseReturned):
            thing = f"return of {data.order_id}"
        if thing is not None and thing in begun:
            continue
        begun.add(thing)
        told.append(event(data, days=n / 10, subject=one.subject, id=one.id))
    return told


@settings(deadline=None, max_examples=examples(80))
@given(histories(30), PLACES)
def test_what_several_ids_tell_of_one_thing_counts_as_of_one_customer(
    history: Sequence[Event], plan: Sequence[tuple[int, int]]
) -> None:
    told, world = as_one_would_be_told(history), World()
    merges = [(7, "c1", "c2"), (11, "c3", "c1")]
    asyncio.run(live(world, with_merges(told, merges), plan))
    assert world.store.cells == counted_as_one(told, dict.fromkeys(IDS, "c2"))
