"""What the judge takes for equal, and what not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import Context, Effects, Handler, Put, SetTimer
from shared.journal.processor import JournalProcessor
from shared.journal.testing import START, InMemoryWorker
from shared.schemas.base import Data, Frozen
from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.complaints import ComplaintAcknowledged
from shared.schemas.customers import CustomerRegistered
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.purchases import PurchaseMade
from shared.worker.processing import Batch
from tests.simulation.documents import freeze, thaw
from tests.simulation.judge import Result, add
from tests.simulation.logs import records_of
from tests.simulation.scenario import Burst, Scenario
from tests.simulation.world import play
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


def test_two_replies_of_one_text_at_one_instant_are_two() -> None:
    ask = {"conversation_id": "v", "channel": "email", "text": "Oh"}
    told: list[Data] = [CustomerRegistered(name="Ada Byron", email="ada@example.org")]
    told += [ReplyRequested.model_validate({**ask, "outreach_id": f"r{n}"}) for n in (1, 2)]
    times = (START, *[START + timedelta(days=1)] * 2)
    events = [Event(f"e{n}", "/desk", "ann", times[n], data) for n, data in enumerate(told)]
    verdict = play(Scenario(0, "followup", 1, 1, 500, 500, (Burst(tuple(records_of(events))),)))
    assert verdict.problems == []
    assert sum(line.endswith((" mails r1", " mails r2")) for line in verdict.trace) == 2


def _told_again() -> Scenario:
    """Steps of a complaint that is not open yet leave their ids free, and the journal names one record for
    an id: here the copy of the first, though both were heard, in the one transaction."""
    told = ComplaintAcknowledged(complaint_id="k", message="We are on it.")
    first, second = (Event(f"e{n}", "/desk", "ann", START + timedelta(hours=n), told) for n in (1, 2))
    return Scenario(0, "followup", 1, 1, 500, 500, (Burst(tuple(records_of([first, second, first]))),))


def test_a_step_told_again_beside_another_is_heard_when_it_was_told_first() -> None:
    assert play(_told_again()).problems == []


def test_a_worker_that_passes_over_a_step_told_again_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    process = JournalProcessor.process

    async def without_the_first(self: JournalProcessor[Any], batch: Batch) -> None:
        left = (m for m in batch.messages if m.origin.offset > 0)
        await process(self, replace(batch, messages=tuple(left)))

    monkeypatch.setattr(JournalProcessor, "process", without_the_first)
    assert [problem.split(":")[0] for problem in play(_told_again()).problems] == ["states ann"]


def test_a_step_told_again_while_the_first_waits_is_not_heard_with_a_later_one() -> None:
    """It was passed over, as its id was known then, and no more is to be seen of it once the first has been
    a dead letter and its id is free."""
    told = ComplaintAcknowledged(complaint_id="k", message="We are on it.")
    step = Event("e", "/desk", "ann", START, told)
    contact = {"channel": "phone", "direction": "inbound", "kind": "question", "summary": "Where is it?"}
    later = START + timedelta(days=40)
    other = Event("o", "/desk", "ann", later, InteractionLogged.model_validate(contact))
    bursts = tuple(Burst(tuple(records_of([event]))) for event in (step, step, other, step))
    assert play(Scenario(0, "interactions", 1, 1, 500, 500, bursts)).problems == []
