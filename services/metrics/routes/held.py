"""All that the service holds of one customer."""

from typing import Any

import msgspec

from services.metrics.domain.rows import COLLECTIONS
from services.metrics.domain.state import decode
from shared.http.held import Holding, held_router, plain
from shared.runtime.mongo import Document
from shared.runtime.trail import AUDIT


def record_read(document: Document) -> Document:
    """A record, which is stored packed, with the names of its fields."""
    return document | {"record": _named(decode(bytes(document["record"])))}


def _named(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _named(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {name: _named(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_named(inner) for inner in value]
    return plain(value)


router = held_router(Holding("metrics", (*COLLECTIONS, AUDIT), {"customers": record_read}))
