"""The test kit against the processor: the same log comes to the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import Handler
from shared.journal.testing import InMemoryWorker
from shared.schemas.codec import parse_cloudevent
from shared.schemas.event import Event
from shared.worker.processing import Message
from tests.examples import examples
from tests.unit.journal.driver import START, messages_of, processor, run
from tests.unit.journal.kiosk import KIOSK, log_of
from tests.unit.journal.memory import HANDLER, MemoryPublisher, MemoryStore

END = START + timedelta(days=60)


def sent(handler: Handler[Any], messages: list[Message], size: int) -> InMemoryWorker[Any]:
    worker = InMemoryWorker(handler, clock="stream", now=START, secret_key=b"k" * 16, strict=False)
    for first in range(0, len(messages), size):
        part = messages[first : first + size]
        worker.send_batch([m.event for m in part], origins=[m.origin for m in part])
    worker.advance(END)
    return worker


def assert_same(worker: InMemoryWorker[Any], store: MemoryStore, publisher: MemoryPublisher) -> None:
    assert worker.states == {customer: state for customer, (state, _) in store.states.items()}
    assert worker.store.timers == store.timers
    assert worker.counters == store.used
    assert worker.store.rows == store.rows
    assert {k: +c for k, c in worker.store.sums.items()} == {k: +c for k, c in store.sums.items()}
    assert worker.store.journal.keys() == store.journal.keys()
    published = [r.value for r in publisher.records if not r.topic.endswith(".dlq")]
    # The processor gives each batch's in the order of its events too.
    assert [(event.id, event.subject) for event in worker.emitted] == [
        (event.id, event.subject) for event in map(reread, published)
    ]
    dead_letters = [dict(r.headers) for r in publisher.records if r.topic.endswith(".dlq")]
    assert sorted((d.code, d.origin.text) for d in worker.dead_letters) == sorted(
        (h["rapport-error"].decode(), h["rapport-origin"].decode()) for h in dead_letters
    )


def reread(value: bytes | None) -> Event:
    assert value is not None
    return parse_cloudevent(value, datetime.max.replace(tzinfo=UTC))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["buy", "buy", "return"]),
            st.integers(0, 2),
            st.integers(0, 3),
            st.integers(0, 12),
            st.integers(1, 9),
        ),
        max_size=30,
    ),
    st.sampled_from([1, 4]),
)
@settings(deadline=None, max_examples=examples(80))
def test_it_comes_to_what_the_processor_comes_to(log: list[Any], size: int) -> None:
    store, publisher = MemoryStore(KIOSK), MemoryPublisher()
    asyncio.run(run(processor(store, publisher, KIOSK), log_of(log), size, END))
    assert_same(sent(KIOSK, log_of(log), size), store, publisher)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 60)), max_size=30))
@settings(deadline=None, max_examples=examples(80))
def test_timers_come_to_the_same_too(log: list[Any]) -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    asyncio.run(run(processor(store, publisher), messages_of(log), 1, END))
    assert_same(sent(HANDLER, messages_of(log), 1), store, publisher)
