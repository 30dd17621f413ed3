"""Files packed by gzip. One that is damaged cannot be read, as the system says it of any other."""

import errno
import gzip
import zlib
from pathlib import Path
from typing import IO

DAMAGED = "it is damaged, ends too early, or is not packed by gzip"


class Unpacked(gzip.GzipFile):
    """What is in it. gzip itself raises three kinds of errors, of which one alone is an ``OSError``."""

    def __init__(self, path: Path, packed: IO[bytes] | None = None) -> None:
        super().__init__(path, "rb", fileobj=packed)

    def read(self, size: int | None = -1) -> bytes:
        try:
            return super().read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise self._damaged() from error

    def read1(self, size: int = -1) -> bytes:
        try:
            return super().read1(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise self._damaged() from error

    def readline(self, size: int | None = -1) -> bytes:
        try:
            return super().readline(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise self._damaged() from error

    def _damaged(self) -> OSError:
        return OSError(errno.EIO, DAMAGED, str(self.name))
