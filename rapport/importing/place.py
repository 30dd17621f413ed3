"""How far an import has come, kept on the disk so that it goes on where it stopped."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from rapport.trouble import TroubleError

_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """All before it is in the log, or in the file of faults."""

    rows: int = 0
    events: int = 0
    left_out: int = 0
    """Rows that ``when`` left out."""
    failed: int = 0
    faults_bytes: int = 0
    """How long the file of faults is by then."""


class PlaceFile:
    """The place, beside what it is a place of: this file, by this mapping, to this API."""

    def __init__(self, path: Path, of: str) -> None:
        self.path, self._of = path, of

    def read(self) -> Place | None:
        """None: nothing was imported. Raises ``TroubleError`` where it is of something else."""
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
            of, place = told["of"], Place(**told["place"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise TroubleError(f"{self.path} is no place of an import: begin anew by --restart.") from None
        if of != self._of:
            raise TroubleError(
                "The file, the mapping or the API is another than when this import began: say --restart to "
                "begin anew. What was sent then and is named alike now has no second effect."
            )
        return place

    def write(self, place: Place) -> None:
        """Whole or not at all, whatever happens. Raises ``OSError``."""
        new = self.path.with_name(self.path.name + ".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump({"of": self._of, "place": asdict(place)}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def identity(file: Path, *others: str) -> str:
    """What tells an import from another: the file's length, age and beginning, and ``others``."""
    found = file.stat()
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    parts = [str(found.st_size), str(found.st_mtime_ns), hashlib.sha256(head).hexdigest(), *others]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
