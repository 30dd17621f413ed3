"""Lines as a reader of CSV asks for them: of one row no more than a row may have, however long its quotes."""

import csv
from typing import TextIO

from rapport.importing.rows import MOST_BYTES


class LongRowError(csv.Error):
    """A row is longer than a row may be; what was read of it is passed over."""


class Lines:
    """The lines of a file, those of the row being read kept until the next begins."""

    def __init__(self, text: TextIO, skip: int) -> None:
        self._text = text
        self.number = 0
        """How many were read."""
        self.held: list[str] = []
        """Those of the row so far."""
        self.ended = False
        """One more was asked for than there are."""
        for _ in range(skip):
            text.readline()
            self.number += 1
        self.begin()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._room + 1)
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        self._room -= len(line)
        if self._room < 0:
            while not line.endswith(("\n", "\r")) and (line := self._text.readline(MOST_BYTES)):
                pass
            raise LongRowError(f"it is longer than {MOST_BYTES // 2**20} MiB")
        self.held.append(line)
        return line

    def begin(self) -> int:
        """What comes next is of another row: in which line that begins."""
        self.held.clear()
        self._room = MOST_BYTES
        self.first = self.number + 1
        return self.first
