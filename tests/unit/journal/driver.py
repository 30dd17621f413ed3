"""Makes events and drives a ``JournalProcessor`` with them as the record loop would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain import Handler
from shared.journal.processor import JournalProcessor
from shared.kafka.publisher import Record
from shared.schemas.base import Money
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseItem, PurchaseMade
from shared.worker.processing import Batch, Message, Origin
from tests.unit.journal.memory import HANDLER, MemoryPublisher, MemoryStore

START = datetime(2026, 1, 1, tzinfo=UTC)
Step = tuple[int, int, int]
"""A customer, the hours since the step before, an amount."""


def purchase(number: int, customer: str, at: datetime, amount: int) -> Event:
    total = Money(amount=amount, currency="EUR")
    item = PurchaseItem(sku="tea", quantity=1, unit_price=total)
    data = PurchaseMade(order_id=f"o{number}", channel="web", total=total, items=(item,))
    return Event(f"e{number}", "/till", customer, at, data)


def messages_of(steps: Sequence[Step]) -> list[Message]:
    """The log: one record per step, in time order."""
    messages, at = [], START
    for offset, (customer, hours, amount) in enumerate(steps):
        at += timedelta(hours=hours)
        event = purchase(offset, f"c{customer}", at, amount)
        raw = Record("purchases", event.subject.encode(), b"{}", ())
        messages.append(Message(0, at, event, Origin("purchases", 0, offset), raw))
    return messages


def processor(
    store: MemoryStore, publisher: MemoryPublisher, handler: Handler[Any] = HANDLER, **options: Any
) -> JournalProcessor[Any]:
    return JournalProcessor(
        handler,
        store,  # type: ignore[arg-type]
        publisher,  # type: ignore[arg-type]
        secret_key=b"k" * 16,
        stream=True,
        **options,
    )


def batch_of(messages: Sequence[Message], before: datetime, until: datetime | None = None) -> Batch:
    horizon = until or max([before, *(m.at for m in messages)])
    next_offset = max((m.origin.offset + 1 for m in messages), default=0)
    return Batch(0, 1, tuple(messages), before, horizon, {("purchases", 0): next_offset})


async def run(
    target: JournalProcessor[Any], messages: Sequence[Message], size: int, until: datetime | None = None
) -> None:
    """Take over partition 0 and process the messages in batches of ``size``, then move the clock."""
    await target.assigned(frozenset({0}), 2)
    before = START
    for start in range(0, len(messages), size):
        part = messages[start : start + size]
        await target.process(batch_of(part, before))
        before = max(before, part[-1].at)
    if until is not None:
        await target.process(batch_of([], before, until))
