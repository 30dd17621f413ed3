"""JSON: a line a row, packed by gzip or not; or one document, which is a list of rows or one row."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from rapport.importing.rows import MOST_BYTES, RawFile, Row, sampled
from rapport.trouble import TroubleError
from shared.expressions.kinds import Kind
from shared.mapping.sampling import seen

_BOM = b"\xef\xbb\xbf"
_MOST_DOCUMENT = 64 * 1024 * 1024
_read = msgspec.json.Decoder().decode


class JsonLines:
    """A file with a JSON object a line."""

    columns: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, RawFile(path)

    def kind(self, sample: Sequence[Any]) -> Kind:
        found = sampled(self._rows())
        self._file.bytes.seek(0)
        return seen([*sample, *found])

    @property
    def done(self) -> float:
        return self._file.done

    def close(self) -> None:
        self._file.close()

    def rows(self, skip: int) -> Iterator[Row]:
        found = self._rows()
        next(islice(found, skip, skip), None)
        return found

    def _rows(self) -> Iterator[Row]:
        number = 0
        while line := self._file.bytes.readline(MOST_BYTES):
            number += 1
            if len(line) == MOST_BYTES and not line.endswith(b"\n"):
                while (more := self._file.bytes.readline(MOST_BYTES)) and not more.endswith(b"\n"):
                    pass
                yield Row(number, None, f"is longer than {MOST_BYTES // 2**20} MiB")
                continue
            text = (line.removeprefix(_BOM) if number == 1 else line).strip()
            if text:
                yield _row(number, text)


class JsonDocument:
    """A file that is one JSON document."""

    columns: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Raises ``TroubleError``."""
        file = RawFile(path)
        try:
            text = file.bytes.read(_MOST_DOCUMENT + 1)
        finally:
            file.close()
        if len(text) > _MOST_DOCUMENT:
            most = _MOST_DOCUMENT // 2**20
            raise TroubleError(f"{path} is larger than {most} MiB: write it as JSON Lines, a record a line.")
        try:
            found = _read(text.removeprefix(_BOM))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise TroubleError(f"{path} is not JSON: {error}.") from None
        self._records = found if isinstance(found, list) else [found]
        self._given = 0

    def kind(self, sample: Sequence[Any]) -> Kind:
        return seen([*sample, *sampled(self.rows(0))])

    @property
    def done(self) -> float:
        return self._given / max(len(self._records), 1)

    def close(self) -> None:
        """It was read whole."""

    def rows(self, skip: int) -> Iterator[Row]:
        for number, record in enumerate(self._records[skip:], start=skip + 1):
            self._given = number
            yield Row(number, record, None if isinstance(record, dict) else "is no JSON object")


def _row(number: int, text: bytes) -> Row:
    try:
        record = _read(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Row(number, text.decode(errors="replace"), f"is not JSON: {error}", size=len(text))
    fault = None if isinstance(record, dict) else "is no JSON object"
    return Row(number, record, fault, size=len(text))
