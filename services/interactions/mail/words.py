"""Bytes of a mail as text, whatever its sender says of them. Pure."""

import base64
import binascii
import codecs
import quopri
import re
from functools import lru_cache

LONGEST_HEADER = 4_000
"""Characters of a header that are read."""

_NO_TEXT = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
"""What Python calls encodings too; the first two take more than linear time."""
_CALLED = {
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
}
"""What a charset's name says, and what is written under it; each contains the first."""
_encoded = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?\s]*)\?=")
_between = re.compile(r"(\?=)\s+(=\?)")
_control = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    try:
        found = codecs.lookup(charset.strip().strip("\"'").lower())
    except (LookupError, ValueError):
        return None
    name = _CALLED.get(found.name, found.name)
    return (
        None if name.replace("-", "_") in _NO_TEXT or not getattr(found, "_is_text_encoding", True) else name
    )


def decoded(data: bytes, charset: str | None) -> str:
    """In the charset that is told if the bytes are that; else in UTF-8 if they are, else as Windows writes
    Western languages. Never fails."""
    for name in (_codec(charset) if charset else None, "utf-8"):
        if name is not None:
            try:
                return data.decode(name)
            except (UnicodeError, ValueError):
                continue
    return data.decode("cp1252", "replace")


def plain(text: str) -> str:
    """Without control characters, half surrogate pairs and marks that nobody sees; lines end by LF."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n").replace("\x85", "\n")
    return _control.sub("", text)


def header(raw: str) -> str:
    """A header's words: folded lines joined, encoded words (RFC 2047) decoded. ``raw`` is as the e-mail
    package keeps it, bytes beyond ASCII as surrogates."""
    text = decoded(raw[:LONGEST_HEADER].encode("utf-8", "surrogateescape"), None)
    text = _between.sub(r"\1\2", text)
    words: list[str] = []
    pending: tuple[str, bytes] | None = None
    place = 0
    for found in _encoded.finditer(text):
        between, charset = text[place : found.start()], found[1]
        if between or pending is None or pending[0] != charset:
            words += [decoded(pending[1], pending[0])] if pending else []
            words.append(between)
            pending = (charset, b"")
        # A letter may be cut in two between two words.
        pending = (charset, pending[1] + _bytes(found[2], found[3]))
        place = found.end()
    words += [decoded(pending[1], pending[0])] if pending else []
    return " ".join(plain("".join([*words, text[place:]])).split())


def _bytes(encoding: str, word: str) -> bytes:
    if encoding in "bB":
        try:
            return base64.b64decode(word + "=" * (-len(word) % 4))
        except (binascii.Error, ValueError):
            return word.encode("utf-8", "replace")
    return quopri.decodestring(word.encode("utf-8", "replace"), header=True)
