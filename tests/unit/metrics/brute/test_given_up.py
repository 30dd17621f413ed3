"""Churn with a bound of P(alive) equals what DuckDB counts day by day, whatever is late, told twice or looked
at when; also the parameters of models may be heard late."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from services.metrics.domain.buyers import Days
from services.metrics.domain.cells import Delta
from services.metrics.domain.churn import churned
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.places import Selection
from services.metrics.domain.sums import Standing, Sums, by_place
from services.metrics.journal.looking import Looking
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.insights import ModelFitted
from shared.schemas.times import DAY, moment
from shared.worker.processing import Batch
from tests.examples import examples

from ..judging import POLICY, judge
from ..memory import MemoryStore
from ..rig import Rig, batch
from ..story import START, event, opened, started
from .kpis import Brute
from .stories import CUSTOMERS, Story
from .test_brute_force import DAY0

DAYS, END = 260, 300
WINDOWS = ((30, 59), (60, 60), (90, 119), (40, 200), (150, 260), (0, 299))
FITTED = (
    ("bg-nbd", 25, (0.8, 2.0, 1.0, 2.0)),
    ("mbg-nbd", 60, (0.6, 3.0, 0.9, 1.4)),
    ("bg-nbd", 110, (1.4, 1.5, 1.2, 1.8)),
    ("bg-nbd", 111.5, (0.5, 4.0, 0.6, 2.5)),
    ("mbg-nbd", 190, (1.1, 2.0, 1.0, 1.0)),
)


def fitted(model: str, day: float, numbers: Sequence[float]) -> Event:
    parameters = dict(zip(("r", "alpha", "a", "b"), numbers, strict=True))
    return event(ModelFitted(model=model, parameters=parameters), days=day, subject=model, id=f"{model}{day}")


class Purchases(Story):
    """A story of purchases and returns."""

    def _data(self, n: int) -> Data:
        return self._purchase(n) if self.r.random() < 0.8 else self._return(n)


def complaint(n: int, r: random.Random) -> tuple[Event, Event]:
    """Opened, and solved the day after."""
    subject, day, cause = r.choice(CUSTOMERS), r.random() * DAYS, r.choice(["carrier", "price"])
    solved = ComplaintResolved(complaint_id=f"k{n}", resolution=".", root_cause=cause)
    opens = event(opened(f"k{n}"), days=day, subject=subject, id=f"opened{n}")
    return opens, event(solved, days=day + 1, subject=subject, id=f"solved{n}")


def log(seed: int, *, subscribed: bool, late: bool) -> list[Event]:
    r = random.Random(seed)
    told = Purchases(seed, DAYS, latest=60.0 if late else 0.0).log(110)
    others = [fitted(*fit) for fit in FITTED]
    others += [one for n in range(12) for one in complaint(n, r)]
    if subscribed:
        others.append(event(started("s", 90), days=40, subject="c1", id="term"))
    for one in others:
        place = next((n for n, e in enumerate(told) if e.time > one.time), len(told))
        told.insert(r.randrange(place, len(told) + 1) if late else place, one)
    return told


async def lived(events: Sequence[Event], policy: ChurnPolicy, seed: int, store: MemoryStore) -> Delta:
    """By a worker under the stream clock that looks when it has time for it, and dies now and then."""
    r, at, here = random.Random(seed), START, 0
    looking = Looking(judge, POLICY.model_copy(update={"every_nights": r.choice([1, 1, 5])}), policy)
    rig = Rig(store, stream=True, looking=looking)
    await rig.processor.assigned(frozenset({0}), 1)
    while here < len(events):
        some = events[here : here + r.randrange(1, 30)]
        at = max(at, *(e.time for e in some))
        await rig.processor.process(batch(some, start=here, at=at))
        here += len(some)
        for _ in range(r.randrange(3)):
            await rig.flush()
        if r.random() < 0.1:
            rig = Rig(store, stream=True, looking=looking)
            here = (await rig.processor.assigned(frozenset({0}), 1)).get(("feedback", 0), 0)
    for day in (END - 10, END):
        end = moment((DAY0 + day) * DAY)
        await rig.processor.process(Batch(0, 1, (), end, end, {("clock", 0): 1}))
        for _ in range(20):
            await rig.flush()
    return store.cells


def days_of(delta: Delta) -> Days:
    sums = Sums(-(10**6), Selection().chooses())
    sums.stand(Standing(tails=[by_place(delta)]))
    return sums.with_tails


def differences(brute: Brute, days: Days, policy: ChurnPolicy, *, today: int = DAY0 + END) -> Iterator[str]:
    brute.judge(policy, today)
    for first, last in WINDOWS:
        mine = churned(days, policy, DAY0 + first, DAY0 + last)
        counted = brute.churn(policy.quiet, DAY0 + first, DAY0 + last)
        if (mine.could, mine.voluntary, mine.reasons) != counted:
            yield f"{first}-{last}: {mine} instead of {counted}"


def policies() -> list[ChurnPolicy]:
    texts: list[dict[str, object]] = [
        {"contractual": None, "quiet": "70d", "alive_below": 0.35, "complaint": "30d"},
        {"contractual": None, "quiet": "40d", "alive_below": 0.45},
        {"quiet": "90d", "alive_below": 0.6},
    ]
    return [ChurnPolicy.model_validate(text) for text in texts]


@pytest.mark.parametrize("policy", policies(), ids=["a", "b", "c"])
@pytest.mark.parametrize("seed", range(examples(3)))
async def test_churn_is_that_of_the_brute_force(seed: int, policy: ChurnPolicy, tmp_path: Path) -> None:
    events = log(seed, subscribed=policy.contractual is None, late=seed % 3 != 0)
    days = days_of(await lived(events, policy, seed, MemoryStore()))
    assert [*differences(Brute(events, tmp_path), days, policy)] == []
    assert any(name.startswith("q1:") for fields in days.values() for name in fields), "some are given up"


async def test_a_changed_bound_holds_from_the_next_look_at_each(tmp_path: Path) -> None:
    events, store = log(3, subscribed=False, late=False), MemoryStore()
    one, other, none = policies()[1], policies()[0], ChurnPolicy.model_validate({"contractual": None})
    brute = Brute(events, tmp_path)
    await lived(events, one, 3, store)
    for policy in (other, none, one):
        rig = Rig(store, stream=True, looking=Looking(judge, POLICY, policy))
        await rig.processor.assigned(frozenset({0}), 1)
        end = rig.now if policy is None else moment((DAY0 + END + 1 + (other, none, one).index(policy)) * DAY)
        await rig.processor.process(Batch(0, 1, (), end, end, {("clock", 0): 2}))
        for _ in range(20):
            await rig.flush()
        days = days_of(store.cells)
        if policy.alive_below is not None:
            assert [*differences(brute, days, policy)] == []
        assert any(name.startswith("q1:") for fields in days.values() for name in fields) == (
            policy is not none
        )
