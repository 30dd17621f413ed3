"""Customers' health under the wall clock: soon after something happened, each night, and through trouble."""

from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import DocumentTooLarge

from services.metrics.domain.fits import Parameters
from services.metrics.domain.places import segment_and_channel
from services.metrics.domain.state import Customer, decode
from services.metrics.journal import looking as looking_module
from services.metrics.journal.looking import Looking
from services.metrics.journal.writes import Write
from shared.schemas.insights import SegmentChanged
from shared.schemas.times import day_of, micros
from shared.worker.processing import FencedError

from .judging import LOOKING, POLICY, insights, judge, short, wall
from .memory import MemoryStore
from .rig import Rig, batch
from .story import START, event, profile, purchase, run

NIGHT0 = day_of(micros(START))


async def test_under_the_wall_clock_a_customer_is_looked_at_soon_after_something_happened() -> None:
    rig = await wall([event(purchase("o1"), days=0.5)])
    await rig.flush()
    await rig.flush()
    told = [short(one) for one in insights(rig.published)]
    assert told == ["c1 segment.changed at_risk", "c1 health.changed 60"]
    await rig.processor.process(batch([event(purchase("o2"), days=40.25)], start=1))
    await rig.flush()
    await rig.flush()
    now = [short(one) for one in insights(rig.published)][2:]
    assert now == ["c1 segment.changed champions", "c1 health.changed 100"]
    assert all(one.time == rig.now for one in insights(rig.published))


async def test_under_the_wall_clock_the_quiet_are_looked_at_each_night() -> None:
    rig = await wall([event(purchase(f"o{n}"), days=20.5, subject=f"c{n:03d}") for n in range(250)])
    for _ in range(10):
        await rig.flush()
    assert len(insights(rig.published)) == 500
    rig.now += timedelta(days=12)
    for _ in range(10):
        await rig.flush()
    told = insights(rig.published)[500:]
    assert sorted({one.subject for one in told}) == [f"c{n:03d}" for n in range(250)]
    assert {one.data.to for one in told if isinstance(one.data, SegmentChanged)} == {"at_risk"}


async def test_a_sweep_goes_on_where_another_worker_left_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = await wall([event(purchase(f"o{n}"), days=20.5, subject=f"c{n:03d}") for n in range(40)])
    for _ in range(3):
        await rig.flush()
    assert len(insights(rig.published)) == 80
    monkeypatch.setattr(looking_module, "MOST_CHANGED", 10)
    rig.now += timedelta(days=12)
    await rig.flush()  # ten are looked at
    await rig.flush()  # and told, and ten more looked at
    assert len(insights(rig.published)) == 100
    judged: list[Customer] = []

    def counting(customer: Customer, parameters: Parameters, at: int) -> Any:
        judged.append(customer)
        return judge(customer, parameters, at)

    other = Rig(rig.store, looking=Looking(counting, POLICY))
    other.now = rig.now
    await other.processor.assigned(frozenset({0}), 1)
    for _ in range(10):
        await other.flush()
    told = insights([*rig.published, *other.published])
    assert len(told) == 160
    assert len(judged) == 30


async def test_customers_of_other_partitions_are_left_to_their_workers() -> None:
    store = MemoryStore()
    log = [event(purchase(f"o{n}"), days=0.5, subject=f"c{n}") for n in range(40)]
    first = await wall(log, store=store)
    await first.flush()
    rigs = []
    for number in (0, 1):
        rig = Rig(store, looking=LOOKING)
        rig.now = first.now
        await rig.processor.assigned(frozenset({number}), 2)
        rigs.append(rig)
        for _ in range(4):
            await rig.flush()
    told = [{one.subject for one in insights(rig.published)} for rig in rigs]
    assert told[0] | told[1] >= {e.subject for e in log}
    assert not told[0] & told[1]


def segments(rig: Rig) -> set[str]:
    """Those that something counts in."""
    found = (segment_and_channel(place) for _, place, _ in rig.store.cells)
    return {both[0] for both in found if both is not None}


async def test_it_holds_where_the_profile_names_no_segment() -> None:
    log = [
        event(purchase("o1"), days=0.5, subject="plain"),
        event(purchase("o2"), days=0.5, subject="named"),
        event(profile("gold"), days=0.6, subject="named"),
    ]
    rig = await wall(log)
    await rig.flush()
    await rig.flush()
    assert segments(rig) == {"at_risk", "gold"}
    told = [one.data.to for one in insights(rig.published) if isinstance(one.data, SegmentChanged)]
    assert told == ["at_risk", "at_risk"], "it is told all the same"
    await rig.processor.process(batch([event(profile(None), days=1, subject="named")], start=3))
    await rig.flush()
    assert segments(rig) == {"at_risk"}
    await rig.processor.process(batch([event(profile("vip"), days=2, subject="plain")], start=4))
    await rig.flush()
    assert segments(rig) == {"at_risk", "vip"}
    for subject in ("plain", "named"):
        record = decode(rig.store.records[subject])
        assert record.placed is (subject == "named")


async def test_the_customers_of_each_segment_are_counted() -> None:
    log = [event(purchase(f"o{n}"), days=0.5, subject=f"c{n}") for n in range(3)]
    rig = await wall(log)
    await rig.flush()
    await rig.flush()
    rig.now += timedelta(days=25)
    for _ in range(5):
        await rig.flush()
    counts = rig.store.rows[0].segments
    assert {k: n for k, n in counts.items() if n} == {("lost", "customers"): 3, ("lost", "score"): 105}


async def test_a_customer_who_cannot_be_judged_is_left_alone() -> None:
    def fails(customer: Customer, parameters: Parameters, at: int) -> Any:
        if "bad" in customer.orders:
            raise ZeroDivisionError
        return judge(customer, parameters, at)

    log = [
        event(purchase("bad"), subject="b"),
        event(purchase("o1"), subject="a"),
        event(purchase("o2"), subject="c"),
    ]
    rig = await wall(log, Looking(fails, POLICY))
    for _ in range(5):
        await rig.flush()
    assert {one.subject for one in insights(rig.published)} == {"a", "c"}
    sweep = rig.store.rows[0].sweep
    assert sweep is not None
    assert sweep.done == NIGHT0 + 40


async def test_a_record_that_cannot_be_read_stops_no_sweep() -> None:
    store = MemoryStore()
    store.records["b"] = b"\xc1 not a record"
    rig = await wall([event(purchase("o1"), subject="a"), event(purchase("o2"), subject="c")], store=store)
    for _ in range(5):
        await rig.flush()
    assert {one.subject for one in insights(rig.published)} == {"a", "c"}


@pytest.mark.parametrize("bad", [0, 7, 29])
async def test_what_the_store_refuses_to_keep_of_one_is_told_of_all_others(bad: int) -> None:
    """The record of one is refused with what is told in it: that customer is left out, and no event is."""

    def refuses(write: Write) -> Exception | None:
        record = write.customers.get(f"c{bad:02d}")
        told = record is not None and decode(record).looked.at is not None
        return DocumentTooLarge("16 MB") if told else None

    store = MemoryStore()
    store.refuses = refuses
    log = [event(purchase(f"o{n}"), days=0.5, subject=f"c{n:02d}", id=f"e{n}") for n in range(30)]
    rig = Rig(store, looking=LOOKING)
    rig.now = START + timedelta(days=40)
    fences = 0
    for _ in range(40):
        position = (await rig.processor.assigned(frozenset({0}), 1)).get(("feedback", 0), 0)
        try:
            await rig.processor.process(batch(log[position:], start=position))
            for _ in range(12):
                await rig.flush()
        except FencedError:
            fences += 1
            continue
        break
    assert fences < 12
    assert [r for r in rig.published if r.topic.endswith(".dlq")] == []
    told = insights(rig.published)
    assert len({one.subject for one in told}) == 29
    assert len(told) == 58
    assert {field for *_, field in store.cells} == {field for *_, field in run(log)[1]}


async def test_looking_waits_for_a_store_that_is_away_and_counting_goes_on() -> None:
    rig = await wall([event(purchase("o1"), days=0.5)])
    await rig.flush()
    rig.store.away = True
    for _ in range(5):
        await rig.flush()
    rig.store.away = False
    await rig.flush()
    await rig.flush()
    assert len(insights(rig.published)) == 2


async def test_a_record_that_is_no_customers_has_no_health() -> None:
    store = MemoryStore()
    rig = await wall([event(purchase("o1"), subject="a")], store=store)
    await rig.flush()
    store.records["team/care"] = store.records["a"]
    assert rig.processor._partitions[0].looks.owing(["team/care", "a"]).new == ("a",)
    rig.now += timedelta(days=1)
    for _ in range(5):
        await rig.flush()
    assert {one.subject for one in insights(rig.published)} == {"a"}
