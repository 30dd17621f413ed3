"""All that a service holds of one customer, row by row, from the collections that it declares.

The answer is NDJSON, so that neither side has it in memory: a line a row, by the name of the collection and
then by ``_id``, and a last line that says how many rows there were. An answer without that last line is not
whole: the store went away in the middle.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse
from pymongo.asynchronous.database import AsyncDatabase

from shared.domain import Collection
from shared.http.auth import Principal, require
from shared.http.dependencies import Database
from shared.runtime.compact import document_of
from shared.runtime.mongo import Document
from shared.runtime.trail import AUDIT, trail_of
from shared.schemas.base import ID_PATTERN
from shared.schemas.bindings import open_envelope
from shared.schemas.commands.merging import MERGING

MEDIA_TYPE = "application/x-ndjson"
ROWS_AT_ONCE = 200
"""Of a collection that are in memory."""
JOURNAL = "journal"
COPIED = "copied"
"""The field of a row that holds a copy of what other rows say, such as a piece of an export: left out."""

HANDED = frozenset(own.hand_over.event_type for own in MERGING.values())

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
    """A state, which is stored as text or packed."""
    return document | {"data": document_of(document["data"])}


def entry_read(document: Document, customer_id: str) -> Document:
    """A journal entry, which may be of somebody else who told several customers something."""
    if document.get("subject") == customer_id or "emitted" not in document:
        return document
    key, told = customer_id.encode(), []
    for one in document["emitted"]:
        if one["key"] == key:
            told.append(one)
        elif customer_id in one.get("about", ()):
            told.append(_named_in(one))
    return document | {"emitted": told}


def _named_in(record: Document) -> Document:
    """A record that names a customer and is for another. All that somebody has, as it is handed over, is
    theirs alone: of that it is told that it names them."""
    headers = [(name, bytes(value)) for name, value in record["headers"]]
    if open_envelope(bytes(record["key"]), bytes(record["value"]), headers).type not in HANDED:
        return record
    return {name: said for name, said in record.items() if name != "value"}


@dataclass(frozen=True, slots=True)
class Holding:
    """What a service declares to hold: its collections, and how to read those whose documents are packed."""

    service: str
    collections: Sequence[Collection]
    readings: Mapping[str, Reading]

    @property
    def owned(self) -> list[Collection]:
        """Those that can hold something about a customer, by their names."""
        found = {c.name: c for c in self.collections if c.owner is not None}
        return sorted(found.values(), key=lambda c: c.name)

    async def told(
        self, database: AsyncDatabase[Document], customer_id: str, erased_by: bytes
    ) -> AsyncIterator[dict[str, Any]]:
        """What the lines say: ``{collection, row}`` each, and at last ``{end}``. PyMongo's errors pass. Rows
        of the trail that were hidden by an erasure are told once it was lifted, too."""
        counts = {collection.name: 0 for collection in self.owned}
        for collection in self.owned:
            reading = self.readings.get(collection.name)
            hidden = collection.name == AUDIT.name
            wanted = trail_of(customer_id, erased_by) if hidden else collection.about(customer_id)
            found = database[collection.name].find(wanted, {COPIED: 0}, batch_size=ROWS_AT_ONCE)
            async for document in found.sort("_id", 1):
                counts[collection.name] += 1
                if collection.name == JOURNAL:
                    document = entry_read(document, customer_id)
                row = document if reading is None else reading(document)
                yield {"collection": collection.name, "row": plain(row)}
        yield {"end": {"customer": customer_id, "service": self.service, "rows": counts}}


def held_router(holding: Holding) -> APIRouter:
    """The route of a service."""
    router = APIRouter(tags=["privacy"])

    @router.get(
        "/customers/{customer_id}/held",
        summary="All rows about a customer",
        description=DESCRIPTION,
        response_class=StreamingResponse,
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    )
    async def held(
        request: Request, principal: Admin, database: Database, customer_id: CustomerId
    ) -> StreamingResponse:
        told = holding.told(database, customer_id, request.app.state.settings.erased_by)
        # The first is asked for here: a store that is away is still a 503.
        return StreamingResponse(_lines(await anext(told), told), media_type=MEDIA_TYPE)

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


async def _lines(first: dict[str, Any], told: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    yield json_text(first) + "\n"
    async for one in told:
        yield json_text(one) + "\n"


def json_text(said: Any) -> str:
    """On one line."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
