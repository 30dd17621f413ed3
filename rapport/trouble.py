"""What a person can do something about: one sentence and exit code 1, never a traceback."""

import errno
import re
from collections.abc import Sequence


class TroubleError(Exception):
    """``str()`` is one sentence for the user that says what is wrong and what to do."""


# What parts write when the machine is at fault, and what to say then. First match wins.
_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"no space left on device|disk quota exceeded|enospc", re.I),
        "The disk is full: free some space (or set RAPPORT_HOME to a folder on another disk) and try again.",
    ),
    (
        re.compile(r"address already in use|eaddrinuse|failed to bind", re.I),
        "Its port was taken meanwhile: try again, or fix another one with its RAPPORT_..._PORT variable.",
    ),
    (
        re.compile(r"outofmemoryerror|cannot allocate memory|not enough space for object heap", re.I),
        "The machine is out of memory: close something, or start fewer parts with --parts.",
    ),
)


def diagnose(log: Sequence[str]) -> str | None:
    """The sentence for a cause that the last lines of a log give away, if they do."""
    text = "\n".join(log)
    return next((sentence for sign, sentence in _SIGNS if sign.search(text)), None)


def explain(error: OSError) -> str | None:
    """The sentence for a system error that is the machine's and not ours, else None."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            where = f" that holds {error.filename}" if error.filename else ""
            return f"The disk{where} is full: free some space (or set RAPPORT_HOME elsewhere) and try again."
        case errno.EACCES | errno.EPERM | errno.EROFS if error.filename:
            return f"{error.filename} cannot be written: change its owner, or set RAPPORT_HOME elsewhere."
        case errno.EIO if error.filename:
            return f"{error.filename} cannot be read: {error.strerror}."
        case errno.EADDRINUSE:
            return (
                "A port is in use: stop what uses it, or choose another with its RAPPORT_..._PORT variable."
            )
    return None
