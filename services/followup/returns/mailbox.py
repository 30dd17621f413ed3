"""A maildir that mail comes back to: what is in ``new`` is taken in and moved to ``cur``, file by file."""

import asyncio
import contextlib
import os
from pathlib import Path

import structlog

from services.followup.returns.reader import Heard, Reader
from shared.mail.returned import MOST_BYTES
from shared.runtime.words import words

LOOK_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
ROUND = 200
"""Files at a look."""
FLAGS: dict[Heard, str] = {"reported": "S", "ignored": "S", "unknown": "FS"}
"""As maildirs have them: seen; flagged, for a person to look at."""

log = structlog.get_logger(__name__)


async def watch(
    folder: Path, reader: Reader, stopping: asyncio.Event, *, every: float = LOOK_SECONDS
) -> None:
    """Until the worker stops. A file is moved once its report is in the log; where that, or the store, is
    away, it stays in ``new``. Several workers may watch one folder: each mail is reported under one id."""
    pause = FIRST_PAUSE
    while not stopping.is_set():
        try:
            taken = await look(folder, reader, stopping)
        except Exception as error:  # the folder, the broker, the store: all come back
            log.warning("mail that came back waits", error=words(error))
            await _wait(stopping, pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            pause = FIRST_PAUSE
            if not taken:
                await _wait(stopping, every)


async def look(folder: Path, reader: Reader, stopping: asyncio.Event) -> int:
    """Take in what is there, the oldest first. How many were taken."""
    taken = 0
    names = await asyncio.to_thread(_waiting, folder / "new")
    for name in names:
        if stopping.is_set():
            break
        raw = await asyncio.to_thread(_content, folder / "new" / name)
        if raw is not None:
            heard = await reader.take(raw)
            await asyncio.to_thread(_move, folder, name, FLAGS[heard])
            taken += 1
    return taken


def _waiting(new: Path) -> list[str]:
    with os.scandir(new) as entries:
        files = (entry.name for entry in entries if entry.is_file(follow_symlinks=False))
        return sorted(name for name in files if name[0] != ".")[:ROUND]


def _content(file: Path) -> bytes | None:
    """The beginning of a file; None where another worker has moved it, or where it cannot be read: it stays
    then, and holds up no other."""
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("a mail that came back cannot be read", file=file.name, error=f"{error.strerror}")
        return None


def _move(folder: Path, name: str, flags: str) -> None:
    (folder / "cur").mkdir(exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # another worker was faster
        os.rename(folder / "new" / name, folder / "cur" / f"{name.partition(':2,')[0]}:2,{flags}")


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
