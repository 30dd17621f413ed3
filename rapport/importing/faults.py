"""The file of rows that could not be imported, each with line and reason; it may be mended and imported."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from rapport.importing.rows import Row
from rapport.trouble import TroubleError

_write = msgspec.json.Encoder().encode
HEAD = ("line", "reason")


class Fault(NamedTuple):
    """A row that was not imported."""

    row: Row
    reason: str


class FaultFile:
    """CSV with the row's own columns after line and reason, or a JSON object a line. Made with the first
    fault; readable by its owner alone, as the rows are personal."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        # What is imported may be such a file itself.
        self._from = len(HEAD) if tuple(columns[: len(HEAD)]) == HEAD else 0
        self._columns = tuple(columns[self._from :])
        self._csv = path.suffix.lower() == ".csv" and bool(columns)
        self._file: io.BufferedRandom | None = None

    def begin(self, size: int) -> None:
        """Cut to the ``size`` in bytes that is known to belong here; 0: no such file. Raises
        ``TroubleError`` where it is shorter."""
        if size == 0:
            self.path.unlink(missing_ok=True)
            return
        if not self.path.is_file() or self.path.stat().st_size < size:
            raise TroubleError(f"{self.path} is not what this import wrote: say --restart to begin anew.")
        self._open()
        assert self._file is not None
        self._file.truncate(size)
        self._file.seek(size)

    def write(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            if self._file is None:
                self._open()
                if self._csv:
                    self._put(self._line([*HEAD, *self._columns]))
            for row in fault.row.members or (fault.row,):
                self._put(self._told(row, fault.reason))

    def sync(self) -> int:
        """All that was written is on the disk; how many bytes that is."""
        if self._file is None:
            return 0
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "r+b")

    def _told(self, row: Row, reason: str) -> bytes:
        if self._csv:
            cells = row.cells[self._from :] or [""] * len(self._columns)
            return self._line([str(row.line), reason, *cells])
        return _write({"line": row.line, "reason": reason, "record": _kept(row)}) + b"\n"

    def _put(self, line: bytes) -> None:
        assert self._file is not None
        self._file.write(line)

    def _line(self, cells: Sequence[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue().encode("utf-8", "surrogateescape")


def _kept(row: Row) -> object:
    record = row.record if row.record is not None else list(row.cells)
    try:
        _write(record)
    except (UnicodeEncodeError, TypeError):
        return repr(record)
    return record


class Reasons:
    """How often each reason was met, and where first."""

    MOST = 1_000

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        reason = fault.reason if fault.reason in self.counts or len(self.counts) < self.MOST else "others"
        self.counts[reason] += 1
        self.first.setdefault(reason, fault.row.line)
