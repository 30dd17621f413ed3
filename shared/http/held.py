"""All that a service holds of one customer, row by row, from the collections that it declares.

The answer is NDJSON, so that neither side has it in memory: a line a row, by the name of the collection and
then by ``_id``, and a last line that says how many rows there were. An answer without that last line is not
whole: the store went away in the middle.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse

from shared.domain import Collection
from shared.http.auth import Principal, require
from shared.http.dependencies import Database
from shared.runtime.mongo import Document
from shared.schemas.base import ID_PATTERN

MEDIA_TYPE = "application/x-ndjson"
ROWS_AT_ONCE = 200
"""Of a collection that are in memory."""

Reading = Callable[[Document], Mapping[str, Any]]
"""What a stored document says, where it is packed."""

Admin = Annotated[Principal, Depends(require("admin"))]
CustomerId = Annotated[str, Path(pattern=ID_PATTERN)]

DESCRIPTION = (
    "A line a row, `{collection, row}`, sorted by the name of the collection and the row's `_id`. The last "
    "line is `{end: {customer, service, rows}}`, with the number of rows of each collection that can hold "
    "any; without it the answer is not whole. Of this id alone: of one who was merged there are rows under "
    "each id."
)


def state_read(document: Document) -> Document:
    """A state, which is stored as text."""
    return document | {"data": json.loads(document["data"])}


def held_router(collections: Sequence[Collection], readings: Mapping[str, Reading]) -> APIRouter:
    """The route of a service with these collections; ``readings``, by their names, of those whose documents
    are packed."""
    router = APIRouter(tags=["privacy"])
    owned = sorted({c.name: c for c in collections if c.owner is not None}.values(), key=lambda c: c.name)

    @router.get(
        "/customers/{customer_id}/held",
        summary="All rows about a customer",
        description=DESCRIPTION,
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    )
    async def held(
        principal: Admin, request: Request, database: Database, customer_id: CustomerId
    ) -> StreamingResponse:
        rows = _rows(database, owned, customer_id)
        lines = _lines(rows, readings, _nothing(owned), customer_id, request.app.state.service)
        # The first is asked for here: a store that is away is still a 503.
        return StreamingResponse(_after(await anext(lines), lines), media_type=MEDIA_TYPE)

    return router


def plain(value: Any) -> Any:
    """A stored value as JSON has it. Bytes are the JSON, or the text, that they are, else base64."""
    match value:
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case bytes():
            return _text(value)
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case str() | int() | float() | None:
            return value
    return str(value)


def _text(value: bytes) -> Any:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
    if not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _nothing(owned: Sequence[Collection]) -> dict[str, int]:
    return {collection.name: 0 for collection in owned}


async def _rows(
    database: Any, owned: Sequence[Collection], customer_id: str
) -> AsyncIterator[tuple[str, Document]]:
    for collection in owned:
        found = database[collection.name].find({collection.owner: customer_id}, batch_size=ROWS_AT_ONCE)
        async for document in found.sort("_id", 1):
            yield collection.name, document


async def _lines(
    rows: AsyncIterator[tuple[str, Document]],
    readings: Mapping[str, Reading],
    counts: dict[str, int],
    customer_id: str,
    service: str,
) -> AsyncIterator[str]:
    async for name, document in rows:
        counts[name] += 1
        reading = readings.get(name)
        row = document if reading is None else reading(document)
        yield _line({"collection": name, "row": plain(row)})
    yield _line({"end": {"customer": customer_id, "service": service, "rows": counts}})


async def _after(first: str, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for line in lines:
        yield line


def _line(said: Mapping[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"
