"""A record that an earlier version wrote, which counted each purchase by itself, is counted anew by days."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain import gaps
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta, add
from services.metrics.domain.kpis.kpi import Kind
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.state import Customer, decode, encode
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.looking import Looking
from shared.schemas.event import Event
from shared.schemas.times import moment
from shared.worker.processing import Batch
from tests.examples import examples

from .judging import POLICY, judge
from .memory import MemoryStore
from .rig import Rig, batch
from .story import FAR, counted, event, profile, purchase, result, returned, value

_sold = st.tuples(st.integers(0, 9), st.integers(0, 6), st.sampled_from(["web", "store"]))


def before(one: Tracked) -> Delta:
    """What the earlier version had counted of it, by the same record."""
    total = Delta()
    for cell, n in one.counted():
        if not cell[2].startswith(gaps.FIELDS):
            add(total, cell, n)
    for chain, days in one._days.items():
        kind = gaps.ANY if chain[:1] == "*" else gaps.BY_CHANNEL
        for day, field, n in gaps.counted_each(days, kind):
            for name in one._places(chain):
                add(total, (day, name, field), n)
    one.data.by_days = False
    return total


def bought(rows: Sequence[tuple[int, int, str]]) -> Tracked:
    one = Tracked(Customer())
    for order, day, channel in rows:
        apply(one, event(purchase(f"o{order}", 100, channel), days=day), FAR, Delta())
    return one


@settings(deadline=None, max_examples=examples(100))
@given(
    st.lists(_sold, max_size=12, unique_by=lambda row: row[0]),
    st.one_of(
        st.builds(lambda day: event(purchase("new"), days=day), st.integers(0, 8)),
        st.builds(lambda order: event(returned(f"o{order}", 100), days=9), st.integers(0, 9)),
        st.just(event(profile("gold"), days=9)),
    ),
)
def test_the_first_event_counts_it_anew(rows: Sequence[tuple[int, int, str]], following: Event) -> None:
    one = bought(rows)
    delta = before(one)
    one = Tracked(decode(encode(one.data)))
    apply(one, following, FAR, delta)
    assert delta == counted([one])
    assert decode(encode(one.data)).by_days


def test_two_orders_of_one_day_are_one_purchase() -> None:
    one, delta = Tracked(Customer()), Delta()
    for n, day in enumerate((0.1, 0.5)):
        apply(one, event(purchase(f"o{n}"), days=day), FAR, delta)
    assert value(delta, "repeat_purchase_rate") == 0.0
    apply(one, event(purchase("o2"), days=1), FAR, delta)
    assert value(delta, "repeat_purchase_rate") == 1.0
    for n in (0, 2):
        apply(one, event(returned(f"o{n}", 100), days=2), FAR, delta)
    assert value(delta, "repeat_purchase_rate") == 0.0


async def test_the_night_counts_all_anew() -> None:
    one = bought([(0, 0, "web"), (1, 0, "web"), (2, 3, "web")])
    store = MemoryStore()
    store.folded = before(one)
    store.records["c1"] = encode(one.data)
    rig = Rig(store, stream=True, looking=Looking(judge, POLICY))
    await rig.processor.assigned(frozenset({0}), 1)
    other = event(purchase("x"), days=5, subject="c2")
    await rig.processor.process(batch([other], at=other.time))
    await rig.processor.process(Batch(0, 1, (), moment(FAR), moment(FAR), {("clock", 0): 1}))
    for _ in range(5):
        await rig.flush()
    assert decode(store.records["c1"]).by_days
    assert not any(name in ("r1:0", "c1:0") for _, _, name in store.cells), "two of one day are one"


@pytest.mark.parametrize("name", KPIS)
def test_a_changed_definition_says_what_was_before_it(name: str) -> None:
    kpi = KPIS[name]
    assert bool(kpi.before) == (kpi.version > 1), "from when it holds is no answer to what older figures mean"


@pytest.mark.parametrize("name", KPIS)
def test_an_empty_window_is_null_but_for_counts(name: str) -> None:
    found = result(Delta(), name)
    assert found.n == 0
    assert found.value == (0 if KPIS[name].kind is Kind.COUNT else KPIS[name].nothing.value)
