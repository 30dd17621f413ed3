"""How much a part of a message may do. What never ends, or grows without end, is stopped after so many rounds
and characters. No clock is asked, so that a message comes out the same, or is stopped at the same place,
whenever it is written. Pure."""

from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateRuntimeError

MAX_SOURCE = 100_000
"""Characters of a file."""
MAX_ROUNDS = 10_000
"""Rounds of loops, calls, files taken in."""
MAX_CHARS = 500_000
"""Characters written, wherever to; and of one value."""
MAX_ITEMS = 5_000
"""Things in a list, and in what it holds."""
MAX_RANGE = 1_000
MAX_NUMBER = 10**30
MAX_ARGUMENT = 1_000
"""The largest number of pieces that a filter is asked for."""


class TooMuchError(TemplateRuntimeError):
    """The template does more than it may."""


class Meter:
    """What one part of a message has used."""

    __slots__ = ("_chars", "_rounds")

    def __init__(self) -> None:
        self._rounds = self._chars = 0

    def rounds(self, count: int = 1) -> None:
        """So many rounds more. Raises ``TooMuchError``."""
        self._rounds += count
        if self._rounds > MAX_ROUNDS:
            raise TooMuchError(f"it does not end: it takes more than {MAX_ROUNDS:,} rounds")

    def round(self, chars: int) -> None:
        """A round, in which the file itself writes so many characters. Raises ``TooMuchError``."""
        self._rounds += 1
        self._chars += chars
        if self._rounds > MAX_ROUNDS or self._chars > MAX_CHARS:
            self.rounds(0)
            self.write(0)

    def write(self, chars: int) -> None:
        """So many characters more. Raises ``TooMuchError``."""
        self._chars += chars
        if self._chars > MAX_CHARS:
            raise TooMuchError(f"it does not end: it writes more than {MAX_CHARS:,} characters")


def fits(value: Any) -> Any:
    """The value, if it is of a size. Raises ``TooMuchError``."""
    if isinstance(value, str):
        at_most(len(value), MAX_CHARS)
    elif isinstance(value, list | tuple | Mapping):
        _weigh(value)
    elif isinstance(value, int | float) and abs(value) > MAX_NUMBER:
        raise TooMuchError("a number in it is too large")
    return value


def _weigh(value: Any) -> None:
    """A list in a list counts as often as it would be written: two of two of two is eight."""
    items = chars = 0
    stack = [value]
    while stack:
        top = stack.pop()
        items += 1
        at_most(items, MAX_ITEMS)
        if isinstance(top, str):
            chars += len(top)
            at_most(chars, MAX_CHARS)
        elif isinstance(top, list | tuple | Mapping):
            at_most(len(top), MAX_ITEMS)
            stack.extend((*top.keys(), *top.values()) if isinstance(top, Mapping) else top)


def at_most(size: int, most: int) -> None:
    """Raises ``TooMuchError``."""
    if size > most:
        raise TooMuchError("a text or a list in it is too long")


def small(*arguments: Any) -> None:
    """None of the arguments asks for much. Raises ``TooMuchError``."""
    for value in arguments:
        if isinstance(value, int | float) and abs(value) > MAX_ARGUMENT:
            raise TooMuchError(f"{value} is too large a number to ask for")
