"""Quick tests of a text by the pattern that its field has: a yes is sure, a no is to be asked again.

Patterns are Pydantic's (Rust's engine). What says yes here without it must say yes there too, for every text;
what ids and labels mostly are is told without a regular expression.
"""

import re
from collections.abc import Callable
from functools import cache

from msgspec import Struct


class Told(Struct, frozen=True):
    """How to tell that a text surely matches."""

    whole: Callable[[str], object] | None = None
    """True of such a text, where neither of the other two says it."""
    only: str = ""
    """Nothing is left of such a text once these characters are stripped off it."""
    printable: bool = False
    """All that is printable is such a text."""
    shortest: int = 0
    longest: int | None = None
    """How long it must be, in characters."""


_ASCII = "".join(map(chr, range(0x80)))
_is_class = re.compile(r"\^\[(\^?)((?:[^\]\\]|\\.)+)\](?:(\+)|\{(\d+)(?:,(\d+))?\})\$").fullmatch


@cache
def told_by(pattern: str) -> Told:
    """How to tell that a text matches ``pattern``: without its engine where it is one class of characters."""
    found = _is_class(pattern)
    if found is not None and pattern.isascii():
        negated, body, more, least, most = found.groups()
        shortest, longest = (1, None) if more else (int(least), int(most or least))
        good = "".join(filter(re.compile(f"[{negated}{body}]", re.ASCII).fullmatch, _ASCII))
        if not negated and "\\" not in body:
            return Told(only=good, shortest=shortest, longest=longest)
        if negated and all(one in good for one in _ASCII if one.isprintable()):
            return Told(printable=True, shortest=shortest, longest=longest)
    whole = re.compile(pattern, re.ASCII).fullmatch
    # Past ASCII the two engines differ in what a class of theirs is.
    return Told(lambda text: text.isascii() and whole(text))
