"""What the judge takes for equal, and what not."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain import Context, Effects, Handler, Put, SetTimer
from shared.journal.testing import START, InMemoryWorker
from shared.schemas.base import Frozen
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from tests.simulation.documents import freeze, thaw
from tests.simulation.judge import Result, add
from tests.unit.journal.driver import purchase

ROW = {"_id": 1, "pair": (1, 2), "at": START + timedelta(microseconds=1999)}


class Nothing(Frozen):
    """Kept of nobody."""


def _apply(state: Nothing, event: Event, context: Context) -> Effects[Nothing]:
    return Effects(state, rows=(Put("log", ROW),), timers=(SetTimer("t", event.time, ROW),))


def _wanted() -> Result:
    """Of a run in memory, which keeps rows as the domain made them."""
    handler = Handler("keeper", (PurchaseMade,), Nothing, lambda customer: Nothing(), _apply)
    worker = InMemoryWorker(handler, strict=False)
    worker.send(purchase(1, "ann", START + timedelta(days=1), 500))
    result = Result()
    add(result, worker, worker._published)
    return result


def test_a_row_is_compared_as_the_store_gives_it_back() -> None:
    got, (timer,) = _wanted(), _wanted().timers
    got.rows["log", 1] = thaw(freeze(ROW))
    got.timers[timer] = START + timedelta(days=1), thaw(freeze(ROW))
    assert got.differences(_wanted()) == []


@pytest.mark.parametrize("wrong", [{"pair": [2, 1]}, {"at": START}, {"more": None}])
def test_a_row_that_is_another_is_told(wrong: dict[str, Any]) -> None:
    got = _wanted()
    got.rows["log", 1] = thaw(freeze({**ROW, **wrong}))
    assert [problem.split(":")[0] for problem in got.differences(_wanted())] == ["rows ('log', 1)"]
