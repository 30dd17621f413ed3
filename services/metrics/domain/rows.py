"""Metrics' collections: what each holds of whom, and the names and packed forms in their documents."""

from datetime import date
from urllib.parse import quote, unquote

import msgspec

from services.metrics.domain.cells import Delta
from shared.domain import Collection
from shared.schemas.times import date_of, day_number

COLLECTIONS: tuple[Collection, ...] = (
    # {_id: partition, epoch, owner, sessions, writes, counts (see ``shared.journal.epoch``), offsets: {topic:
    # next}, watermark, tail, folds, open: {cell: n}}: ``watermark`` under the stream clock only; ``tail``
    # packs the changes of cells that are not yet in ``days`` and ``gaps``; ``folds`` counts how often they
    # went there.
    Collection("partitions", owner=None, personal=()),
    # {_id: "2026-11-22:<partition>", cells: {"<segment>|<channel>": {field: n}}}
    Collection("days", owner=None, personal=()),
    # The same, for the fields of ``gaps.is_gap``: read for windows of the past only.
    Collection("gaps", owner=None, personal=()),
    # {_id: customer, record: MessagePack of ``state.Customer``}
    Collection("customers", owner="_id", personal=("record",)),
    # Hashes of event ids, packed, by the residue of their keys' hashes, which is called "<of>:<number>":
    # {_id: "<residue>", recent: packed, runs: [{id, ids: n}], garbage: [run]}: ``recent`` are not folded yet.
    Collection("ids", owner=None, personal=()),
    # {_id: "<residue>:<number>", n, ids: packed}: a fold's, or some folds' together.
    Collection("seen", owner=None, personal=()),
    # {_id: "<run>:<page>", ids: packed, sorted}, run being "<residue>:<epoch>.<serial>".
    Collection("pages", owner=None, personal=()),
    # {_id: "<run>:<piece>", bits}
    Collection("filters", owner=None, personal=()),
    # Events that are decided and perhaps not published, for as long as that takes, in the order of their ids:
    # {_id: "<partition>:<version>.<number>", records: MessagePack}
    Collection("outbox", owner=None, personal=()),
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
    return f"{escape(segment)}|{escape(channel)}"


def segment_and_channel(name: str) -> tuple[str, str]:
    """What ``cell_name`` made a name of."""
    segment, _, channel = name.partition("|")
    return unescape(segment), unescape(channel)


def chunk_id(residue: str, number: int) -> str:
    return f"{residue}:{number:010d}"


def chunk_number(id: str) -> int:
    return int(id.rpartition(":")[2])


def part_id(run: str, number: int) -> str:
    """Of a page, or of a piece of a filter."""
    return f"{run}:{number:06d}"


def part_number(id: str) -> tuple[str, int]:
    """What ``part_id`` made an id of."""
    run, _, number = id.rpartition(":")
    return run, int(number)


def outbox_id(partition: int, version: int, number: int) -> str:
    """In the order in which a partition's are written."""
    return f"{partition}:{version:012d}.{number:04d}"


def named_under(name: str) -> dict[str, str]:
    """Matches the ids that begin with a residue's or a run's name and a colon."""
    # A semicolon is the character after the colon.
    return {"$gte": f"{name}:", "$lt": f"{name};"}


def escape(text: str) -> str:
    """Text as a part of a field's name: without dot, dollar, bar and colon."""
    return quote(text, safe=" ", errors="replace").replace(".", "%2E")


def unescape(name: str) -> str:
    """What ``escape`` was given."""
    return unquote(name)
