"""JSON lines: one structured CloudEvent per line, plain or gzipped, read in the order of event time."""

import gzip
import heapq
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, cast

from rapport.replay.record import Record
from rapport.unpacked import Unpacked
from shared.schemas.codec import BadRecordError, parse_cloudevent
from shared.schemas.topics import OWN_TYPES

STANDARD = "-"
_CHUNK = 100_000
_SHOWN = 20
"""Lines kept in memory at once, and bad lines that are told."""


class BadLinesError(Exception):
    """Some lines are no events. ``faults`` are (line number from 1, code, reason), the first ones only."""

    def __init__(self, faults: list[tuple[int, str, str]], total: int) -> None:
        super().__init__(f"{total} bad lines")
        self.faults = faults
        self.total = total


class EventFile:
    """The events of a file, sorted by time. All lines are checked before the first one is given.

    More lines than ``chunk`` are sorted in parts on disk, so that a file may be larger than memory.
    """

    def __init__(self, path: str, *, chunk: int = _CHUNK, kept: Collection[str] = ()) -> None:
        """``kept``: types that Rapport itself writes and that are given all the same."""
        self._path = path
        self._chunk = chunk
        self._left_out_types = OWN_TYPES.difference(kept)
        self.left_out = 0
        """How many events were left out: of types that Rapport itself writes, so it will again."""

    def __iter__(self) -> Iterator[Record]:
        """Raises BadLinesError, OSError."""
        with ExitStack() as contexts:
            records = self._checked(contexts.enter_context(open_read(self._path)))
            parts: list[Iterable[Record]] = []
            while part := sorted(islice(records, self._chunk), key=_time):
                full = len(part) == self._chunk
                parts.append(contexts.enter_context(_Spilled(part)) if full else part)
            # merge() takes equal times from the earlier part first: the file's own order.
            yield from heapq.merge(*parts, key=_time)

    def _checked(self, lines: Iterable[bytes]) -> Iterator[Record]:
        faults: list[tuple[int, str, str]] = []
        total, now = 0, datetime.now(UTC)
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                event = parse_cloudevent(line.strip(), now)
            except BadRecordError as error:
                total += 1
                faults += [(number, error.code, error.detail)] if total <= _SHOWN else []
                continue
            if event.type in self._left_out_types:
                self.left_out += 1
            elif not total:
                yield Record(event.time, event.data.topic, event.subject, event.source, line.strip())
        if total:
            raise BadLinesError(faults, total)


def open_read(path: str) -> IO[bytes]:
    """The file for reading; ``-`` is standard input, ``.gz`` is unpacked."""
    if path == STANDARD:
        return sys.stdin.buffer
    if path.endswith(".gz"):
        return cast(IO[bytes], Unpacked(Path(path)))
    return Path(path).open("rb")


def open_write(path: str) -> IO[bytes]:
    """The file for writing; ``-`` is standard output, ``.gz`` is packed."""
    if path == STANDARD:
        return sys.stdout.buffer
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.open(path, "wb"))
    return Path(path).open("wb")


def _time(record: Record) -> datetime:
    return record.at


class _Spilled:
    """A sorted part on disk: each record as two lines, its fields and its value."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._file: BinaryIO = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed by __exit__
        for one in records:
            head = "\t".join((one.at.isoformat(), one.topic, one.key, one.source))
            self._file.write(head.encode() + b"\n" + one.value + b"\n")

    def __enter__(self) -> Iterator[Record]:
        self._file.seek(0)
        return self._read()

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self) -> Iterator[Record]:
        for head in self._file:
            at, topic, key, source = head.decode().rstrip("\n").split("\t")
            yield Record(datetime.fromisoformat(at), topic, key, source, next(self._file).rstrip(b"\n"))
