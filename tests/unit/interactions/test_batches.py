"""Facts that wait, or are refused and remembered: the same result wherever batches are cut or killed."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kafka.publisher import Record
from shared.schemas.base import Data
from shared.schemas.codec import encode
from shared.schemas.complaints import ComplaintClosed, ComplaintOpened, ComplaintResolved, ComplaintUpdated
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.worker.processing import Message, Origin
from tests.examples import examples
from tests.unit.journal.driver import START, processor, run
from tests.unit.journal.memory import CrashError, MemoryPublisher, MemoryStore

from .told import HANDLER

END = START + timedelta(days=90)
EUROS = {"amount": 500, "currency": "EUR"}
FACTS: dict[type[Data], dict[str, Any]] = {
    ComplaintOpened: {"channel": "web", "category": "x", "severity": "low", "description": "d"},
    ComplaintUpdated: {"message": "m"},
    ComplaintResolved: {"resolution": "r"},
    ComplaintClosed: {},
    PurchaseMade: {"channel": "web", "total": EUROS, "items": []},
    PurchaseReturned: {"refund": EUROS, "return_id": "r"},
}
Step = tuple[type[Data], int, int, int]
"""A kind, a complaint or an order, hours since the step before, and how many hours late it is told."""
steps = st.lists(
    st.tuples(st.sampled_from(list(FACTS)), st.integers(0, 1), st.integers(0, 400), st.integers(0, 3)),
    max_size=25,
)


def log_of(told: Sequence[Step]) -> list[Message]:
    messages, at = [], START
    for offset, (kind, thing, hours, late) in enumerate(told):
        at += timedelta(hours=hours)
        named = {"complaint_id": f"n-{thing}", "order_id": f"n-{thing}"}
        data = kind.model_validate(FACTS[kind] | named)
        event = Event(f"e-{offset}", "/desk", "cust-1", at - timedelta(hours=late), data)
        value, headers = encode(event)
        raw = Record(data.topic, b"cust-1", value, tuple(headers))
        messages.append(Message(0, at, event, Origin(data.topic, 0, offset), raw))
    return messages


def came_of(store: MemoryStore, publisher: MemoryPublisher) -> dict[str, Any]:
    said = set()
    for record in publisher.records:
        headers = {name: value for name, value in record.headers if name != "rapport-failed-at"}
        said.add(repr((record.topic, record.value, sorted(headers.items()))))
    return {
        "states": {customer: state for customer, (state, _) in store.states.items()},
        "journal": {uid: (e.origin, e.retracted) for uid, e in store.journal.items()},
        "rows": store.rows,
        "timers": store.timers,
        "said": said,
    }


def after(told: Sequence[Step], size: int, crash: int | None = None, *, late: bool = False) -> dict[str, Any]:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    publisher.crash_at, publisher.crash_after = crash, late
    try:
        asyncio.run(run(processor(store, publisher, HANDLER), log_of(told), size, END))
    except CrashError:
        publisher.crash_at = None
        asyncio.run(run(processor(store, publisher, HANDLER), log_of(told), size, END))
    return came_of(store, publisher)


@given(steps, st.sampled_from([2, 7, 500]))
@settings(deadline=None, max_examples=examples(100))
def test_the_result_does_not_depend_on_the_batch_size(told: list[Step], size: int) -> None:
    assert after(told, size) == after(told, 1)


@given(steps, st.sampled_from([1, 3, 500]), st.integers(1, 9), st.booleans())
@settings(deadline=None, max_examples=examples(100))
def test_a_crash_around_any_publication_changes_nothing(
    told: list[Step], size: int, crash: int, late: bool
) -> None:
    assert after(told, size, crash, late=late) == after(told, 1)
