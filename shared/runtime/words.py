"""What logs and dead letters say of an error: never what somebody sent.

An error's own words may quote its input: a ``ValueError`` the text, a ``KeyError`` the key, a write that
MongoDB refused the document. So only those of connections, and ours that have nothing else to tell of, are
taken as they are; of any other the kind is told, and the line that raised it.
"""

import re
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import ValidationError
from pymongo.errors import ConnectionFailure, InvalidOperation, OperationFailure

from shared.schemas.places import place as where

ROOT = Path(__file__).parents[2]
LONGEST = 300
"""Characters of an error's own words."""
MOST_FIELDS = 3
_ABOUT_CONNECTIONS = (
    "_ssl",
    "aiohttp.client_exceptions",
    "aiokafka.",
    "jwt.",
    "kafka.",
    "shared.journal.",
    "shared.kafka.",
    "shared.worker.",
    "socket",
    "ssl",
)
"""What the modules begin with whose errors are about connections and partitions."""
_AWAY = "AwayError"
"""What the names of our own errors end with that are about connections too."""
_STATUS = re.compile(r"\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?(?![^ -])")
_ADDRESS = re.compile(r"[^\s<>\"'()]+@[^\s<>\"'()]+")


def words(error: BaseException) -> str:
    """In one line: the error's own words where they are harmless, else its kind and where it was raised."""
    name = type(error).__name__
    match error:
        case ValidationError():
            return f"{name}: {unreadable(error)}"
        case OperationFailure() if not isinstance(error, ConnectionFailure):
            named = (error.details or {}).get("codeName")
            return " ".join(filter(None, (f"{name}: code {error.code}", named)))
    if _is_harmless(error):
        said = without_addresses(str(error))[:LONGEST]
        return f"{name}: {said}" if said else name
    at = place(error)
    return f"{name} at {at}" if at else name


def unreadable(error: ValidationError) -> str:
    """What is wrong with a document, field by field (three at most), without what it holds."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)[:MOST_FIELDS]
    return "; ".join(f"{where(one['loc']) or 'document'}: {one['type']}" for one in faults)


def place(error: BaseException) -> str | None:
    """``services/x/y.py:12``: the last line of ours that it came through; None of one that was not raised."""
    frames = [*traceback.walk_tb(error.__traceback__)]
    ours = [(f, line) for f, line in frames if _own(f.f_code.co_filename)]
    for frame, line in reversed(ours or frames):
        file = Path(frame.f_code.co_filename)
        return f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file.name}:{line}"
    return None


def without_addresses(text: str) -> str:
    """What another program said, such as a mail server, less the addresses in it."""
    return _ADDRESS.sub("…@…", text)


def status(answer: str) -> str:
    """What another program answered as a log may have it: its status alone, such as ``450 4.2.1``. What
    begins with none is no answer but trouble on the way."""
    found = _STATUS.match(answer)
    return found[0] if found else without_addresses(answer)


def trace(error: BaseException) -> str:
    """A traceback in which each error of the chain is told by ``words``."""
    lines: list[str] = []
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        lines.insert(0, "".join(_frames(one.__traceback__)) + words(one))
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n\n".join(lines)


def quiet_arguments(arguments: Any) -> Any:
    """A log line's arguments, the errors among them told by ``words``."""
    if isinstance(arguments, tuple):
        return tuple(words(one) if isinstance(one, BaseException) else one for one in arguments)
    return arguments


def _frames(found: TracebackType | None) -> list[str]:
    return ["Traceback (most recent call last):\n", *traceback.format_tb(found)] if found else []


def _own(file: str) -> bool:
    return file.startswith(str(ROOT)) and "site-packages" not in file


def _is_harmless(error: BaseException) -> bool:
    if isinstance(error, OSError | ConnectionFailure | InvalidOperation | TimeoutError):
        return True
    kind = type(error)
    ours = kind.__module__.startswith("services.") and kind.__name__.endswith(_AWAY)
    return ours or f"{kind.__module__}.".startswith(_ABOUT_CONNECTIONS)
