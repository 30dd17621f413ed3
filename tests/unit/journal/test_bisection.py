"""Bisection: all but what the store refuses takes effect, once; what it refuses is set aside alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.journal.bisection import UnstorableError, by_halves, halves
from shared.journal.partition import PartitionMemory
from shared.journal.plan import Timer
from shared.journal.step import Step
from shared.worker.processing import Batch
from tests.unit.journal.driver import START, messages_of
from tests.unit.journal.memory import Tally

END = START + timedelta(days=9)


def step_of(gaps: Sequence[int], timers: Sequence[int]) -> Step[Tally]:
    """A message after each gap, and a timer at each hour."""
    messages = messages_of([(n, gap, 1) for n, gap in enumerate(gaps)])
    due = [Timer(f"c{hour}", "t", START + timedelta(hours=hour)) for hour in sorted(timers)]
    return Step(Batch(0, 1, tuple(messages), START, END), PartitionMemory(), messages, due, END)


def names(step: Step[Tally]) -> list[str]:
    """Of its timers and messages."""
    return [t.key for t in step.due] + [m.event.id for m in step.messages]


def instants(step: Step[Tally]) -> list[datetime]:
    return [t.due_at for t in step.due] + [m.at for m in step.messages]


steps = st.builds(step_of, st.lists(st.integers(0, 3), max_size=9), st.sets(st.integers(0, 12), max_size=5))


@given(steps.filter(lambda step: step.size > 1))
def test_halves_are_smaller_and_have_all_of_the_step_in_its_order(step: Step[Tally]) -> None:
    first, second = halves(step)
    assert 0 < first.size < step.size
    assert [*first.messages, *second.messages] == step.messages
    assert [*first.due, *second.due] == step.due
    assert max(instants(first)) <= first.horizon <= second.horizon == step.horizon
    assert first.known is step.known is second.known
    assert first.memory is step.memory is second.memory


@given(steps.filter(lambda step: step.size > 1 and not step.due))
def test_halves_of_messages_are_told_apart_by_time(step: Step[Tally]) -> None:
    first, second = halves(step)
    assert max(instants(first)) <= min(instants(second))


@pytest.mark.xfail(strict=True, reason="a step of timers at one instant is not made smaller yet")
def test_timers_of_one_instant_are_halved_too() -> None:
    step = step_of([], [])
    step.due = [Timer("c1", "t", START), Timer("c2", "t", START)]
    assert halves(step)[0].size == 1


@pytest.mark.xfail(strict=True, reason="where the later half is one instant, its timers go first of all")
def test_a_timer_does_not_go_before_an_earlier_message() -> None:
    first, _ = halves(step_of([0, 1], [1]))
    assert [m.event.id for m in first.messages] == ["e0"]


@given(steps, st.data())
async def test_what_the_store_refuses_is_set_aside_alone(step: Step[Tally], data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.sampled_from(names(step)))) if step.size else set()
    taken: list[Step[Tally]] = []
    aside: list[str] = []

    async def transact(part: Step[Tally]) -> None:
        if bad & set(names(part)):
            raise UnstorableError(ValueError("the store cannot take this"))
        taken.append(part)

    async def set_aside(part: Step[Tally], error: Exception) -> None:
        assert str(error) == "the store cannot take this"
        aside.extend(names(part))

    await by_halves(step, transact, set_aside)
    assert set(aside) == bad
    assert len(aside) == len(bad)
    assert [m for part in taken for m in part.messages] == [m for m in step.messages if m.event.id not in bad]
    assert [t for part in taken for t in part.due] == [t for t in step.due if t.key not in bad]


async def test_a_store_that_refuses_even_nothing_stops_the_worker() -> None:
    async def transact(part: Step[Tally]) -> None:
        raise UnstorableError(ValueError("no watermark"))

    async def set_aside(part: Step[Tally], error: Exception) -> None:
        raise AssertionError("there is nothing to set aside")

    with pytest.raises(UnstorableError, match="no watermark"):
        await by_halves(step_of([], []), transact, set_aside)
