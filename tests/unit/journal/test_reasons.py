"""Why an event became a dead letter is told without anything that came with it: what a domain refuses, at
once or later, and in the log too."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.domain import Context, Effects, ErrorCode, Retract
from shared.journal.testing import InMemoryWorker
from shared.schemas.event import Event
from tests.unit.journal.driver import START, batch_of, messages_of, processor
from tests.unit.journal.memory import HANDLER, MemoryPublisher, MemoryStore, Tally

POOR = ErrorCode("poor", 409, "{customer} must spend {more} of {most} first.", ours=("most",))
SENT = {"customer": "zoë@example.com", "more": "12 Mark Street", "most": 9}
TOLD = "… must spend … of 9 first."


def refused(state: Tally, event: Event, context: Context) -> Effects[Tally]:
    raise POOR(**SENT)


def taken_back(state: Tally, event: Event, context: Context) -> Effects[Tally]:
    refusal = POOR(**SENT)
    return Effects(state, retracts=(Retract(event, context.origin, refusal.code, refusal.reason),))


@pytest.mark.parametrize("apply", [refused, taken_back])
async def test_a_dead_letter_and_its_line_of_the_log_hold_none_of_it(apply: Any) -> None:
    handler = replace(HANDLER, apply=apply)
    store, publisher = MemoryStore(handler), MemoryPublisher()
    target = processor(store, publisher, handler)
    await target.assigned(frozenset({0}), 1)
    with capture_logs() as lines:
        await target.process(batch_of(messages_of([(0, 0, 4)]), START))
    (record,) = [one for one in publisher.records if one.topic.endswith(".dlq")]
    assert dict(record.headers)["rapport-error-detail"].decode() == TOLD
    assert [line["detail"] for line in lines if line["event"] == "dead letter"] == [TOLD]
    assert "Mark Street" not in str(lines)


def test_a_handler_that_is_tried_in_memory_sees_what_its_dead_letters_say() -> None:
    worker = InMemoryWorker(replace(HANDLER, apply=taken_back))
    (message,) = messages_of([(0, 0, 4)])
    worker.send(message.event)
    assert [letter.detail for letter in worker.dead_letters] == [TOLD]
