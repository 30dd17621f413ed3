"""How much of a mail is handed to the parser: each level of nesting costs it a frame, each part an object.
Pure."""

import re

MOST_NESTED = 100
"""Parts that have parts, or hold a mail."""
MOST_PARTS = 1_000
MOST_DASHES = 50_000
"""Lines that may begin a part, whatever the mail calls its boundaries."""
MOST_LINES = 400_000
"""So many has a mail of 30 MB; each may be a header."""

LONGEST_TYPE = 2_000
"""Bytes of a part's type, or its disposition, with all its parameters: the parser takes the square of that
in time."""

_type = re.compile(
    rb"^(content-(?:type|disposition)[ \t]*:)([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE
)
_nesting = re.compile(rb"boundary[^=\r\n]{0,8}=|content-type:\s*message/", re.IGNORECASE)
_boundary = re.compile(rb"boundary\*?\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_dashes = re.compile(rb"^--", re.MULTILINE)


def bounded(raw: bytes, *, nested: int = MOST_NESTED, parts: int = MOST_PARTS) -> bytes:
    """The mail, cut before more nesting or more parts than any mail of a person or a mail server has."""
    raw = _type.sub(_short, raw)
    raw = _cut(raw, _nesting, nested)
    named = {found[1] or found[2] for found in _boundary.finditer(raw)}
    if named:
        either = b"|".join(re.escape(name) for name in sorted(named, key=len, reverse=True))
        raw = _cut(raw, re.compile(rb"^--(?:" + either + rb")", re.MULTILINE), parts)
    raw = _cut(raw, _dashes, MOST_DASHES)
    return raw if raw.count(b"\n") <= MOST_LINES else b"\n".join(raw.split(b"\n", MOST_LINES)[:MOST_LINES])


def _short(found: re.Match[bytes]) -> bytes:
    return found[0] if len(found[2]) <= LONGEST_TYPE else found[1] + found[2][:LONGEST_TYPE].rstrip()


def _cut(raw: bytes, pattern: re.Pattern[bytes], most: int) -> bytes:
    for number, found in enumerate(pattern.finditer(raw)):
        if number >= most:
            return raw[: found.start()]
    return raw
