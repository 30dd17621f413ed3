"""Exports under way in this process: each goes on whether its caller waits or not."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from fastapi import FastAPI
from pymongo.errors import PyMongoError

from services.interactions.domain.state import Customer
from services.interactions.export.exports import Export, Exports
from services.interactions.export.gathering import ServiceSilentError, Sources
from services.interactions.export.page import page
from services.interactions.export.readable import Readable
from services.interactions.export.writing import Writer
from services.interactions.models.customers import customer_view
from services.interactions.person_store import ids_in

WAITED_S = 5.0
"""So long a caller is let wait; what takes longer is fetched when it is ready."""
TOLD_EVERY = timedelta(seconds=1)
ENDING_S = 2.0

Gone = Callable[[], Awaitable[bool]]
"""Whether the customer has been erased by now."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Making:
    """Of one process."""

    tasks: dict[str, asyncio.Task[Export]] = field(default_factory=dict)

    async def begin(
        self, exports: Exports, sources: Sources, customer: Customer, by: str, gone: Gone
    ) -> Export:
        """Make the export of a customer, and wait for it a little: it may be ready, or failed, or go on."""
        now = datetime.now(UTC)
        export = Export(uuid.uuid4().hex, customer.customer_id, by, now, now)
        await exports.begin(export)
        task = asyncio.create_task(_make(exports, sources, customer, export, gone))
        self.tasks[export.id] = task
        task.add_done_callback(lambda _: self.tasks.pop(export.id, None))
        # Shielded: the caller may go, and the time may end; the export goes on.
        done, _ = await asyncio.wait([task], timeout=WAITED_S)
        return task.result() if done else export

    async def stop(self) -> None:
        """The process ends: what is under way is not finished, which its row tells by its silence."""
        under_way = list(self.tasks.values())
        for task in under_way:
            task.cancel()
        if under_way:  # not for long: a cancellation that meets the driver's answer is lost (Python 3.11)
            await asyncio.wait(under_way, timeout=ENDING_S)


@asynccontextmanager
async def exporting(app: FastAPI) -> AsyncIterator[None]:
    """A part of the app: makes exports for as long as it lives."""
    app.state.exporting = Making()
    try:
        yield
    finally:
        await app.state.exporting.stop()


async def _make(exports: Exports, sources: Sources, customer: Customer, export: Export, gone: Gone) -> Export:
    try:
        made = await _written(exports, sources, customer, export)
        # All pieces stand: an erasure that is not seen here sees them.
        if await gone():
            await exports.forget(export.id)
            return replace(export, status="failed", why="the customer has been erased")
        await exports.tell(made)
        return made
    except ServiceSilentError as error:
        failed = f"{error.service} {error.why}"
    except PyMongoError as error:
        failed = f"interactions' store does not answer ({type(error).__name__})"
    except Exception as error:  # a bug: whoever waits is told, rather than left to wait
        log.exception("export failed", export=export.id)
        failed = f"interactions met a fault of its own ({type(error).__name__})"
    over = replace(export, status="failed", why=failed, heard_at=datetime.now(UTC))
    try:
        await exports.forget(export.id)
        await exports.tell(over)
    except PyMongoError:
        log.warning("export not told to have failed", export=export.id)
    return over


async def _written(exports: Exports, sources: Sources, customer: Customer, export: Export) -> Export:
    ids: Sequence[str] = ids_in(customer)
    readable, writer = Readable(), Writer(partial(exports.put, export, "json"))
    async for held in sources.held(ids):
        await writer.add(held)
        readable.add(held)
        export = replace(export, rows=export.rows + 1)
        if (now := datetime.now(UTC)) - export.heard_at > TOLD_EVERY:
            export = replace(export, heard_at=now)
            await exports.tell(export)
    made_at = datetime.now(UTC)
    person = customer_view(customer, made_at).model_dump(mode="json", exclude={"unusable"})
    about = {
        "customer_id": customer.customer_id,
        "ids": list(ids),
        "made_at": made_at.isoformat().replace("+00:00", "Z"),
        "person": person,
        "consents": [word.model_dump(mode="json") for word in readable.consents],
    }
    await writer.close(about)
    await exports.put(export, "html", "0", page(person, ids, readable, writer.counts, made_at))
    return replace(export, status="ready", heard_at=made_at)
