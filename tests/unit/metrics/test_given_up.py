"""Who is given up since P(alive) fell below the bound: on which day, by which models, what it counts."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.metrics.config import parse
from services.metrics.domain import trimming
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.churn import churned
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.clv import BgNbd, MbgNbd
from services.metrics.domain.fits import Fit, Fits
from services.metrics.domain.given_up import Doubts, given_up
from services.metrics.domain.health.models import weeks
from services.metrics.domain.state import Customer, decode, encode
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.looking import Looking
from shared.runtime.config import ConfigError
from shared.schemas.event import Event
from shared.schemas.times import DAY, day_number, moment
from shared.worker.processing import Batch
from tests.examples import examples

from .judging import POLICY, judge
from .memory import MemoryStore
from .rig import Rig, batch
from .story import FAR, START, counted, event, profile, purchase, returned
from .test_life import by_day

DAY0 = day_number(START.date())
BOUND = ChurnPolicy.model_validate({"contractual": None, "quiet": "100d", "alive_below": 0.5})
NAMES = ("r", "alpha", "a", "b")
USUAL = (0.8, 2.0, 1.0, 2.0)


def fits(*told: tuple[str, float, Sequence[float]]) -> Fits:
    return Fits(Fit(m, round((DAY0 + day) * DAY), dict(zip(NAMES, p, strict=True))) for m, day, p in told)


def decided(one: Tracked, found: Fits, today: int, policy: ChurnPolicy = BOUND) -> Mapping[int, int]:
    silences = given_up(*one.silences(), policy, Doubts.of(found), DAY0 + today)
    return {day - DAY0: silence.after for day, silence in silences.items()}


def bought(*days: float) -> tuple[Tracked, Delta]:
    one, delta = Tracked(Customer()), Delta()
    for n, day in enumerate(days):
        apply(one, event(purchase(f"o{n}-{day}"), days=day), FAR, delta)
    return one, delta


_positive = st.floats(0.05, 20)
_parameters = st.tuples(_positive, _positive, _positive, _positive)
_fits = st.lists(
    st.tuples(st.sampled_from(["bg-nbd", "mbg-nbd"]), st.floats(0, 150), _parameters), max_size=8
)


@settings(deadline=None, max_examples=examples(200))
@given(
    st.lists(st.integers(0, 150), min_size=1, max_size=8, unique=True).map(sorted),
    _fits,
    st.floats(0.05, 0.95),
    st.integers(7, 90),
)
def test_it_is_the_first_day_below_the_bound(
    days: list[int], told: list[tuple[str, float, Sequence[float]]], bound: float, quiet: int
) -> None:
    """Day by day, by the definition; and what was searched with is never above any of the models."""
    policy = BOUND.model_copy(update={"alive_below": bound, "quiet": quiet})
    known, expected = fits(*told), {}
    for x, day in enumerate(days):
        following = days[x + 1] if x + 1 < len(days) else 200
        for d in range(day + 1, min(following, day + quiet, 200) + 1):
            numbers = known.at((DAY0 + d) * DAY).get("bg-nbd" if x else "mbg-nbd")
            model = None if numbers is None else (BgNbd if x else MbgNbd)(**numbers)
            if model is not None and model.p_alive(x, weeks(day - days[0]), weeks(d - days[0])) < bound:
                expected[day] = d - day
                break
    assert decided(bought(*days)[0], known, 200, policy) == expected
    doubts = Doubts.of(known)
    for doubt in (doubts.again, doubts.once):
        for model in doubt.models:
            assert doubt.least is not None
            assert doubt.least.p_alive(2, 3.0, 9.0) <= model.p_alive(2, 3.0, 9.0)


def test_before_a_fit_the_bound_does_nothing() -> None:
    one, _ = bought(0, 10, 20)
    late = fits(("bg-nbd", 60, USUAL))
    assert decided(one, Fits(), 90) == {}
    assert decided(one, fits(("mbg-nbd", 0, USUAL)), 90) == {}, "of those who bought once alone"
    assert decided(one, fits(("gamma-gamma.EUR", 0, USUAL)), 90) == {}
    assert decided(one, fits(("bg-nbd", 0, USUAL)), 90)[20] < 40
    assert decided(one, late, 59) == {}
    assert decided(one, late, 90) == {20: 40}, "on the first day that has a model"


def test_it_counts_until_a_purchase_in_the_silence_is_heard_of() -> None:
    one, delta = bought(0, 10)
    one.give_up(given_up(*one.silences(), BOUND, Doubts.of(fits(("bg-nbd", 0, USUAL))), DAY0 + 80), delta)
    [(day, silence)] = one.data.given_up.items()
    leaves = day + silence.after
    assert churned(by_day(delta), BOUND, leaves, leaves).reasons == {"unknown": 1}
    assert churned(by_day(delta), BOUND, leaves + 1, DAY0 + 200).could == 0
    apply(one, event(purchase("late"), days=leaves - DAY0 - 1), FAR, delta)
    assert churned(by_day(delta), BOUND, leaves, leaves).reasons == {}
    apply(one, event(returned("late", 100), days=leaves - DAY0), FAR, delta)
    assert churned(by_day(delta), BOUND, leaves, leaves).reasons == {"unknown": 1}
    apply(one, event(profile("gold")), FAR, delta)
    assert delta == counted([one])


def test_who_came_and_was_given_up_in_a_window_is_told_with_the_reasons_alone() -> None:
    one, delta = bought(0, 10)
    one.give_up(given_up(*one.silences(), BOUND, Doubts.of(fits(("bg-nbd", 0, USUAL))), DAY0 + 80), delta)
    found = churned(by_day(delta), BOUND, DAY0, DAY0 + 60)
    assert (found.could, found.voluntary, found.reasons) == (0, 0, {"unknown": 1})
    found = churned(by_day(delta), BOUND, DAY0, DAY0 + 120)
    assert (found.could, found.voluntary, found.reasons) == (1, 1, {"unknown": 1})


@pytest.mark.parametrize("again", [False, True])
def test_purchases_that_are_kept_no_longer_still_count_as_what_they_were(
    monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(trimming, "KEEP_DAYS", 60)
    known = fits(("bg-nbd", 0, USUAL), ("mbg-nbd", 0, USUAL))
    days = [0, 3.2, 3.7, 9, 40, 44, 90, 140, 150, 230]
    whole = decided(bought(*days)[0], known, 299)
    one, delta, seen = Tracked(Customer()), Delta(), dict[int, int]()
    for n, day in enumerate(days):
        apply(one, event(purchase(f"o{n}"), days=day), FAR, delta)
        following = days[n + 1] if n + 1 < len(days) else 300
        found = given_up(*one.silences(), BOUND, Doubts.of(known), DAY0 + int(following) - 1)
        seen |= {day - DAY0: silence.after for day, silence in found.items()}
        one.give_up(found, delta)
        one.trim()
        if again:
            one = Tracked(decode(encode(one.data)))
    assert len(one.data.orders) < len(days)
    assert seen == whole


async def test_that_it_does_nothing_yet_is_said() -> None:
    rig = Rig(MemoryStore(), stream=True, looking=Looking(judge, POLICY, BOUND))
    await rig.processor.assigned(frozenset({0}), 1)
    with capture_logs() as logs:
        await rig.processor.process(batch(_history(), at=moment(micros_of(60))))
        for _ in range(3):
            await rig.flush()
    [said] = [one["event"] for one in logs if "alive_below" in one["event"]]
    assert "no model is fitted yet" in said


def micros_of(day: int) -> int:
    return (DAY0 + day) * DAY


def _history() -> list[Event]:
    return [event(purchase(f"o{n}"), days=day, id=f"e{n}") for n, day in enumerate((0.5, 10.5, 20.5))]


async def test_only_who_changes_is_written() -> None:
    """A night at which nobody is given up writes no record."""
    store = MemoryStore()
    store.put["models", "x"] = {
        "_id": "x", "model": "bg-nbd", "at": micros_of(0), "parameters": [*zip(NAMES, USUAL, strict=True)]
    }  # fmt: skip
    quiet = POLICY.model_copy(update={"score_step": 100})
    rig = Rig(store, stream=True, looking=Looking(judge, quiet, BOUND))
    await rig.processor.assigned(frozenset({0}), 1)
    await rig.processor.process(batch(_history(), at=moment(micros_of(21))))
    await rig.flush()
    await rig.flush()
    written = []
    for day in range(22, 60):
        at = moment(micros_of(day))
        await rig.processor.process(Batch(0, 1, (), at, at, {("clock", 0): day}))
        before = dict(store.records)
        await rig.flush()
        await rig.flush()
        if store.records != before and decode(store.records["c1"]).given_up:
            written.append(day)
    [(day, silence)] = decode(store.records["c1"]).given_up.items()
    assert day - DAY0 == 20
    assert day - DAY0 + silence.after in written
    assert len(written) <= 3, "then, and where something is told"


def test_the_bound_is_a_probability() -> None:
    text = "name: x\nchurn: {alive_below: %s}\n"
    assert parse(text % "0.2").churn.alive_below == 0.2
    assert parse(text % "null").churn.alive_below is None
    for bad in ("0", "1", "1.5", "often"):
        with pytest.raises(ConfigError, match="alive_below"):
            parse(text % bad)
