"""What is read at a takeover and written at a flush, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.metrics.domain.cells import Delta
from services.metrics.journal.looks import Owing, Sweep, Tally
from services.metrics.journal.outbox import NOTHING, Leaving
from services.metrics.journal.residues import Residue
from services.metrics.journal.runs import RunInfo
from services.metrics.journal.seen import Chunk
from shared.kafka.publisher import Record


@dataclass(frozen=True, slots=True)
class Stored:
    """What a worker takes over with a partition."""

    epoch: int
    """Under which the partition is this worker's."""
    version: int
    """How often it was written."""
    offsets: Mapping[str, int]
    """Topic -> the next offset to read."""
    watermark: datetime | None
    tail: Delta
    outbox: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    """What was decided and perhaps not published, in its order."""
    folds: int = 0
    """How often its cells were folded."""
    before_minutes: bool = False
    """It was written by a version that did not count minutes."""
    sweep: Sweep | None = None
    """How far customers were looked at, under whatever number of partitions; None if nobody was."""
    before_looks: bool = False
    """Of its customers some may have been there before anybody was looked at, as older versions left it."""
    owed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Who is owed a look, by the version of the write that has it: nobody, where customers were another
    partition's then."""


@dataclass(frozen=True, slots=True)
class StoredIds:
    """What stands of a residue's ids, but for its chunks and filters."""

    residue: Residue
    recent: bytes = b""
    """Not folded yet."""
    runs: tuple[RunInfo, ...] = ()
    garbage: tuple[str, ...] = ()
    """Runs that are of no use: replaced, or never finished."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Move tail and recent ids to their places: the ids to chunk ``number``, then ``merge`` to one."""

    number: int
    merge: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which runs hold the ids from now on, in place of the ``spilled`` chunks too."""

    runs: tuple[RunInfo, ...]
    garbage: tuple[str, ...]
    spilled: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes of customers who were erased, before anything else is written."""

    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The ``_id`` of documents, by collection."""
    tombstones: Mapping[str, bool] = field(default_factory=dict)
    """By the hash of an id, whether it is erased from then on, or no longer."""


@dataclass(frozen=True, slots=True)
class Write:
    """All that changed of a partition since it was last written."""

    partition: int
    residue: Residue
    epoch: int
    version: int
    """As it is before: what was written unnoticed, its acknowledgement lost, is not written again."""
    offsets: Mapping[str, int]
    tail: Delta
    recent: bytes
    customers: Mapping[str, bytes] = field(default_factory=dict)
    watermark: datetime | None = None
    """Only if it moved."""
    fold: Fold | None = None
    folds: int = 0
    """How often it was folded before."""
    manifest: Manifest | None = None
    """Only if it changed."""
    leaving: Leaving = NOTHING
    sweep: Sweep | None = None
    """Only if it moved."""
    tally: Tally = field(default_factory=dict)
    owing: Owing = field(default_factory=Owing)
    removal: Removal = field(default_factory=Removal)
