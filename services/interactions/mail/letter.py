"""A mail as it is read: who writes what, and in answer to what. Pure; whatever bytes it is handed, it takes
bounded time and room."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from services.interactions.mail.kinds import Headers
from services.interactions.mail.mime import File, content_of
from services.interactions.mail.quoting import Said, split
from services.interactions.mail.words import LONGEST_HEADER, decoded, header
from shared.mail.bounding import bounded

MOST_ANSWERED = 20
LONGEST_NAME = 900
"""Characters of a Message-ID."""
LONGEST_SUBJECT, LONGEST_PERSON = 512, 100
MOST_VALUES = 100
"""Of headers of one name."""
MOST_ADDRESSED = 50
ADDRESSED = ("x-original-to", "delivered-to", "envelope-to", "x-forwarded-to", "to", "cc")
_WRAPPERS = (
    "received",
    "return-path",
    "delivered-to",
    "x-original-to",
    "authentication-results",
    "arc-",
    "dkim-",
)

_names = re.compile(r"<\s*([^<>\s]{1,900}@[^<>\s]{1,255}|[^<>\s]{1,900})\s*>").findall
_named = re.compile(r"[^\x00-\x20\x7f<>]+").fullmatch
_addresses = re.compile(r"[^\s<>,;:\"()@]{1,64}@[^\s<>,;:\"()@]{1,255}").findall
_bare = re.compile(r"[^<>\s]{1,900}@[^<>\s]{1,255}").fullmatch
_aside = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')
"""Names in quotes, and remarks."""
_angle = re.compile(r"<\s*([^<>\s]+)\s*>").search
_address = re.compile(
    r"[^\s@()<>\[\]:;,\\\"\x00-\x1f\x7f-\x9f]{1,64}@[^\s@()<>\[\]:;,\\\"\x00-\x1f\x7f-\x9f]+"
).fullmatch


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a header names."""

    address: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says."""

    headers: Headers
    sender: Party | None
    """As ``From`` says."""
    reply_to: Party | None
    addressed: tuple[str, ...]
    """Whom it was addressed to, by its headers: on its way here the envelope may have changed."""
    message_id: str | None
    """Without its brackets."""
    answers: tuple[str, ...]
    """The Message-IDs that it answers, the nearest first, without brackets."""
    subject: str | None
    said: Said
    files: tuple[File, ...]
    complete: bool
    """Whether nothing was left out."""
    taken_at: datetime | None
    """When the server that handed it over had taken it, as that says."""
    digest: str
    """Of what the sender wrote: the same mail over another way has the same."""


def read(raw: bytes) -> Letter:
    """The letter of a mail."""
    kept = bounded(raw)
    mail = message_from_bytes(kept)
    headers = _headers(mail)
    content = content_of(mail)
    return Letter(
        headers=headers,
        sender=_party(mail, "from"),
        reply_to=_party(mail, "reply-to"),
        addressed=_addressed(headers),
        message_id=_message_id(headers),
        answers=_answers(headers),
        subject=next(iter(headers.get("subject", ())), "")[:LONGEST_SUBJECT] or None,
        said=split(content.text),
        files=content.files,
        complete=content.complete and len(kept) == len(raw),
        taken_at=_taken_at(headers),
        digest=_digest(mail, kept),
    )


def _headers(mail: Message) -> Headers:
    found: dict[str, list[str]] = {}
    for name, value in mail.raw_items():
        values = found.setdefault(str(name).lower()[:100], [])
        if len(values) < MOST_VALUES:
            told = str(value)
            values.append(header(told[-LONGEST_HEADER:] if name.lower() == "references" else told))
    return found


def _party(mail: Message, name: str) -> Party | None:
    """The first that a header names. Addresses are taken apart before their words are decoded: a decoded name
    may look like an address."""
    wanted = (str(value) for key, value in mail.raw_items() if key.lower() == name)
    told = next(wanted, "")[:LONGEST_NAME]
    readable = decoded(told.encode("utf-8", "surrogateescape"), None)
    try:
        found = getaddresses([" ".join(readable.split())])
    except Exception:  # the e-mail package raises nearly everything on impossible input
        return None
    meant = _in_brackets(readable)
    for person, address in found if meant is None else _only(found, meant):
        if _address(address) and len(address) <= 254:
            shown = " ".join(header(person).split())[:LONGEST_PERSON].strip() or None
            return Party(address.lower(), None if shown is None or "@" in shown else shown)
    return None


def _in_brackets(told: str) -> str | None:
    """Of the first whom a header names, the address in brackets. What stands before it is a name, though it
    be somebody else's address: a mail server has let the mail in for the one in brackets."""
    found = _angle(_aside.sub(" ", told).partition(",")[0])
    return found[1] if found is not None and _address(found[1]) else None


def _only(found: Sequence[tuple[str, str]], address: str) -> Sequence[tuple[str, str]]:
    return [one for one in found if one[1] == address] or [("", address)]


def _addressed(headers: Headers) -> tuple[str, ...]:
    found = (one for name in ADDRESSED for value in headers.get(name, ()) for one in _addresses(value))
    return tuple(dict.fromkeys(one.lower() for one in found))[:MOST_ADDRESSED]


def _message_id(headers: Headers) -> str | None:
    told = next(iter(headers.get("message-id", ())), "")
    found = _names(told)
    name = found[0] if found else told.strip().strip("<>")
    return name if name and len(name) <= LONGEST_NAME and _named(name) else None


def _answers(headers: Headers) -> tuple[str, ...]:
    """What ``In-Reply-To`` names, then the mails before that, the last first. Some write words beside it."""
    direct = [name for value in headers.get("in-reply-to", ()) for name in _names(value) or _alone(value)]
    before = [name for value in headers.get("references", ()) for name in _names(value)]
    names = dict.fromkeys(name for name in (*direct, *reversed(before)) if _named(name))
    return tuple(names)[:MOST_ANSWERED]


def _alone(value: str) -> Sequence[str]:
    """A name without its brackets, as some programs write it."""
    return (name,) if _bare(name := value.strip()) else ()


def _taken_at(headers: Headers) -> datetime | None:
    told = next(iter(headers.get("received", ())), "").rpartition(";")[2].strip()[:100]
    try:
        time = parsedate_to_datetime(told)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    try:
        return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def _digest(mail: Message, raw: bytes) -> str:
    """Servers add headers on the way: those do not count."""
    told = hashlib.sha256()
    for key, value in mail.raw_items():
        if not key.lower().startswith(_WRAPPERS):
            told.update(f"{key}:{value}\n".encode("utf-8", "surrogateescape"))
    told.update(raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2])
    return told.hexdigest()
