"""What merging makes of figures, of health and of what is told of both."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.metrics.domain import state
from services.metrics.domain.merging import course as course_module
from services.metrics.domain.merging import joined as joined_module
from services.metrics.domain.merging.course import moved_into, standing_of
from services.metrics.domain.restating import cause
from services.metrics.domain.rows import read_moved
from services.metrics.domain.state import Customer
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintResolved
from shared.schemas.customers import CustomerMerged
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import TierChanged
from shared.schemas.times import day_number
from shared.worker.processing import FencedError

from .judging import LOOKING, insights, short
from .merging_world import World, counted_as_one, merged, unmerged
from .story import START, answered, event, opened, profile, purchase, result, returned, run, value

DAY0 = day_number(START.date())


async def told(*events: Event, world: World | None = None) -> World:
    """Each heard, with all that follows, before the next."""
    if world is None:
        world = World()
        await world.start()
    for one in events:
        world.tell(one)
        await world.settle()
    return world


def into(who: str, survivor: str, days: float = 50) -> Event:
    return event(merged(survivor), days=days, subject=who)


def apart(who: str, survivor: str, days: float = 60) -> Event:
    return event(unmerged(survivor), days=days, subject=who)


def record(world: World, id: str) -> Customer:
    return state.decode(world.store.records[id])


async def test_two_customers_who_bought_once_are_one_who_came_back() -> None:
    world = await told(
        event(purchase("o1"), days=1, subject="a"),
        event(purchase("o2"), days=9, subject="b"),
    )
    before = result(world.store.cells, "repeat_purchase_rate")
    assert (before.value, before.n) == (0.0, 2)
    await told(into("a", "b"), world=world)
    after = result(world.store.cells, "repeat_purchase_rate")
    assert (after.value, after.n) == (1.0, 1)
    assert value(world.store.cells, "revenue") == {"EUR": 200}
    await told(apart("a", "b"), world=world)
    assert result(world.store.cells, "repeat_purchase_rate") == before


async def test_the_cohort_is_that_of_the_first_purchase_of_both() -> None:
    log = [event(purchase("o1"), days=1, subject="a"), event(purchase("o2"), days=40, subject="b")]
    world = await told(*log, into("a", "b"))
    assert world.store.cells == counted_as_one(log, {"a": "b"})
    assert sorted(record(world, "b").months or ()) == sorted(run(_of("b", log))[0]["b"].data.months or ())


def _of(id: str, log: Sequence[Event]) -> list[Event]:
    return [replace(one, subject=id) for one in log]


async def test_an_order_of_both_counts_once_by_its_first_account() -> None:
    log = [
        event(purchase("o", 300), days=5, subject="b"),
        event(purchase("o", 100), days=2, subject="a"),
        event(returned("o", 40, name="r"), days=6, subject="b"),
        event(returned("o", 10, name="s"), days=7, subject="a"),
    ]
    world = await told(*log, into("a", "b"))
    assert value(world.store.cells, "revenue") == {"EUR": 50}
    await told(apart("a", "b"), world=world)
    assert value(world.store.cells, "revenue") == {"EUR": 350}


async def test_a_return_told_of_the_survivor_finds_the_order_of_the_old_id() -> None:
    world = await told(
        event(purchase("o", 300), days=2, subject="a"),
        into("a", "b"),
        event(returned("o", 100), days=52, subject="b"),
    )
    assert value(world.store.cells, "revenue") == {"EUR": 200}
    await told(apart("a", "b"), world=world)
    assert record(world, "a").orders["o"].left == 200


async def test_a_complaint_goes_on_under_the_survivor() -> None:
    resolved = ComplaintResolved(complaint_id="k1", resolution="Sent.", root_cause="carrier")
    log = [
        event(opened("k1"), days=1, subject="a"),
        into("a", "b", days=2),
        event(resolved, days=90, subject="b"),
    ]
    world = await told(*log)
    assert value(world.store.cells, "open_complaints") == 0
    assert world.store.cells == counted_as_one(log, {"a": "b"})
    await told(apart("a", "b"), world=world)
    assert record(world, "a").complaints["k1"].life.status == "resolved"


async def test_a_step_heard_before_what_is_handed_over_waits_for_it() -> None:
    resolved = event(ComplaintResolved(complaint_id="k1", resolution="Sent."), days=3, subject="b")
    log = [event(opened("k1"), days=1, subject="a"), resolved, into("a", "b")]
    assert (await told(*log)).store.cells == counted_as_one(log, {"a": "b"})


async def test_of_two_answers_about_one_thing_the_later_holds() -> None:
    log = [
        event(answered("nps", 10, "o"), days=4, subject="a"),
        event(answered("nps", 0, "o"), days=3, subject="b"),
        event(purchase("o", channel="store"), days=1, subject="b"),
    ]
    world = await told(*log, into("a", "b"))
    found = result(world.store.cells, "nps")
    assert (found.value, found.n) == (100.0, 1)
    assert world.store.cells == counted_as_one(log, {"a": "b"})
    assert value(world.store.cells, "nps", channel="store") == 100.0


async def test_the_later_profile_names_the_segment_and_loyalty_tells_the_tier_of_the_survivor() -> None:
    tier = TierChanged.model_validate({"from": "basic", "to": "gold", "reason": "earned"})
    log = [
        event(profile("vip"), days=4, subject="a"),
        event(profile("plain"), days=3, subject="b"),
        event(tier, days=5, subject="a"),
        event(purchase("o"), days=1, subject="b"),
    ]
    world = await told(*log, into("a", "b"))
    joined = record(world, "b")
    assert (joined.segment, joined.tier) == ("vip", "")
    assert value(world.store.cells, "revenue", segment="vip") == {"EUR": 100}
    assert not value(world.store.cells, "revenue", tier="gold")


async def test_of_the_old_id_nothing_is_kept_but_where_it_is() -> None:
    world = await told(event(purchase("o"), days=1, subject="a"), into("a", "b"))
    gone = record(world, "a")
    assert moved_into(gone) == "b"
    assert not gone.orders
    standing = standing_of(record(world, "b"))
    assert standing is not None
    assert standing.ids == ("a",)
    assert world.store.put["merged", "a"]["into"] == "b"


async def test_who_is_apart_again_has_no_trace_of_it_but_what_was_undone() -> None:
    world = await told(event(purchase("o"), days=1, subject="a"), event(purchase("p"), days=2, subject="b"))
    before = {id: record(world, id) for id in "ab"}
    await told(into("a", "b"), apart("a", "b"), world=world)
    for id in "ab":
        after = record(world, id)
        assert after.merging is None or not after.merging.parts
        after.merging = None
        assert after == before[id]


async def test_a_day_told_long_ago_is_corrected_with_the_merge_as_its_cause() -> None:
    world = await told(
        event(purchase("o1"), days=1, subject="a"),
        event(purchase("o2"), days=1, subject="b"),
        event(purchase("o3"), days=2, subject="b"),
    )
    known = {key for key in world.store.put if key[0] == "moved"}
    await told(into("a", "b"), world=world)
    rows = [row for key, row in world.store.put.items() if key[0] == "moved" and key not in known]
    moved = [read_moved(row) for row in rows]
    days = {day for one in moved for day in one.sums or {}}
    assert days == {DAY0, DAY0 + 1}  # the month's cohort, and the day on which both bought
    assert cause(moved, DAY0 + 1) == CustomerMerged.event_type
    assert sum(one.late for one in moved) == 1


def message(conversation: str) -> Data:
    said: dict[str, Any] = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": "."}
    return InteractionLogged.model_validate(said | {"conversation_id": conversation})


async def test_a_conversation_of_both_is_one() -> None:
    complaint = opened("k1").model_copy(update={"conversation_id": "v1"})
    log = [
        event(message("v1"), days=1, subject="a"),
        event(complaint, days=1.1, subject="a"),
        event(message("v1"), days=2, subject="b"),
        event(ComplaintResolved(complaint_id="k1", resolution="."), days=3, subject="b"),
        into("a", "b"),
    ]
    assert (await told(*log)).store.cells == counted_as_one(log, {"a": "b"})


@pytest.mark.parametrize("data", [answered("nps", 10), purchase("o"), opened("k1")])
async def test_a_copy_of_what_was_relayed_has_no_effect_once_the_ids_are_apart(data: Data) -> None:
    once = event(data, days=2, subject="a")
    world = await told(into("a", "b"), once, apart("a", "b"), once)
    assert world.store.cells == counted_as_one([once], {})


async def test_a_relayed_event_that_cannot_be_counted_is_a_dead_letter_of_the_survivor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await told(into("a", "b"))

    def fails(*_: object) -> None:
        raise ArithmeticError("no such number")

    monkeypatch.setattr(joined_module, "taken", fails)
    monkeypatch.setattr(course_module, "taken", fails)
    world.tell(event(purchase("o"), days=60, subject="a", id="bad"))
    with pytest.raises(FencedError):
        await world.settle()
    letters = [record for record in world.rig.published if record.topic.endswith(".dlq")]
    assert [(letter.topic, letter.key) for letter in letters] == [("purchases.dlq", b"b")]
    assert json.loads(letters[0].value or b"")["subject"] == "b"


async def test_a_bad_relay_is_told_right_under_its_own_id() -> None:
    """Of what may be bad the old id keeps no ids when it relays: the survivor says if it has an effect."""
    wrong = event(returned("o", 50, "USD"), days=4, subject="a", id="r")
    right = replace(wrong, data=returned("o", 50))
    world = await told(event(purchase("o"), days=1, subject="a"), into("a", "b"), wrong, right, right)
    assert value(world.store.cells, "revenue") == {"EUR": 50}


def short_of(world: World, id: str) -> list[str]:
    told = [one for one in world.rig.published if one.topic == "insights"]
    return [short(one) for one in insights(told) if one.subject == id]


async def test_health_is_that_of_both_and_segments_have_one_customer() -> None:
    world = World(looking=LOOKING)
    world.rig.now = START + timedelta(days=40, hours=12)
    await world.start()
    await told(
        event(purchase("o1"), days=5, subject="a"), event(purchase("o2"), days=38, subject="b"), world=world
    )

    def sizes() -> dict[str, int]:
        total = Counter[tuple[str, str]]()
        for row in world.store.rows.values():
            total.update(row.segments)
        return {name: n for (name, what), n in total.items() if what == "customers" and n}

    assert sizes() == {"at_risk": 1, "champions": 1}
    await told(into("a", "b"), world=world)
    assert sizes() == {"champions": 1}
    assert not record(world, "a").looked.segment
    await told(event(purchase("o3"), days=39, subject="a"), world=world)
    assert record(world, "b").looked.score == 98
    await told(apart("a", "b"), world=world)
    await world.flush()  # customers are looked at in idle time
    assert sizes() == {"champions": 2}
    assert short_of(world, "a")[-2:] == ["a segment.changed champions", "a health.changed 99"]
    assert {place for _, place, _ in world.store.cells} == {"champions|web", "champions|"}
