"""CSV as other systems write it: any delimiter, encoding and mark, quoted line ends."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rapport.importing.rows import MOST_BYTES, RawFile, Row
from rapport.trouble import TroubleError
from shared.expressions.kinds import Kind
from shared.mapping.form import CsvForm
from shared.mapping.sampling import texts

_passed_through = re.compile("[\udc80-\udcff]").search
"""Finds a byte that was no text."""
DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 64 * 1024
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class CsvFile:
    """Rows of a CSV file: each a mapping of column to text, spaces around it taken off; what is empty is not
    known."""

    def __init__(self, path: Path, form: CsvForm) -> None:
        """Raises ``TroubleError``."""
        self._file, self._form, self._path = RawFile(path), form, path
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        form = self._form
        head = self._file.bytes.read(_LOOKED_AT)
        self._file.bytes.seek(0)
        self._encoding = next((name for mark, name in _MARKS if head.startswith(mark)), form.encoding)
        self.delimiter = form.delimiter or self._found(head)
        csv.field_size_limit(MOST_BYTES)
        # What is no text of this encoding goes through, and is refused with its row.
        text = io.TextIOWrapper(self._file.bytes, self._encoding, errors="surrogateescape", newline="")
        try:
            for _ in range(form.skip):
                text.readline()
            self._reader = csv.reader(
                text,
                delimiter=self.delimiter,
                quotechar=form.quote,
                escapechar=form.escape,
                doublequote=form.escape is None,
            )
            header = form.columns if form.columns is not None else next(self._reader, [])
        except (UnicodeError, csv.Error) as error:
            raise TroubleError(f"{self._path} cannot be read as {self._encoding}: {error}.") from None
        self._skipped = form.skip
        self.columns = self._named(header)

    def kind(self, sample: Sequence[Any]) -> Kind:
        return texts(self.columns)

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
        width, absent = len(self.columns), frozenset(self._form.absent)
        while True:
            line = self._reader.line_num + 1 + self._skipped
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                yield Row(line, None, f"cannot be read: {error}")
                continue
            except UnicodeError:
                yield Row(line, None, f"cannot be read: it is not {self._encoding}, nor is what comes after")
                return
            if cells is None:
                return
            if not cells:
                continue
            record = {
                name: told
                for name, cell in zip(self.columns, cells, strict=False)
                if (told := cell.strip()) and told not in absent
            }
            text = "".join(cells)
            yield Row(line, record, _fault(cells, text, width, self._encoding), cells, len(text))

    def _found(self, head: bytes) -> str:
        """The delimiter by which the first lines have the most columns, and all the same number."""
        lines = head.decode(self._encoding, errors="replace").splitlines(keepends=True)[self._form.skip :]
        best, most = DELIMITERS[0], (False, 1)
        for delimiter in DELIMITERS:
            reader = csv.reader(lines, delimiter=delimiter, quotechar=self._form.quote)
            try:
                counts = [len(cells) for cells in islice(reader, 20) if cells]
            except csv.Error:
                continue
            if counts and counts[0] > 1:
                rating = (len(set(counts[:-1])) <= 1, counts[0])
                if rating > most:
                    best, most = delimiter, rating
        return best

    def _named(self, header: Sequence[str]) -> tuple[str, ...]:
        names = tuple(name.strip() or f"column_{place}" for place, name in enumerate(header, start=1))
        if not names:
            raise TroubleError(f"{self._path} is empty: there is not even a line that names the columns.")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise TroubleError(
                f"{self._path} has several columns {twice[0]}: name them by csv.columns, and skip the header."
            )
        return names


def _fault(cells: Sequence[str], text: str, width: int, encoding: str) -> str | None:
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        return "has more cells than there are columns"
    # Most rows are ASCII, which says at once that no byte went through as it was.
    if not text.isascii() and _passed_through(text):
        return f"is not {encoding}: say csv.encoding"
    return None
