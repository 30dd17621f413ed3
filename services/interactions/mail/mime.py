"""The parts of a mail: its text, and what came with it. Whatever it is handed, it takes bounded time and
room, and fails at nothing. Pure."""

import hashlib
import re
from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple
from urllib.parse import quote

from services.interactions.mail.html import text_of
from services.interactions.mail.words import decoded, header, plain

MOST_PARTS = 1_000
MOST_FILES = 50
MOST_TEXT = 400_000
"""Bytes of a text part that are read."""
MOST_CHARACTERS = 100_000
"""Of the text of all parts together."""
LONGEST_NAME, LONGEST_TYPE = 255, 127

_type = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+").fullmatch


class File(NamedTuple):
    """What came with a mail; what it holds is not looked into."""

    name: str
    type: str
    size: int
    sha256: str
    content_id: str | None


class Content(NamedTuple):
    """What a mail holds."""

    text: str
    files: tuple[File, ...]
    complete: bool
    """Whether nothing was left out."""


def content_of(mail: Message) -> Content:
    """Its text: of alternatives the plain one if that says something; and its files."""
    texts: list[str] = []
    files: list[File] = []
    complete, room = True, MOST_CHARACTERS
    for part in _leaves(mail):
        if _is_text(part):
            told = _text(part)
            complete, told = complete and len(told) <= room, told[:room]
            room -= len(told)
            texts.append(told)
        elif len(files) < MOST_FILES:
            files.append(_file(part, len(files) + 1))
        else:
            complete = False
    return Content("\n\n".join(text for text in texts if text.strip()), tuple(files), complete)


def _leaves(mail: Message) -> Iterator[Message]:
    """The parts that hold something, in their order; of alternatives the one that is shown."""
    todo, seen = [mail], 0
    while todo and seen < MOST_PARTS:
        part, seen = todo.pop(), seen + 1
        if not part.is_multipart() or part.get_content_maintype() == "message":
            yield part
            continue
        parts = _within(part)
        if part.get_content_subtype() == "alternative":
            parts = _shown(parts)
        todo.extend(reversed(parts))


def _shown(alternatives: list[Message]) -> list[Message]:
    """The plain text where it says something, else the last of the others that can be read; what is no text,
    as an invitation, comes with it."""
    texts = [one for one in alternatives if one.get_content_type() == "text/plain" and _is_text(one)]
    rich = [one for one in alternatives if one.get_content_type() == "text/html" or one.is_multipart()]
    shown = next((one for one in texts if _text(one).strip()), None)
    others = [one for one in alternatives if one not in texts and one not in rich]
    if shown is None:
        return [*rich[-1:], *others]
    files = [one for part in rich for one in _within(part) if not _is_text(one)]
    return [shown, *files, *others]


def _within(part: Message) -> list[Message]:
    inner = part.get_payload() if part.is_multipart() else None
    return [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []


def _is_text(part: Message) -> bool:
    """Whether it is for reading: no file."""
    if part.get_content_type() not in ("text/plain", "text/html", "text/enriched"):
        return False
    return part.get_content_disposition() != "attachment" and not _filename(part)


def _text(part: Message) -> str:
    data = _bytes(part)[:MOST_TEXT]
    text = plain(decoded(data, _charset(part)))
    if part.get_content_type() == "text/html":
        return plain(text_of(text))
    return _flowed(part, text)


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, ValueError):
        return None


def _flowed(part: Message, text: str) -> str:
    """Lines that a program broke are one again (RFC 3676)."""
    try:
        flowed = str(part.get_param("format", "")).lower() == "flowed"
        joined = "" if str(part.get_param("delsp", "")).lower() == "yes" else " "
    except (LookupError, ValueError):
        return text
    if not flowed:
        return text
    lines: list[str] = []
    pending = ""
    for line in text.split("\n"):
        quoted = line.startswith(">")
        line = line if quoted or not line.startswith(" ") else line[1:]
        if line.endswith(" ") and line != "-- " and not quoted:
            pending += line[:-1] + joined
        elif quoted and pending:
            lines += [pending.rstrip(), line]
            pending = ""
        else:
            lines.append(pending + line)
            pending = ""
    return "\n".join([*lines, pending] if pending else lines)


def _file(part: Message, number: int) -> File:
    data = _bytes(part)
    kind = part.get_content_type()
    name = _filename(part) or _unnamed(part, number)
    content_id = header(str(part.get("Content-ID", ""))).strip("<> ") or None
    return File(
        name=name,
        type=kind if len(kind) <= LONGEST_TYPE and _type(kind) else "application/octet-stream",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content_id=content_id[:LONGEST_NAME] if content_id else None,
    )


def _unnamed(part: Message, number: int) -> str:
    if part.get_content_maintype() == "message":
        held = next(iter(_within(part)), part)
        subject = _one_name(header(_raw(held, "Subject")))
        return f"{subject[: LONGEST_NAME - 4]}.eml" if subject else f"mail-{number}.eml"
    return f"part-{number}"


def _filename(part: Message) -> str | None:
    try:
        told = part.get_filename()
    except Exception:  # the e-mail package raises nearly everything on impossible input
        return None
    return _one_name(header(str(told))) if told else None


def _one_name(told: str) -> str | None:
    """A name without the folders that stand before it."""
    name = re.split(r"[/\\]", told)[-1].strip(". ")
    return "".join(one for one in name if one.isprintable())[:LONGEST_NAME].strip() or None


def _bytes(part: Message) -> bytes:
    """What a part holds, out of its transfer encoding."""
    if part.is_multipart():
        return b"".join(map(_held, _within(part)))
    for decode in (True, False):
        try:
            data = part.get_payload(decode=decode)
        except Exception:  # the e-mail package raises nearly everything on impossible input
            continue
        return data if isinstance(data, bytes) else str(data or "").encode("utf-8", "surrogateescape")
    return b""


def _held(mail: Message) -> bytes:
    try:
        return mail.as_bytes()
    except Exception:  # the e-mail package raises nearly everything on impossible input
        return b""


def _raw(mail: Message, name: str) -> str:
    """A header as it stands in the mail; the first of its name."""
    wanted = name.lower()
    return next((str(value) for key, value in mail.raw_items() if key.lower() == wanted), "")


def place_of(message_id: str | None, file: File) -> str:
    """Where a file is: in the mail, by its name (RFC 2392)."""
    whole = f"mid:{quote(message_id or '-', safe='@')[:900]}"
    return f"{whole}/{quote(file.content_id, safe='@')[:900]}" if file.content_id else whole
