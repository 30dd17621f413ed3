"""What an e-mail looks like: headers and body of a message (RFC 5322, MIME).

Put together here from what the standard library knows (addresses, encoded words, quoted-printable), as its
``EmailMessage`` takes some milliseconds a mail; tests compare both.
"""

import base64
import binascii
import hashlib
import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

from services.followup.channels.addresses import mailable, needs_utf8
from services.followup.domain.rows import Delivery
from services.followup.domain.rules.rule import REPLY
from shared.mail.marks import HEADER

LONGEST_LINE = 998
"""Characters, without its end (RFC 5322)."""
LINE = 76
"""Of encoded words, so many characters (RFC 2047)."""
EIGHT_BIT = "8bit"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_USUAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*")
"""An address without quotes, comments and the like."""
_NAME = re.compile(r"[!-9;-~]+")
"""Of a header."""
_SPECIAL = re.compile(r'[][\\()<>@,:;".]')
_ESCAPED = re.compile(r'[\\"]')


class BadMessageError(Exception):
    """The message cannot be made into an e-mail: an impossible address or header."""


class Mail(NamedTuple):
    """A mail as it is handed over: from and to bare addresses, its lines ended by CR LF."""

    sender: str
    recipient: str
    raw: bytes
    eight_bit: bool
    """Its body has bytes beyond ASCII as they are: for servers that offer 8BITMIME (RFC 6152)."""


def build(delivery: Delivery, date: datetime, *, mark: str = "", seven_bit: bool = False) -> Mail:
    """The e-mail of a message. Raises ``BadMessageError``. ``mark``: by what a report of it is believed.
    ``seven_bit``: its body is such that any server takes it, and no relay need write it otherwise, which a
    signature would not stand."""
    try:
        sender, to = mailable(delivery.sender.address), mailable(delivery.to.address)
        utf8 = needs_utf8(sender + to)
        mail_from = _party("From", delivery.sender.name, sender, utf8)
        rcpt_to = _party("To", _name(delivery.to.name), to, utf8)
        plain, html = (_part("plain", delivery.text, seven_bit), _part("html", delivery.html, seven_bit))
        parts, eight_bit = (plain.raw, html.raw), EIGHT_BIT in (plain.encoding, html.encoding)
        boundary = _boundary(delivery.outreach_id, parts)
        headers = [
            mail_from.header,
            rcpt_to.header,
            _header("Subject", delivery.subject, utf8),
            f"Date: {format_datetime(date)}",
            # By this an answer finds its way back.
            _as_it_is("Message-ID", f"<{delivery.outreach_id}@{sender.rpartition('@')[2]}>"),
            *([f"{HEADER}: {mark}"] if mark else []),
            f"Auto-Submitted: {'no' if delivery.rule == REPLY else 'auto-generated'}",
            # Mail programs do not decode what stands in these, nor need they.
            *(_as_it_is(name, value) for name, value in delivery.headers.items()),
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{boundary}"',
            # The whole is said to be as its parts are (RFC 2045, 6.4).
            *([f"Content-Transfer-Encoding: {EIGHT_BIT}"] if eight_bit else []),
        ]
        head = "\r\n".join(headers).encode()
        begin = f"\r\n--{boundary}\r\n".encode()
        end = f"\r\n--{boundary}--\r\n".encode()
        raw = b"".join((head, b"\r\n", begin, begin.join(parts), end))
        return Mail(mail_from.address, rcpt_to.address, raw, eight_bit)
    except Exception as error:  # the e-mail package raises nearly everything on impossible input
        raise BadMessageError(f"{type(error).__name__}: {error}") from error


class _Party(NamedTuple):
    address: str
    header: str


@lru_cache(maxsize=256)
def _party(header: str, name: str, address: str, utf8: bool) -> _Party:
    """Raises ``ValueError``, or what the e-mail package raises, where the address is not one bare address."""
    bare = address if _USUAL.fullmatch(address) else _unusual(address)
    if not name:
        return _Party(bare, f"{header}: {bare}")
    written = _words(header, name, utf8)
    if written == name and _SPECIAL.search(name):
        written = '"' + _ESCAPED.sub(r"\\\g<0>", name) + '"'
    return _Party(bare, f"{header}: {written} <{bare}>")


def _unusual(address: str) -> str:
    if address.isascii():
        return Address(addr_spec=address).addr_spec
    if not address.isprintable() or " " in address:
        raise ValueError("the address has characters that nobody sees")
    # The package does not take letters beyond ASCII, and has its say about the rest.
    Address(addr_spec="".join(c if c.isascii() else "x" for c in address))
    return address


def _header(name: str, value: str, utf8: bool) -> str:
    """A header of words for people."""
    return f"{name}: {_words(name, value, utf8)}"


def _words(header: str, value: str, utf8: bool) -> str:
    """The words themselves where a header may have them, else encoded (RFC 2047). ``utf8``: it may have
    letters of any script."""
    if "\r" in value or "\n" in value:
        raise ValueError(f"{header} has a line break")
    room = len(value.encode()) <= LONGEST_LINE // 2
    if room and value.isprintable() and (utf8 or value.isascii()) and "=?" not in value:
        return value
    return Header(value, "utf-8", header_name=header, maxlinelen=LINE).encode(linesep="\r\n")


def _as_it_is(name: str, value: str) -> str:
    """A header for programs, which decode no words: so it is encoded only where it could not stand at all."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:64]!r} is no name of a header")
    line = f"{name}: {value}"
    plain = value.isascii() and value.isprintable() and len(line) <= LONGEST_LINE
    return line if plain else _header(name, value, utf8=False)


class _Part(NamedTuple):
    encoding: str
    raw: bytes
    """With its headers."""


def _part(kind: str, text: str, seven_bit: bool) -> _Part:
    """One of the two ways in which the message is told."""
    data = text.encode()
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.endswith(b"\n"):
        data += b"\n"
    encoding, body = _encoded(data, seven_bit)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return _Part(encoding, head.encode() + body.replace(b"\n", b"\r\n"))


def _encoded(data: bytes, seven_bit: bool) -> tuple[str, bytes]:
    """As it is where it may be, else in the shorter of the encodings. Lines are ended by LF."""
    if b"\0" not in data and max(map(len, data.split(b"\n"))) <= LONGEST_LINE:
        if data.isascii():
            return "7bit", data
        if not seven_bit:
            return EIGHT_BIT, data
    printable = binascii.b2a_qp(data, istext=True)
    if len(printable) <= len(data) * 4 / 3:
        return "quoted-printable", printable
    return "base64", base64.encodebytes(data.replace(b"\n", b"\r\n"))  # what is read is this, as it is


def _boundary(outreach_id: str, parts: tuple[bytes, ...]) -> str:
    """What stands between the parts, and in neither."""
    mark = "=_" + hashlib.blake2s(outreach_id.encode(), digest_size=12).hexdigest()
    while any(mark.encode() in part for part in parts):
        mark += "="
    return mark


def _name(name: str) -> str:
    """A display name without control characters: one that is odd must not cost the message."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:100]
