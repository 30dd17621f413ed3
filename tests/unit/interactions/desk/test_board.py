"""The complaint board: its order, and the time that is left."""

from datetime import timedelta
from typing import Any

import pytest

from services.interactions.desk.views.board import card, lanes
from services.interactions.desk.views.due import due
from services.interactions.domain.rows import ComplaintRow
from services.interactions.domain.state import Complaint
from shared.journal.testing import InMemoryWorker
from shared.schemas.times import micros

from ..promised import ACKNOWLEDGED, OPENED, REOPENED, RESOLVED, WAITING, after, complaint, fresh, row, tell
from ..told import START, at

HOUR = 60


def shown(worker: InMemoryWorker[Any]) -> ComplaintRow:
    return ComplaintRow.read([row(worker)])[0]


@pytest.mark.parametrize(
    ("minutes", "stage"),
    [
        (-1, "late"),
        (0, "late"),
        (1, "soon"),
        (60, "soon"),
        (61, "today"),
        (24 * 60, "today"),
        (1441, "later"),
    ],
)
def test_time_left_in_stages(minutes: int, stage: str) -> None:
    found = due(START + timedelta(minutes=minutes), START)
    assert (found.stage, found.left) == (stage, timedelta(minutes=minutes))


def test_nothing_is_due_of_what_waits_for_the_customer() -> None:
    assert (due(None, START).stage, due(None, START, paused=True).stage) == ("none", "paused")


def test_an_open_complaint_stands_where_its_next_clock_is_due() -> None:
    worker = fresh()
    tell(worker, OPENED)
    found = card(shown(worker), worker.now)
    assert (found.due.at, found.due.stage, found.clock) == (at(HOUR), "soon", "first_response")
    assert found.place.split()[0] < str(micros(at(HOUR)) + 62_135_596_800_000_001)


def test_one_that_is_late_stands_where_it_should_have_been_answered() -> None:
    worker = fresh()
    tell(worker, OPENED)
    before = shown(worker).due
    after(worker, 2 * HOUR)
    late = card(shown(worker), worker.now)
    assert (late.due.stage, late.due.at, late.due.left) == ("late", at(HOUR), timedelta(hours=-1))
    assert late.clock == "first_response", "and not resolution, which is due next"
    assert late.place == before, "it keeps its place before what is due later"
    tell(worker, ACKNOWLEDGED)
    answered = card(shown(worker), worker.now)
    assert (answered.due.at, answered.clock) == (at(2 * HOUR + 4 * HOUR), "update")


def test_one_that_waits_for_the_customer_comes_last() -> None:
    worker = fresh()
    for data in (OPENED, ACKNOWLEDGED, WAITING):
        tell(worker, data)
    waits = card(shown(worker), worker.now)
    assert (waits.due.stage, waits.clock, waits.waiting) == ("paused", None, True)
    assert waits.place > "2531"


def test_one_that_is_over_is_not_on_the_board_until_it_is_reopened() -> None:
    worker = fresh()
    tell(worker, OPENED)
    tell(worker, RESOLVED)
    assert shown(worker).due is None
    tell(worker, REOPENED)
    assert shown(worker).due is not None


def test_a_complaint_of_a_state_from_before_the_board_is_read() -> None:
    worker = fresh()
    tell(worker, OPENED)
    stored = complaint(worker).model_dump()
    old = {name: value for name, value in stored.items() if not name.startswith("late_")}
    assert Complaint.model_validate(old) == complaint(worker)


def test_lanes_keep_the_order_of_what_is_due() -> None:
    worker = fresh()
    tell(worker, OPENED)
    one = shown(worker)
    rows = [_due(one, minutes) for minutes in (-90, -5, 30, 50, 300, 3000)]
    found = lanes([*rows, _due(one, None, waiting=True), _due(one, None)], START)
    assert [(lane.stage, len(lane.cards)) for lane in found] == [
        ("late", 2),
        ("soon", 2),
        ("today", 1),
        ("later", 1),
        ("paused", 1),
        ("none", 1),
    ]
    assert [c.due.left for c in found[0].cards] == [timedelta(minutes=-90), timedelta(minutes=-5)]
    assert lanes([], START) == ()


def _due(row: ComplaintRow, minutes: int | None, *, waiting: bool = False) -> ComplaintRow:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    next_due = None if minutes is None else micros(at(minutes))
    return ComplaintRow(**fields | {"next_due": next_due, "waiting": waiting})
