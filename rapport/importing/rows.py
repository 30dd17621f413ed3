"""What every kind of file gives: its rows one by one, each with its place, in bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, cast

from rapport.unpacked import Unpacked
from shared.expressions.kinds import Kind

SAMPLE_ROWS, SAMPLE_BYTES = 1_000, 16 * 1024 * 1024
"""So many rows say what a file holds, or so many bytes of them."""
MOST_BYTES = 4 * 1024 * 1024
"""Of one row."""


class Row(NamedTuple):
    """A row as it was read."""

    line: int
    """Where it begins, from 1; of Parquet its number."""
    record: Any
    """What a mapping sees, as JSON has it."""
    fault: str | None = None
    """Why it could not be read, where it could not."""
    cells: Sequence[str] = ()
    """Of CSV, as they stood."""
    size: int = 0
    """About how many bytes it is, where that can be much."""
    members: tuple["Row", ...] = ()
    """The rows that it is made of, where it is several."""


class Rows(Protocol):
    """A file that is open."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names; none where rows are objects."""

    def kind(self, sample: Sequence[Any]) -> Kind:
        """What its rows hold, together with those of a mapping's own ``sample``."""

    def rows(self, skip: int) -> Iterator[Row]:
        """All rows after the first ``skip``."""

    @property
    def done(self) -> float:
        """How much of the file has been read, 0 to 1."""

    def close(self) -> None: ...


class RawFile:
    """A file's bytes, unpacked where its name ends in .gz; how far it was read is told by the packed ones."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self._size = max(path.stat().st_size, 1)
        packed = path.name.lower().endswith(".gz")
        self.bytes: IO[bytes] = cast(IO[bytes], Unpacked(path, self._raw)) if packed else self._raw

    @property
    def done(self) -> float:
        return 1.0 if self._raw.closed else min(self._raw.tell() / self._size, 1.0)

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        self.bytes.close()
        self._raw.close()


def sampled(rows: Iterable[Row]) -> list[Any]:
    """The first records that can be read."""
    found: list[Any] = []
    size = 0
    for row in islice(rows, SAMPLE_ROWS):
        size += row.size
        if size > SAMPLE_BYTES:
            break
        if row.fault is None:
            found.append(row.record)
    return found
