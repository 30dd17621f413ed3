"""Customers' health is looked at each night, in idle time; what is told does not depend on when that was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain import insights as domain
from services.metrics.domain.fits import Fit, Fits, Parameters
from services.metrics.domain.insights import InsightsPolicy
from services.metrics.domain.looked import Looked
from services.metrics.domain.state import END, Customer
from services.metrics.journal.looking import Looking
from shared.schemas.event import Event
from shared.schemas.insights import ChurnWarned, HealthChanged, ModelFitted, SegmentChanged
from shared.schemas.times import DAY, day_of, micros
from shared.worker.processing import Batch
from tests.examples import examples

from .judging import LOOKING, POLICY, insights, judge
from .memory import MemoryStore
from .rig import Rig, batch
from .story import START, event, purchase, run

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
            looked, said = domain.told(looked, judge(tracked.data, {}, night), policy, night)
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


async def test_scores_of_a_night_go_by_the_models_as_they_were_fitted_then() -> None:
    """What is fitted later changes nothing that is told of nights before, however late they are looked at."""

    def by_model(customer: Customer, parameters: Parameters, at: int) -> Any:
        r = parameters.get("bg-nbd", {}).get("r", 0.0)
        return replace(judge(customer, parameters, at), segment=f"r is {r}")

    def fitted(r: float, days: float) -> Event:
        data = ModelFitted(model="bg-nbd", parameters={"r": r, "a.b": 1.0})
        return event(data, days=days, subject="bg-nbd", id=f"m{r}")

    log = [event(purchase("o1"), days=0.5), fitted(0.25, 3.5), fitted(0.5, 8.0), fitted(0.25, 3.5)]
    life = Life(log, Looking(by_model, POLICY))
    await life.take_over()
    await life.end(20)
    told = [
        (micros(one.time) // DAY - NIGHT0, one.data.to)
        for one in insights(life.published)
        if isinstance(one.data, SegmentChanged)
    ]
    assert told == [(1, "r is 0.0"), (4, "r is 0.25"), (8, "r is 0.5")]
    assert life.store.records.keys() == {"c1"}, "a model is no customer"


def test_of_each_model_the_latest_fit_holds() -> None:
    fits = Fits([Fit("b", 7, {"x": 3.0}), Fit("a", 5, {"x": 1.0}), Fit("a", 7, {"x": 2.0})])
    assert fits.at(4) == {}
    assert fits.at(6) == {"a": {"x": 1.0}}
    assert fits.at(7) == {"a": {"x": 2.0}, "b": {"x": 3.0}}
    assert fits.at(8) is fits.at(7)


def test_nights_are_those_since_the_first_fact_and_the_last_look() -> None:
    def nights(customer: Customer, done: int | None, until: int, every: int = 1) -> list[int]:
        policy = POLICY.model_copy(update={"every_nights": every})
        known = None if done is None else NIGHT0 + done
        found = domain.nights("c1", customer, known, NIGHT0 + until, policy)
        return [night // DAY - NIGHT0 for night in found]

    tracked = run([event(purchase("o1"), days=0.5), event(purchase("o2"), days=9.5)])[0]["c1"]
    assert nights(tracked.data, None, 12) == [*range(1, 13)]
    assert nights(tracked.data, 7, 12) == [*range(8, 13)]
    assert nights(tracked.data, 12, 12) == []
    tracked.data.looked = Looked(at=(NIGHT0 + 4) * DAY)
    assert nights(tracked.data, None, 6) == [5, 6]
    assert nights(Customer(), None, 12) == []
    seldom = nights(tracked.data, 0, 40, every=7)
    assert [b - a for a, b in pairwise(seldom)] == [7] * (len(seldom) - 1)
    assert nights(tracked.data, seldom[0], 40, every=7) == seldom[1:], "wherever one begins"


def test_of_an_older_version_the_first_order_counts() -> None:
    tracked = run([event(purchase("o1"), days=3.5)])[0]["c1"]
    tracked.data.since = END
    assert [*domain.nights("c1", tracked.data, None, NIGHT0 + 5, POLICY)] == [
        (NIGHT0 + n) * DAY for n in (4, 5)
    ]
