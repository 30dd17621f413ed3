"""Steps: all but what the store refuses takes effect, once and in order; that is set aside alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.journal.bisection import WHOLE, UnstorableError, in_steps
from shared.journal.partition import PartitionMemory
from shared.journal.plan import Timer
from shared.journal.step import Step
from shared.worker.processing import Batch, Message
from tests.unit.journal.driver import START, messages_of
from tests.unit.journal.memory import Tally

END = START + timedelta(days=9)
Log = tuple[list[Message], list[Timer]]


def log_of(gaps: Sequence[int], timers: Sequence[int]) -> Log:
    """A message after each gap, and a timer at each hour."""
    messages = messages_of([(n, gap, 1) for n, gap in enumerate(gaps)])
    due = [Timer(f"c{n}", "t", START + timedelta(hours=hour)) for n, hour in enumerate(sorted(timers))]
    return messages, due


def begin(left: Sequence[Message], most: int) -> Step[Tally]:
    return Step(Batch(0, 1, tuple(left), START, END), PartitionMemory(1), left, most)


def cut(log: Log, most: int) -> Step[Tally]:
    step = begin(log[0], most)
    step.cut(log[1], all_read=True)
    return step


def names(step: Step[Tally]) -> list[str]:
    """Of its timers and messages."""
    return [t.key for t in step.due] + [m.event.id for m in step.messages]


logs = st.builds(log_of, st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 12), max_size=5))


@given(logs, st.integers(1, 15))
def test_a_step_has_the_first_so_many_events_in_time_timers_first(log: Log, most: int) -> None:
    step = cut(log, most)
    messages, due = log
    in_order = sorted([*((t.due_at, 0, t.key) for t in due), *((m.at, 1, m.event.id) for m in messages)])
    assert sorted(names(step)) == sorted(name for _, _, name in in_order[:most])
    assert list(step.messages) == messages[: len(step.messages)]
    assert list(step.due) == due[: len(step.due)]
    if len(in_order) >= most:  # what it sets for later does not fire in it
        assert step.horizon == in_order[most - 1][0]
        assert not step.last
    else:
        assert (step.horizon, step.last) == (END, True)


def test_timers_of_one_instant_are_halved_too() -> None:
    assert names(cut(log_of([], [1, 1]), 1)) == ["c0|t"]


def test_a_timer_does_not_go_before_an_earlier_message() -> None:
    assert names(cut(log_of([0, 1], [1]), 1)) == ["e0"]
    assert names(cut(log_of([0, 1], [1]), 2)) == ["c0|t", "e0"]


def test_where_more_may_be_due_than_were_read_a_step_ends_at_the_last_of_them() -> None:
    messages, due = log_of([0, 1, 1], [1, 2])
    step = begin(messages, WHOLE)
    step.cut(due, all_read=False)
    assert (names(step), step.horizon, step.last) == (["c0|t", "c1|t", "e0", "e1"], due[-1].due_at, False)
    assert step.last_key == due[-1].key


def test_of_the_instant_that_a_step_ends_in_it_sets_no_timer_before_one_that_is_left() -> None:
    _, due = log_of([], [1, 1, 1])
    step = begin([], WHOLE)
    step.cut(due, all_read=False)
    assert step.last_key == "c2|t"
    step = begin([], 2)
    step.cut(due, all_read=False)
    assert (names(step), step.last_key) == (["c0|t", "c1|t"], "c1|t")
    step.cut(due, all_read=True)
    assert (names(step), step.last_key) == (["c0|t", "c1|t"], "c1|t")
    step = begin([], WHOLE)
    step.cut(due, all_read=True)
    assert step.last_key is None


@given(logs, st.data(), st.integers(1, 4))
async def test_what_the_store_refuses_is_set_aside_alone(log: Log, data: st.DataObject, limit: int) -> None:
    messages, due = log
    every = [t.key for t in due] + [m.event.id for m in messages]
    bad = data.draw(st.sets(st.sampled_from(every))) if every else set()
    rows = {timer.key: timer for timer in due}
    taken: list[tuple[datetime, int, str]] = []
    aside: list[str] = []

    async def transact(step: Step[Tally]) -> None:
        read = list(rows.values())[:limit]
        step.cut(read, all_read=len(read) < limit)
        if bad & set(names(step)):
            raise UnstorableError(ValueError("the store cannot take this"))
        for timer in step.due:
            del rows[timer.key]
        done = [(t.due_at, 0, t.key) for t in step.due] + [(m.at, 1, m.event.id) for m in step.messages]
        taken.extend(sorted(done))

    async def set_aside(step: Step[Tally], error: Exception) -> None:
        assert str(error) == "the store cannot take this"
        aside.extend(names(step))
        for timer in step.due:
            del rows[timer.key]

    await in_steps(messages, begin, transact, set_aside)
    assert sorted(aside) == sorted(bad)
    assert [name for _, _, name in taken] == [name for _, _, name in sorted(taken)]
    assert sorted(name for _, _, name in taken) == sorted(set(every) - bad)


async def test_a_step_reads_what_is_due_anew_after_the_one_before() -> None:
    """The first message moves the timer away and sets another; the second is at fault."""
    messages, (moved,) = log_of([0, 2, 0, 3], [4])
    rows = [moved]
    taken: list[list[str]] = []

    async def transact(step: Step[Tally]) -> None:
        step.cut(rows, all_read=True)
        if "e1" in names(step):
            raise UnstorableError(ValueError("no"))
        taken.append(names(step))
        if "e0" in names(step):
            rows[:] = [Timer("c9", "new", START + timedelta(hours=2))]
        elif step.due:
            rows.clear()

    async def set_aside(step: Step[Tally], error: Exception) -> None:
        assert names(step) == ["e1"]

    await in_steps(messages, begin, transact, set_aside)
    assert taken == [["e0"], ["c9|new"], ["e2", "e3"], []]


async def test_an_event_whose_own_timer_is_at_fault_is_not_set_aside_for_it() -> None:
    messages, _ = log_of([1], [])
    rows: list[Timer] = []
    aside: list[str] = []

    async def transact(step: Step[Tally]) -> None:
        step.cut(rows, all_read=True)
        fires = step.messages and step.horizon > START + timedelta(hours=5)
        if fires or step.due:
            raise UnstorableError(ValueError("the firing"))
        if step.messages:
            rows.append(Timer("c0", "t", START + timedelta(hours=5)))

    async def set_aside(step: Step[Tally], error: Exception) -> None:
        aside.extend(names(step))
        rows.clear()

    await in_steps(messages, begin, transact, set_aside)
    assert aside == ["c0|t"]


@pytest.mark.parametrize("bad", [0, 37, 99])
async def test_one_bad_event_costs_about_twice_the_logarithm_of_the_batch(bad: int) -> None:
    messages, _ = log_of([1] * 100, [])
    tries = 0

    async def transact(step: Step[Tally]) -> None:
        nonlocal tries
        tries += 1
        step.cut([], all_read=True)
        if f"e{bad}" in names(step):
            raise UnstorableError(ValueError("no"))

    async def set_aside(step: Step[Tally], error: Exception) -> None:
        assert names(step) == [f"e{bad}"]

    await in_steps(messages, begin, transact, set_aside)
    assert tries <= 24
