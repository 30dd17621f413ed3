"""CSV as other systems write it: any delimiter, encoding and mark, quoted line ends."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rapport.importing.lines import Lines, LongRowError
from rapport.importing.rows import MOST_BYTES, RawFile, Row
from rapport.trouble import TroubleError
from shared.expressions.kinds import Kind
from shared.mapping.form import CsvForm
from shared.mapping.sampling import texts

_passed_through = re.compile("[\udc80-\udcff]").search
"""Finds a byte that was no text."""
DELIMITERS = (",", ";", "\t", "|")
_says_delimiter = re.compile(r"sep=([^\r\n])\s*", re.IGNORECASE).fullmatch
"""The line with which Excel is told the delimiter: it is no header."""
_line_ends = re.compile(r"\r\n|\r|\n").findall
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
        lines = head.decode(self._encoding, errors="replace").splitlines(keepends=True)[form.skip :]
        said = _says_delimiter(lines[0]) if lines else None
        self.delimiter = form.delimiter or (said[1] if said is not None else self._found(lines))
        csv.field_size_limit(MOST_BYTES)
        # What is no text of this encoding goes through, and is refused with its row.
        text = io.TextIOWrapper(self._file.bytes, self._encoding, errors="surrogateescape", newline="")
        try:
            self._lines = Lines(text, form.skip + (said is not None))
            self._reader = self._parsed(self._lines)
            header = form.columns if form.columns is not None else next(self._reader, [])
        except (UnicodeError, csv.Error) as error:
            raise TroubleError(f"{self._path} cannot be read as {self._encoding}: {error}.") from None
        if self._lines.ended and header:
            raise TroubleError(f"{self._path} cannot be read: {self._unclosed()}.")
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
            line = self._lines.begin()
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                open_one = isinstance(error, LongRowError) and self._lines.held
                yield Row(line, None, f"cannot be read: {self._unclosed() if open_one else error}")
                continue
            except UnicodeError:
                yield Row(line, None, f"cannot be read: it is not {self._encoding}, nor is what comes after")
                return
            if cells is None:
                return
            if not cells:
                continue
            if self._lines.ended:
                yield Row(line, None, f"cannot be read: {self._unclosed()}")
                return
            if len(self._lines.held) > 1 and self._torn():
                yield Row(line, None, f"cannot be read: {self._swallowed()}")
                continue
            record = {
                name: told
                for name, cell in zip(self.columns, cells, strict=False)
                if (told := cell.strip()) and told not in absent
            }
            text = "".join(cells)
            yield Row(line, record, _fault(cells, text, width, self._encoding), cells, len(text))

    def _parsed(self, lines: Iterable[str], strict: bool = False) -> Iterator[list[str]]:
        form = self._form
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=form.quote,
            escapechar=form.escape,
            doublequote=form.escape is None,
            strict=strict,
        )

    def _torn(self) -> bool:
        """A row of several lines has text behind a quote that closes: that one may have been to open a cell,
        and another before it was never closed."""
        try:
            next(self._parsed(self._lines.held, strict=True))
        except csv.Error:
            return True
        return False

    def _swallowed(self) -> str:
        first, last = self._lines.first, self._lines.number
        return f"in lines {first} to {last} text stands behind a quote that closes a cell: one may be open"

    def _unclosed(self) -> str:
        """Of a row that ended in a quote: its last cell is all that followed."""
        held, last = self._lines.held, self._lines.number
        cell = next(self._parsed(held))[-1]
        opened = self._lines.first + len(held) - 1 - len(_line_ends(cell)) + cell.endswith(("\r", "\n"))
        return f"the quote that opens in line {opened} is not closed: the lines up to {last} are not read"

    def _found(self, lines: Sequence[str]) -> str:
        """The delimiter by which the first lines have the most columns, and all the same number."""
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
