"""What can be replayed, by name: a data set, or a file of JSON lines."""

import heapq
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rapport.replay.jsonl import STANDARD, BadLinesError, EventFile
from rapport.replay.record import Record
from rapport.trouble import TroubleError

DATASET = "completejourney"


@dataclass(frozen=True, slots=True)
class Source:
    """Records in the order of time. ``total`` is their number where it is known before."""

    records: Iterable[Record]
    total: int | None = None
    notes: tuple[str, ...] = ()

    def left_out(self) -> int:
        """How many events were not given, being of types that Rapport itself writes; known at the end."""
        return self.records.left_out if isinstance(self.records, EventFile) else 0


def open_source(
    name: str, *, households: int | None = None, seed: int = 1, kept: Collection[str] = ()
) -> Source:
    """The data set of this name, or the file; ``kept``: of the types that Rapport itself writes, those that
    are given all the same. Raises TroubleError."""
    if name == DATASET:
        return open_dataset(households, seed)
    if name != STANDARD and not Path(name).is_file():
        raise TroubleError(f"{name} is no file, and the only data set is {DATASET}.")
    return Source(EventFile(name, kept=kept))


@contextmanager
def reading(name: str, console: Console, undone: str) -> Iterator[None]:
    """While a source is read: its bad lines go to the console, and end in TroubleError as every I/O
    error does. ``undone`` says what did not happen, such as ``nothing was sent``."""
    try:
        yield
    except BadLinesError as error:
        for number, code, reason in error.faults:
            console.print(f"{name}:{number}: {code}: {reason}", markup=False, highlight=False)
        raise TroubleError(f"{error.total} bad lines in {name}: {undone}.") from None
    except OSError as error:
        raise TroubleError(f"{name}: {error.strerror or error}.") from None


def open_dataset(households: int | None, seed: int) -> Source:
    """The data set's recorded baskets, merged with the simulated events around them. Raises TroubleError."""
    try:
        # pyarrow is an extra: only this data set needs it.
        from rapport.replay.completejourney import CompleteJourney
        from rapport.replay.simulated import simulate
    except ModuleNotFoundError as error:
        raise TroubleError(f"{error.name} is missing: pip install 'rapport[demo]'.") from None

    data = CompleteJourney(households)
    simulated = simulate(data, seed)
    total = len(data.baskets) + len(simulated)
    notes = (
        f"{len(data.baskets):,} purchases were recorded by {len(data.households):,} households; their times "
        "are taken as UTC.",
        f"{len(simulated):,} events are simulated (seed {seed}; source /simulated/...): profiles, consents, "
        "contacts, complaints, surveys, returns.",
    )
    return Source(merged(data.purchases(), simulated), total, notes)


def merged(*streams: Iterable[Record]) -> Iterator[Record]:
    """Streams in the order of the log as one; at equal times the earlier stream goes first."""
    return heapq.merge(*streams, key=lambda record: record.at)
