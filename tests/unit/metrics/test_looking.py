"""Customers' health is looked at each night, in idle time; what is told does not depend on when that was."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.errors import DocumentTooLarge

from services.metrics.domain import insights as domain
from services.metrics.domain.insights import InsightsPolicy
from services.metrics.domain.places import segment_and_channel
from services.metrics.domain.state import Customer, Looked, decode
from services.metrics.journal import looking as looking_module
from services.metrics.journal.looking import Looking
from services.metrics.journal.writes import Write
from shared.schemas.event import Event
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged
from shared.schemas.times import DAY, day_of, micros
from shared.worker.processing import Batch, FencedError
from tests.examples import examples

from .judging import LOOKING, POLICY, insights, judge, short
from .memory import MemoryStore
from .rig import FAR, Rig, batch
from .story import START, event, profile, purchase, run

NIGHT0 = day_of(micros(START))


class KilledError(BaseException):
    """The process ends here."""


class Life:
    """One partition's worker under the stream clock, which dies now and then."""

    def __init__(self, log: Sequence[Event], looking: Looking = LOOKING) -> None:
        self.store = MemoryStore()
        self.log = log
        self.looking = looking
        self.published: list[Any] = []
        self.rig = self._rig()
        self.position = 0

    def _rig(self) -> Rig:
        rig = Rig(self.store, stream=True, looking=self.looking)
        rig.published = self.published
        return rig

    async def take_over(self) -> None:
        stored = await self.rig.processor.assigned(frozenset({0}), 1)
        self.position = stored.get(("feedback", 0), 0)

    async def read(self, size: int) -> None:
        some = self.log[self.position : self.position + size]
        if some:
            await self.rig.processor.process(batch(some, start=self.position, at=some[-1].time))
            self.position += len(some)

    async def die(self) -> None:
        self.rig = self._rig()
        await self.take_over()

    async def step(self, what: str, size: int) -> None:
        match what:
            case "read":
                await self.read(size)
            case "idle":
                self.rig.time += 0.2
                await self.rig.processor.idle()
            case "flush":
                await self.rig.flush()
            case "die":
                await self.die()
            case "die publishing":
                self.rig.fails = KilledError()
                try:
                    await self.rig.flush()
                except KilledError:
                    await self.die()
                self.rig.fails = None

    async def end(self, days: int) -> None:
        """All is read, the clock goes on so many days, and there is time for everything."""
        await self.read(len(self.log))
        end = START + timedelta(days=days)
        await self.rig.processor.process(Batch(0, 1, (), end, end, {("clock", 0): 1}))
        for _ in range(60):
            await self.rig.flush()


def expected(log: Sequence[Event], days: int, policy: InsightsPolicy = POLICY) -> dict[str, list[str]]:
    """By a plain model: each customer, each night, all facts in hand."""
    told: dict[str, list[str]] = {}
    for subject, tracked in run(log)[0].items():
        looked = Looked()
        for night in domain.nights(subject, tracked.data, None, NIGHT0 + days, policy):
            looked, said = domain.told(looked, judge(tracked.data, night), policy, night)
            told.setdefault(subject, []).extend(f"{night // DAY - NIGHT0} {data!r}" for data in said)
    return told


def by_subject(life: Life) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for one in insights(life.published):
        night = micros(one.time) // DAY - NIGHT0
        told.setdefault(one.subject, []).append(f"{night} {one.data!r}")
    return told


ORDERS = st.lists(st.tuples(st.integers(0, 90), st.sampled_from(["a", "b", "c", "d"])), max_size=12)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["read", "read", "idle", "idle", "flush", "die", "die publishing"]), st.integers(1, 5)
    ),
    max_size=30,
)


@given(ORDERS, STEPS, st.sampled_from([1, 7]))
@settings(max_examples=examples(150), deadline=None)
async def test_replayed_or_lived_killed_or_not_the_same_is_told(
    orders: list[tuple[int, str]], steps: list[tuple[str, int]], every: int
) -> None:
    log = [
        event(purchase(f"o{n}"), days=day + 0.5, subject=subject, id=f"e{n}")
        for n, (day, subject) in enumerate(sorted(orders))
    ]
    policy = POLICY.model_copy(update={"every_nights": every})
    life = Life(log, Looking(judge, policy))
    await life.take_over()
    for what, size in steps:
        await life.step(what, size)
    await life.end(200)
    assert by_subject(life) == expected(log, 200, policy)
    assert life.store.rows[0].outbox == {}


async def test_each_night_tells_what_is_another_than_before() -> None:
    life = Life([event(purchase("o1"), days=0.5)])
    await life.take_over()
    await life.end(75)
    told = [(micros(one.time) // DAY - NIGHT0, one.data) for one in insights(life.published)]
    segments = [(night, data.from_, data.to) for night, data in told if isinstance(data, SegmentChanged)]
    assert segments == [(1, None, "champions"), (31, "champions", "at_risk"), (61, "at_risk", "lost")]
    scores = [(night, data.score) for night, data in told if isinstance(data, HealthChanged)]
    assert scores == [(1, 100), (11, 90), (21, 80), (31, 70), (41, 60), (51, 50), (61, 40), (71, 30)]
    [(night, warning)] = [(night, data) for night, data in told if isinstance(data, ChurnWarned)]
    assert (night, warning.probability) == (61, 0.6)
    assert [driver.driver for driver in warning.drivers] == ["recency"]


async def test_who_comes_back_and_goes_again_is_warned_of_again() -> None:
    life = Life([event(purchase("o1"), days=0.5), event(purchase("o2"), days=80.5)])
    await life.take_over()
    await life.end(160)
    warned = [one for one in insights(life.published) if isinstance(one.data, ChurnWarned)]
    assert [micros(one.time) // DAY - NIGHT0 for one in warned] == [61, 141]


async def wall(log: Sequence[Event], looking: Looking = LOOKING, store: MemoryStore | None = None) -> Rig:
    rig = Rig(store or MemoryStore(), looking=looking)
    rig.now = START + timedelta(days=40, hours=12)
    await rig.processor.assigned(frozenset({0}), 1)
    await rig.processor.process(batch(log))
    return rig


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
    monkeypatch.setattr(looking_module, "MOST_CHANGED", 10)
    rig = await wall([event(purchase(f"o{n}"), days=0.5, subject=f"c{n:03d}") for n in range(40)])
    await rig.flush()  # they are written, ten are looked at
    await rig.flush()  # and told
    assert len({one.subject for one in insights(rig.published)}) == 10
    judged: list[Customer] = []

    def counting(customer: Customer, at: int) -> Any:
        judged.append(customer)
        return judge(customer, at)

    other = Rig(rig.store, looking=Looking(counting, POLICY))
    other.now = rig.now
    await other.processor.assigned(frozenset({0}), 1)
    for _ in range(10):
        await other.flush()
    told = insights([*rig.published, *other.published])
    assert len({one.subject for one in told}) == 40
    assert len(told) == 80
    assert len(judged) <= 40


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
    def fails(customer: Customer, at: int) -> Any:
        if "bad" in customer.orders:
            raise ZeroDivisionError
        return judge(customer, at)

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


def test_nights_are_those_after_something_happened_and_every_so_many() -> None:
    tracked = run([event(purchase("o1"), days=0.5), event(purchase("o2"), days=9.5)])[0]["c1"]
    every = list(domain.nights("c1", tracked.data, None, NIGHT0 + 12, POLICY))
    assert [night // DAY - NIGHT0 for night in every] == [*range(1, 13)]
    seldom = POLICY.model_copy(update={"every_nights": 31})
    found = [night // DAY - NIGHT0 for night in domain.nights("c1", tracked.data, None, NIGHT0 + 12, seldom)]
    assert {1, 10} <= set(found)
    assert len(found) <= 3
    assert list(domain.nights("c1", tracked.data, NIGHT0 + 12, NIGHT0 + 12, POLICY)) == []
    assert list(domain.nights("c1", Customer(), None, NIGHT0 + 12, POLICY)) == []
    assert FAR > START
