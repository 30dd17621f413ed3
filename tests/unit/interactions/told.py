"""Builds events, and folds them as the worker does."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from services.interactions.config import load
from services.interactions.domain.apply import apply
from services.interactions.domain.state import Customer
from services.interactions.worker import handler
from shared.domain import Context, Effects, Put
from shared.facts.erased import erased_hash
from shared.journal.testing import InMemoryWorker
from shared.runtime.settings import Settings
from shared.schemas.base import Data
from shared.schemas.event import Event

START = datetime(2026, 11, 1, 10, tzinfo=UTC)
CUSTOMER = "cust-1"
SLA = load()
SETTINGS = Settings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key="0123456789abcdef")
HANDLER = handler(SETTINGS)
HASH_OF = partial(erased_hash, SETTINGS.erased_by)
"""As the worker has it, and a test's that is given the settings' key."""


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(
    data: Data, id: str = "e-1", minutes: float = 0, source: str = "/test", subject: str = CUSTOMER
) -> Event:
    return Event(id=id, source=source, subject=subject, time=at(minutes), data=data)


def row_id(told: Event) -> str:
    """Of an event's row in the timeline, which is about the fact that a command became."""
    return f"{told.source} {told.id} {told.subject}"


def step(state: Customer, told: Event) -> Effects[Customer]:
    """One event onto any state, with ids that a test can name; and what must hold after any event."""

    def new_id(tag: str) -> str:
        return f"{tag}-{told.id}"

    effects = apply(SLA, state, told, Context(told.time, new_id, new_id))
    assert Customer.model_validate_json(effects.state.model_dump_json()) == effects.state, (
        "the store gives it back as it was"
    )
    timeline = [row.document["_id"] for row in effects.rows if row.collection == "timeline"]
    assert timeline.count(row_id(told)) == 1, "one timeline row per event"
    return effects


def heard(events: Sequence[Event], now: datetime = START) -> InMemoryWorker[Customer]:
    """A worker that was told these events, one by one, and refused none."""
    worker = InMemoryWorker(HANDLER, now=now)
    for told in events:
        assert worker.send(told).accepted().status == "applied"
    assert [row["_id"] for row in worker.rows("timeline")] == [row_id(told) for told in events]
    return worker


def fold(events: Sequence[Event]) -> Customer:
    """The customer after these events, as the worker handles them."""
    return heard(events).state(CUSTOMER)


def put(effects: Effects[Customer], collection: str) -> dict[str, Any] | None:
    rows = [r.document for r in effects.rows if isinstance(r, Put) and r.collection == collection]
    assert len(rows) <= 1
    return dict(rows[0]) if rows else None
