"""What a mail says that comes back: a delivery report (RFC 3464), a complaint (ARF, RFC 5965), or a bounce in
a server's own words. Pure; whatever it is handed, it takes bounded time and room."""

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message
from typing import Literal, NamedTuple

from flufl.bounce import all_failures

from shared.mail.addresses import BounceAddress
from shared.mail.bounces import HARD, status_of
from shared.mail.marks import HEADER, read_mark

MOST_BYTES = 512 * 1024
"""So much is read of a mail: what machines say stands at its beginning."""
MOST_BOUNDARIES = 50
MOST_DASHES = 2_000
"""Lines that may begin a part."""
MOST_PARTS = 200
MOST_NAMES = 20
WORDS = 20_000
"""So many characters are read of what a server says in its own words."""
WHOM = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Return-Path")
COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})

_boundary = re.compile(rb"boundary\s*=|content-type:\s*message/", re.IGNORECASE)
_dashes = re.compile(rb"^--", re.MULTILINE)
_mark = re.compile(rf"^{HEADER}:\s*([!-~]{{1,200}})\s*$", re.IGNORECASE | re.MULTILINE)
_addresses = re.compile(r"[^\s<>,;:\"]+@[^\s<>,;:\"]+").findall
_sender = re.compile(r"^original-mail-from:\s*<?([^\s<>]+@[^\s<>]+)>?", re.IGNORECASE | re.MULTILINE).findall
_code = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


class Returned(NamedTuple):
    """What came back, and by what the message may be found."""

    what: Literal["delivered", "bounced", "complained"]
    kind: Literal["hard", "soft"] | None
    code: str | None
    to: tuple[str, ...]
    """Addresses that the mail was sent to, the message's envelope sender among them: one may be signed."""
    marks: tuple[str, ...]
    """What mails that it returns have in the header of their mark: one may be signed too."""


def read(raw: bytes, recipients: Sequence[str] = ()) -> Returned | None:
    """What a mail says, None where it says nothing of a message of ours: it is no report, or says only that
    there is a delay. ``recipients`` are those of its envelope, where they are known."""
    mail = message_from_bytes(_bounded(raw))
    found = _complaint(mail) or _status(mail) or _in_words(mail)
    if found is None:
        return None
    what, kind, code = found
    return Returned(what, kind, code, tuple(_recipients(mail, recipients)), tuple(_marks(mail)))


def believed(found: Returned, keys: Sequence[bytes], bounces: BounceAddress | None) -> tuple[str, ...]:
    """The messages that a report proves to be about: by an envelope sender, or a mark, that one of the keys
    has signed. A Message-ID proves nothing: whoever has seen an answer knows one."""
    envelopes = [] if bounces is None else [bounces.read(one) for one in found.to]
    named = (*envelopes, *(read_mark(keys, one) for one in found.marks))
    return tuple(dict.fromkeys(name for name in named if name is not None))


Found = tuple[Literal["delivered", "bounced", "complained"], Literal["hard", "soft"] | None, str | None]


def _bounded(raw: bytes) -> bytes:
    """Its beginning, cut before more nesting or more parts than any report has: each level costs the parser a
    frame, each part an object."""
    raw = raw[:MOST_BYTES]
    for pattern, most in ((_boundary, MOST_BOUNDARIES), (_dashes, MOST_DASHES)):
        for number, match in enumerate(pattern.finditer(raw)):
            if number >= most:
                raw = raw[: match.start()]
                break
    return raw


def _parts(mail: Message) -> Iterator[Message]:
    """All of them, the outermost first."""
    todo, seen = [mail], 0
    while todo and seen < MOST_PARTS:
        part = todo.pop(0)
        seen += 1
        yield part
        inner = part.get_payload()
        if isinstance(inner, list):
            todo.extend(one for one in inner if isinstance(one, Message))


def _complaint(mail: Message) -> Found | None:
    for part in _parts(mail):
        if part.get_content_type() == "message/feedback-report":
            said = re.search(r"^feedback-type:\s*([\w-]+)", _text(part), re.IGNORECASE | re.MULTILINE)
            if said is not None and said[1].lower() in COMPLAINTS:
                return "complained", None, None
    return None


def _status(mail: Message) -> Found | None:
    """The worst that is said of a recipient. A message of ours has one, whom a server may forward to
    others."""
    failed: list[str | None] = []
    arrived = False
    for block in _blocks(mail):
        action = str(block.get("Action", "")).strip().lower()
        if action == "failed":
            failed.append(_status_code(block))
        elif action == "delivered":
            arrived = True
    if failed:
        code = next((c for c in failed if c in HARD), failed[0])
        return "bounced", None, code
    return ("delivered", None, None) if arrived else None


def _blocks(mail: Message) -> Iterator[Message]:
    """What a delivery report says of each recipient."""
    for part in _parts(mail):
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            inner = part.get_payload()
            blocks = inner if isinstance(inner, list) else [message_from_bytes(_text(part).encode())]
            yield from (block for block in blocks[:MOST_PARTS] if isinstance(block, Message))


def _status_code(block: Message) -> str | None:
    """Its status; where that says nothing, what the server said."""
    told = _code.search(str(block.get("Status", "")))
    if told is not None and told[0] != "5.0.0":
        return told[0]
    diagnosis = str(block.get("Diagnostic-Code", ""))[:WORDS]
    return status_of(diagnosis, of_recipient=True) or "5.0.0"


def _in_words(mail: Message) -> Found | None:
    """Mail servers that speak no standard are many; what they say is known to ``flufl.bounce``."""
    if any(part.get_content_type().endswith("delivery-status") for part in _parts(mail)):
        return None  # it has said that nothing failed
    if "From" not in mail:
        mail["From"] = "nobody@invalid"  # one of the detectors cannot do without
    try:
        soft, hard = all_failures(mail)
    except Exception:  # its detectors raise what they like at what they do not know
        return None
    if hard:
        return "bounced", "hard", status_of(_words(mail), of_recipient=True)
    return ("bounced", "soft", None) if soft else None


def _words(mail: Message) -> str:
    text = ""
    for part in _parts(mail):
        if part.get_content_type() == "text/plain" and len(text) < WORDS:
            text += _text(part)
    return text[:WORDS]


def _recipients(mail: Message, envelope: Sequence[str]) -> Iterator[str]:
    yield from envelope
    for part in _parts(mail):
        for header in WHOM:
            yield from _addresses(str(part.get(header, ""))[:WORDS])[:MOST_NAMES]
        if part.get_content_type() == "message/feedback-report":
            yield from _sender(_text(part))[:1]


def _marks(mail: Message) -> Iterator[str]:
    """Those of the mails that it returns, before those that its text holds."""
    seen: dict[str, None] = {}
    for part in _parts(mail):
        if part is not mail:
            seen.update(dict.fromkeys(_mark.findall(f"{HEADER}: {_header(part)}")))
    for part in _parts(mail):
        if part.get_content_maintype() == "text" or part.get_content_subtype().endswith("headers"):
            seen.update(dict.fromkeys(_mark.findall(_text(part))))
    yield from list(seen)[:MOST_NAMES]


def _header(part: Message) -> str:
    return " ".join(str(part.get(HEADER, "")).split())


def _text(part: Message) -> str:
    """What stands in a part, decoded as far as that can be."""
    inner = part.get_payload()
    if isinstance(inner, list):
        return "\n\n".join(str(one.as_string()) for one in inner[:MOST_PARTS] if isinstance(one, Message))
    try:
        decoded = part.get_payload(decode=True)
    except Exception:  # the e-mail package raises nearly everything on impossible input
        decoded = None
    if isinstance(decoded, bytes):
        return decoded.decode("utf-8", "replace")
    return str(inner or "")
