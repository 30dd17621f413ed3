"""Metrics' collections: what each holds of whom, and the names and packed forms in their documents."""

from datetime import date
from urllib.parse import quote, unquote

import msgspec

from services.metrics.domain.cells import Delta
from shared.domain import Collection
from shared.schemas.times import date_of, day_number

COLLECTIONS: tuple[Collection, ...] = (
    # {_id: partition, epoch, owner, sessions, writes (see ``shared.journal.epoch``), offsets: {topic: next},
    # watermark, tail, recent, folds, open: {cell: n}}: ``watermark`` under the stream clock only; ``tail``
    # packs the changes of cells, and ``recent`` the ids, that are not yet in the collections below; ``folds``
    # counts how often they went there.
    Collection("partitions", owner=None, personal=()),
    # {_id: "2026-11-22:<partition>", cells: {"<segment>|<channel>": {field: n}}}
    Collection("days", owner=None, personal=()),
    # The same, for the fields of ``gaps.is_gap``: read for windows of the past only.
    Collection("gaps", owner=None, personal=()),
    # {_id: customer, record: MessagePack of ``state.Customer``}
    Collection("customers", owner="_id", personal=("record",)),
    # {_id: "<partition>:<number>", n, ids: packed}: hashes of event ids.
    Collection("seen", owner=None, personal=()),
)


def pack_tail(tail: Delta) -> bytes:
    return msgspec.msgpack.encode([(*cell, n) for cell, n in tail.items()])


def unpack_tail(packed: bytes) -> Delta:
    if not packed:
        return {}
    rows = msgspec.msgpack.decode(packed, type=list[tuple[int, str, str, str, int]])
    return {(day, segment, channel, name): n for day, segment, channel, name, n in rows}


def day_id(day: int, partition: int) -> str:
    return f"{date_of(day).isoformat()}:{partition}"


def first_id(day: int) -> str:
    """Where the documents of a day, and of those after it, begin."""
    return date_of(day).isoformat()


def day_of_id(id: str) -> int:
    return day_number(date.fromisoformat(id.partition(":")[0]))


def cell_name(segment: str, channel: str) -> str:
    """A field name of MongoDB: no dot, no dollar, whatever a segment is called."""
    return f"{_escape(segment)}|{_escape(channel)}"


def segment_and_channel(name: str) -> tuple[str, str]:
    """What ``cell_name`` made a name of."""
    segment, _, channel = name.partition("|")
    return unquote(segment), unquote(channel)


def chunk_id(partition: int, number: int) -> str:
    return f"{partition}:{number:010d}"


def chunk_number(id: str) -> int:
    return int(id.partition(":")[2])


def chunk_bounds(partition: int) -> tuple[str, str]:
    """The ids of a partition's chunks: from the first (included) to the second (not)."""
    # A semicolon is the character after the colon.
    return f"{partition}:", f"{partition};"


def _escape(text: str) -> str:
    return quote(text, safe=" ", errors="replace").replace(".", "%2E")
