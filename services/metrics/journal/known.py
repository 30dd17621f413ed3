"""The ids of one residue as its worker has them, and the job that moves the oldest of them out of memory.

    flush -> recent (in the document) -> fold: chunks -> job: a run -> job: eight runs to one

All but the runs is in memory whole. A job works between the flushes, a step at a time: first a flush names
the run to be made as garbage, so that whoever comes after a crash clears it away; then its pages are written,
which nobody reads yet; then a flush puts it in the place of what it was made of. Nothing here does I/O.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rbloom import Bloom

from services.metrics.journal.residues import Residue
from services.metrics.journal.runs import Run, RunInfo, empty_filter
from services.metrics.journal.seen import Chunk, IdSet, to_merge
from services.metrics.journal.writes import Fold, Manifest

RUNS_TO_MERGE = 8
"""So many runs of about the same size become one: an id is rewritten once for each factor of 8."""


@dataclass(slots=True, eq=False)
class Job:
    """A run in the making, of chunks or of runs."""

    output: RunInfo
    chunks: tuple[Chunk, ...] = ()
    runs: tuple[RunInfo, ...] = ()
    announced: bool = False
    """The store knows of it."""
    next_page: int = 0
    """Those before are written."""
    finished: bool = False
    """All of it is written, and nobody knows."""
    ids: "array[int]" = field(default_factory=lambda: array("Q"))
    """Of the chunks, sorted, once they are read."""
    filter: Bloom = field(init=False)

    def __post_init__(self) -> None:
        self.filter = empty_filter(self.output.ids)


@dataclass(slots=True, eq=False)
class Known:
    """The ids of one residue."""

    residue: Residue
    recent: IdSet = field(default_factory=IdSet)
    """Those that are in no run."""
    chunks: tuple[Chunk, ...] = ()
    """What of ``recent`` is folded."""
    runs: tuple[Run, ...] = ()
    garbage: tuple[str, ...] = ()
    job: Job | None = None
    moved: bool = False
    """Runs or garbage changed since the last flush."""

    def __len__(self) -> int:
        return len(self.recent) + sum(run.info.ids for run in self.runs)

    @property
    def bytes(self) -> int:
        job = self.job
        making = job.filter.size_in_bits // 8 + job.ids.itemsize * len(job.ids) if job is not None else 0
        return self.recent.bytes + sum(run.bytes for run in self.runs) + making

    def fold(self, ids: int) -> Fold:
        """Where so many recent ids go. What a job is made of stays as it is."""
        number = max((chunk.number for chunk in self.chunks), default=0) + 1
        busy = self.job.chunks if self.job is not None else ()
        return Fold(number, to_merge([c for c in self.chunks if c not in busy]) if ids else ())

    def folded(self, fold: Fold, ids: int) -> None:
        total = ids + sum(chunk.ids for chunk in fold.merge)
        self.chunks = (*(c for c in self.chunks if c not in fold.merge), Chunk(fold.number, total))

    def plan(self, epoch: int, serial: int, most: int) -> bool:
        """Begin a job if there is one to do: more than ``most`` ids are in chunks, or enough runs are of one
        size. No two have the same epoch and serial."""
        name = f"{self.residue.name}:{epoch}.{serial}"
        if sum(chunk.ids for chunk in self.chunks) > most:
            self._begin(_spill(name, self.chunks, most // 2))
        elif merged := _alike([run.info for run in self.runs]):
            self._begin(Job(RunInfo(name, sum(run.ids for run in merged)), runs=merged))
        return self.job is not None

    def _begin(self, job: Job) -> None:
        self.job = job
        self.garbage = (*self.garbage, job.output.id)
        self.moved = True

    def manifest(self) -> Manifest | None:
        """What the next flush writes of it."""
        if not self.moved:
            return None
        job = self.job
        if job is None or not job.finished:
            return Manifest(tuple(run.info for run in self.runs), self.garbage)
        kept = tuple(run.info for run in self.runs if run.info not in job.runs)
        replaced = tuple(run.id for run in job.runs)
        left = tuple(id for id in self.garbage if id != job.output.id)
        return Manifest((*kept, job.output), (*left, *replaced), job.chunks)

    def written(self, manifest: Manifest | None) -> Iterator[None]:
        """It stands. What is returned is to be gone through: it takes out of memory what went to a run, a few
        ids at a time."""
        job = self.job
        if manifest is None:
            return iter(())
        self.moved = False
        if job is None or not job.finished:
            if job is not None:
                job.announced = True
            return iter(())
        self.runs = (*(r for r in self.runs if r.info not in job.runs), Run(job.output, job.filter))
        self.garbage = manifest.garbage
        self.chunks = tuple(c for c in self.chunks if c not in job.chunks)
        self.job = None
        return self.recent.remove(job.ids)

    def cleared(self, id: str) -> None:
        """A run of the garbage is gone."""
        self.garbage = tuple(other for other in self.garbage if other != id)
        self.moved = True


def _spill(name: str, chunks: Sequence[Chunk], least: int) -> Job:
    """The oldest chunks, with so many ids at least."""
    taken: list[Chunk] = []
    ids = 0
    for chunk in sorted(chunks, key=lambda c: c.number):
        taken.append(chunk)
        ids += chunk.ids
        if ids >= least:
            break
    return Job(RunInfo(name, ids), chunks=tuple(taken))


def _alike(runs: Sequence[RunInfo]) -> tuple[RunInfo, ...]:
    """The first of ``RUNS_TO_MERGE`` of about the same size, or none; the smallest size first."""
    tiers: dict[int, list[RunInfo]] = {}
    for run in runs:
        tiers.setdefault(run.ids.bit_length() // (RUNS_TO_MERGE.bit_length() - 1), []).append(run)
    for _, tier in sorted(tiers.items()):
        if len(tier) >= RUNS_TO_MERGE:
            return tuple(tier[:RUNS_TO_MERGE])
    return ()
