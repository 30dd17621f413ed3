"""Metrics' collections: what each holds of whom, and the names and packed forms in their documents."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from services.metrics.domain.acts import ACTS, ANSWERS
from services.metrics.domain.cells import Cell, Delta, Minutes
from services.metrics.domain.fits import Fit
from services.metrics.domain.places import crossed
from services.metrics.domain.restating import Moved, Sums
from services.metrics.domain.texts import Raised
from shared.domain import Collection
from shared.facts.erased import ERASED_IDS, ERASING, KEYS
from shared.merging.rows import MERGED
from shared.schemas.times import date_of, day_number

MOVED, TOLD, ANOMALIES, RAISED, RISING = "moved", "told", "anomalies", "raised", "rising"
OWED = "owed"
FOLDS = "folds"
LAST_FOLDS = 32
"""Of so many folds of a partition it is kept what each changed: who keeps the days (``sums``) reads that."""

COLLECTIONS: tuple[Collection, ...] = (
    # {_id: partition, epoch, owner, sessions, writes, counts (see ``shared.journal.epoch``), offsets: {topic:
    # next}, watermark, tail, minutes, since, folds, <level>: {place: n}}: ``watermark`` under the
    # stream clock only; ``tail`` packs the changes of cells that are not yet in ``days`` and ``gaps``,
    # ``minutes`` those not yet in ``minutes``, where none is kept before minute ``since``; ``folds`` counts
    # how often they went there.
    Collection("partitions", owner=None, personal=()),
    # {_id: "2026-11-22:<partition>", cells: {place: {field: n}}}, the places as ``places`` names them
    Collection("days", owner=None, personal=()),
    # The same, for the fields of ``gaps.is_gap``: read for windows of the past only.
    Collection("gaps", owner=None, personal=()),
    # What a partition's last folds brought there: {_id: "<partition>:<number>", packed}, packed as ``tail``
    # is, or null where that is too much.
    Collection(FOLDS, owner=None, personal=()),
    # {_id: "<partition>:<hour>", cells: {minute of the hour: {field: n}}}, of the last 48 hours
    Collection("minutes", owner=None, personal=()),
    # {_id: "<dimension>:<slot>", value}: one that is told apart; what comes later counts as ``other``.
    Collection("dimensions", owner=None, personal=()),
    # {_id: customer, or "team/<team>", record: MessagePack of ``state.Customer``}
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
    # What a write moved of days that were told, ``restating.Moved``: {_id: "<partition>:<version>", at, wall,
    # packed}, the times in microseconds.
    Collection(MOVED, owner=None, personal=(), indexes=("at", "wall")),
    # {_id: partition, told}: up to where figures were told, of the KPIs whose names belong to the partition
    # (MessagePack of ``told.Told``).
    Collection(TOLD, owner=None, personal=()),
    # {_id: "<day>:<figure>", kpi, figure, day, value, usual, spread, score, direction, moved_by, at, stands}:
    # figures that left what is usual; ``stands`` is false where a late fact took that back.
    Collection(ANOMALIES, owner=None, personal=()),
    # Events that are decided and perhaps not published, for as long as that takes, in the order of their ids:
    # {_id: "<partition>:<version>.<number>", records: MessagePack}
    Collection("outbox", owner=None, personal=()),
    # Customers to whom something happened and who are to be looked at, for as long as that takes:
    # {_id: "<partition>:<version>", customers: MessagePack}, by the write that has what happened
    Collection(OWED, owner=None, personal=()),
    # {_id: "<theme>/<customer>/<text>", theme, customer, at (microseconds), source, event, stands}: which
    # texts spoke of a theme, by reference; ``stands`` is false where another account of the text holds now.
    Collection(RAISED, owner="customer", personal=(), indexes=("theme,-at", "customer")),
    # {_id: partition, week}: the day that the last week began with of which it was told which themes rose, of
    # those whose names belong to the partition.
    Collection(RISING, owner=None, personal=()),
    # {_id, theme, text, at, after, told, done}: that a theme was acted upon, and how far those who had spoken
    # of it are told (``acts.Act``).
    Collection(ACTS, owner=None, personal=(), indexes=("done", "theme,-at,-_id")),
    # {_id: "<source> <id>" of a command, outcome: {status, body}, digest}: what its caller is answered.
    Collection(ANSWERS, owner=None, personal=()),
    # {_id: the keyed hash of an id that was erased}
    Collection(ERASED_IDS, owner=None, personal=()),
    # Who came back with an older store and is to be erased again (``shared.journal.erasing.Chore``).
    Collection(ERASING, owner="customer", personal=()),
    # {_id: "erasure", fingerprint: of the key of those hashes}
    Collection(KEYS, owner=None, personal=()),
    MERGED,  # {_id: the old id, into: the survivor, or null once the merge is undone}
    # {_id: "<model>@<microseconds>", model, at, parameters: [[name, number]]}: all that were ever fitted, for
    # what is looked at as of then.
    Collection("models", owner=None, personal=()),
)


def pack_tail(tail: Delta) -> bytes:
    return msgspec.msgpack.encode([(*cell, n) for cell, n in tail.items()])


def unpack_tail(packed: bytes) -> Delta:
    if not packed:
        return Delta()
    try:
        return Delta({(day, place, name): n for day, place, name, n in _tail.decode(packed)})
    except msgspec.ValidationError:
        rows = _tail_of_before.decode(packed)
        cells: dict[Cell, int] = {(day, crossed(*where), name): n for day, *where, name, n in rows}
        return Delta(cells)


_tail = msgspec.msgpack.Decoder(list[tuple[int, str, str, int]])
_tail_of_before = msgspec.msgpack.Decoder(list[tuple[int, str, str, str, int]])
"""With segment and channel, each by itself: as it was before there were places."""


def pack_minutes(minutes: Minutes) -> bytes:
    return msgspec.msgpack.encode(minutes)


def unpack_minutes(packed: bytes) -> Minutes:
    return _minutes.decode(packed) if packed else {}


_minutes = msgspec.msgpack.Decoder(Minutes)


def hour_id(hour: int, partition: int) -> str:
    """Of the minutes of an hour (since 1970-01-01)."""
    return f"{partition}:{hour:08d}"


def hour_of_id(id: str) -> int:
    return int(id.rpartition(":")[2])


def day_id(day: int, partition: int) -> str:
    return f"{date_of(day).isoformat()}:{partition}"


def first_id(day: int) -> str:
    """Where the documents of a day, and of those after it, begin."""
    return date_of(day).isoformat()


def day_of_id(id: str) -> int:
    return day_number(date.fromisoformat(id.partition(":")[0]))


def fold_id(partition: int, number: int) -> str:
    """Of a partition's first fold, second, and so on."""
    return f"{partition}:{number:012d}"


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


def fit_row(fit: Fit) -> dict[str, Any]:
    parameters = [[name, value] for name, value in fit.parameters.items()]  # names may have dots
    return {"_id": f"{fit.model}@{fit.at}", "model": fit.model, "at": fit.at, "parameters": parameters}


def fit_of(row: Mapping[str, Any]) -> Fit:
    """What ``fit_row`` made a row of."""
    return Fit(row["model"], row["at"], {name: float(value) for name, value in row["parameters"]})


def outbox_id(partition: int, version: int, number: int) -> str:
    """In the order in which a partition's are written."""
    return f"{partition}:{version:012d}.{number:04d}"


def pack_names(customers: Sequence[str]) -> bytes:
    return msgspec.msgpack.encode(customers)


def unpack_names(packed: bytes) -> tuple[str, ...]:
    return msgspec.msgpack.decode(packed, type=tuple[str, ...])


def owed_id(partition: int, version: int) -> str:
    return f"{partition}:{version:012d}"


def owed_version(id: str) -> int:
    return int(id.rpartition(":")[2])


def named_under(name: str) -> dict[str, str]:
    """Matches the ids that begin with a residue's or a run's name and a colon."""
    # A semicolon is the character after the colon.
    return {"$gte": f"{name}:", "$lt": f"{name};"}


def moved_document(moved: Moved) -> dict[str, Any]:
    packed = msgspec.msgpack.encode((moved.began, moved.heard, moved.facts, moved.sums, moved.days))
    id = moved_id(moved.partition, moved.version)
    return {"_id": id, "at": moved.at, "wall": moved.wall, "packed": packed}


def read_moved(document: Mapping[str, Any]) -> Moved:
    partition, _, version = document["_id"].partition(":")
    began, heard, facts, sums, days = _moved.decode(bytes(document["packed"]))
    at, wall = document["at"], document["wall"]
    return Moved(int(partition), int(version), at, began, wall, heard, facts, sums, days)


def anomaly_id(day: int, figure: str) -> str:
    """In the order of days."""
    return f"{day:06d}:{figure}"


def raised_row(raised: Raised, customer: str) -> dict[str, Any]:
    id = f"{raised.theme}/{customer}/{raised.thing}"
    named = {"theme": raised.theme, "customer": customer, "at": raised.at, "stands": raised.stands}
    return {"_id": id, **named, "source": raised.source, "event": raised.event}


def moved_id(partition: int, version: int) -> str:
    return f"{partition}:{version:012d}"


_moved = msgspec.msgpack.Decoder(tuple[int, int, dict[int, dict[str, int]], Sums | None, tuple[int, int]])
