"""A complaint's life is the same in whatever order its facts are heard."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from shared.facts.complaints import (
    ACKNOWLEDGED,
    CLOSED,
    KINDS,
    OPENED,
    REOPENED,
    RESOLVED,
    TRANSITIONS,
    Life,
    Step,
    life_of,
    status_at,
    status_of,
    with_step,
)

steps = st.lists(st.builds(Step, st.integers(1, 20), st.integers(1, len(KINDS) - 1)), max_size=6)


def life(*told: Step) -> Life:
    known: tuple[Step, ...] = ()
    for step in told:
        known = with_step(known, step)
    return life_of(known)


def test_every_order_of_arrival_ends_in_the_same_life() -> None:
    told = [Step(1, OPENED), Step(2, ACKNOWLEDGED), Step(3, RESOLVED), Step(4, REOPENED), Step(5, RESOLVED)]
    assert {life(*order) for order in permutations(told)} == {Life("resolved", tuple(told))}


@given(steps, st.integers(1, 20), st.randoms())
def test_any_steps_in_any_order_and_any_number_of_times(told: list[Step], opened: int, dice: object) -> None:
    told = [Step(opened, OPENED), *told]
    other = [*told, *told[:2]]
    dice.shuffle(other)  # type: ignore[attr-defined]
    assert life(*told) == life(*other)


@given(steps, st.booleans())
def test_the_status_alone_is_that_of_the_life(told: list[Step], opened: bool) -> None:
    known = [*([Step(0, OPENED)] if opened else []), *told, Step(9, OPENED)]
    assert status_of(known) == life_of(known).status


def test_a_step_without_its_opening_waits() -> None:
    assert life(Step(3, RESOLVED)).status is None
    assert life(Step(3, RESOLVED), Step(1, OPENED)).status == "resolved"


def test_a_step_dated_before_the_opening_counts_as_after_it() -> None:
    assert life(Step(2, OPENED), Step(1, RESOLVED)).status == "resolved"


def test_a_step_that_does_not_follow_is_passed_over_until_what_it_needs_is_known() -> None:
    early = (Step(1, OPENED), Step(3, CLOSED))
    assert life(*early) == Life("opened", (Step(1, OPENED),))
    assert life(*early, Step(2, RESOLVED)).status == "closed"


def test_a_fact_is_judged_by_the_status_at_its_own_time() -> None:
    known = (Step(1, OPENED), Step(5, RESOLVED), Step(9, REOPENED))
    assert [status_at(known, at) for at in (0, 4, 5, 8, 10)] == [
        "opened", "opened", "resolved", "resolved", "reopened",
    ]  # fmt: skip


def test_every_kind_but_the_opening_has_its_transition() -> None:
    assert set(KINDS[1:]) <= set(TRANSITIONS)
