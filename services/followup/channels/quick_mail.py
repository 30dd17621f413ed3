"""The bytes of an ordinary mail, at once: what Python's e-mail package would write, a hundred times as fast.

Ordinary is a mail whose addresses and ids have common letters only, and whose lines are short. Names and
subjects that are not plain ASCII are written by the package, each by itself. All other mails are left to it
as a whole (``build``), since it knows the rest.
"""

import base64
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

from services.followup.domain.rows import Delivery
from services.followup.domain.rules.rule import REPLY

ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
NAME = re.compile(r"[A-Za-z0-9]+(?:[ '-][A-Za-z0-9]+)*")
VALUE = re.compile(r"[!-~]+(?: [!-~]+)*")
FIELD = re.compile(r"[A-Za-z][A-Za-z-]*")
ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
POLICY = SMTP.clone(max_line_length=998)
LONGEST_ADDRESS, LONGEST_VALUE, LONGEST_LINE = 200, 900, 990
STRUCTURED = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "date", "subject", "message-id", "mime-version",
     "content-type", "content-transfer-encoding", "content-disposition", "auto-submitted"}
)  # fmt: skip
"""No header of a message's own may be one of these: they are for the package to refuse or to write."""


class Written(NamedTuple):
    """A mail as it goes."""

    sender: str
    to: str
    raw: bytes
    """Lines end with CR LF."""


def written(delivery: Delivery, date: datetime) -> Written | None:
    """The mail of a message; None where it is not an ordinary one."""
    try:
        return _written(delivery, date)
    except Exception:  # the e-mail package raises nearly everything; ``build`` tells what is wrong
        return None


def _written(delivery: Delivery, date: datetime) -> Written | None:
    sender = _party(delivery.sender.name, delivery.sender.address)
    to = _party(delivery.to.name, delivery.to.address)
    own, subject, name = _own(delivery.headers), _subject(delivery.subject), delivery.outreach_id
    if sender is None or to is None or own is None or subject is None or not ID.fullmatch(name):
        return None
    text, html = _part("plain", delivery.text), _part("html", delivery.html)
    if text is None or html is None:
        return None
    domain = delivery.sender.address.rpartition("@")[2]
    boundary = f"=-{uuid.uuid4().hex}-="
    auto = "no" if delivery.rule == REPLY else "auto-generated"
    head = (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {format_datetime(date)}\r\n"
        f"Message-ID: <{name}@{domain}>\r\nAuto-Submitted: {auto}\r\n{own}MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    )
    body = f"--{boundary}\r\n{text}\r\n--{boundary}\r\n{html}\r\n--{boundary}--\r\n"
    return Written(delivery.sender.address, delivery.to.address, (head + body).encode("ascii"))


@lru_cache(maxsize=4096)
def _party(name: str, address: str) -> str | None:
    if not ADDRESS.fullmatch(address) or len(address) > LONGEST_ADDRESS:
        return None
    if not name:
        return address
    if len(name) > 100 or not name.isprintable() or name != " ".join(name.split()):
        return None
    if NAME.fullmatch(name):
        return f"{name} <{address}>"
    return _folded("To", str(Address(name, addr_spec=address)))


def _subject(value: str) -> str | None:
    if _plain(value):
        return value
    return _folded("Subject", value) if value.strip() and value.isprintable() else None


def _folded(field: str, value: str) -> str:
    """A header's value as the package writes it."""
    folded: str = POLICY.fold(field, POLICY.header_factory(field, value))
    return folded.removeprefix(f"{field}: ").rstrip("\r\n")


def _plain(value: str) -> bool:
    return VALUE.fullmatch(value) is not None and "=?" not in value and len(value) <= LONGEST_VALUE


def _own(headers: Mapping[str, str]) -> str | None:
    if any(
        not FIELD.fullmatch(name) or name.lower() in STRUCTURED or not _plain(value)
        for name, value in headers.items()
    ):
        return None
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _part(kind: str, text: str) -> str | None:
    """One of the alternatives: as it is where it is ASCII, else in base64."""
    if "\r" in text or "\0" in text or max(map(len, text.split("\n"))) > LONGEST_LINE:
        return None
    ended = text if text.endswith("\n") else f"{text}\n"
    how, coded = "7bit", ended
    if not text.isascii():
        how, coded = "base64", base64.encodebytes(ended.replace("\n", "\r\n").encode()).decode("ascii")
    # As the package has it, the second part names the version once more.
    version = "MIME-Version: 1.0\n" if kind == "html" else ""
    head = f'Content-Type: text/{kind}; charset="utf-8"\nContent-Transfer-Encoding: {how}\n{version}\n'
    return (head + coded).replace("\n", "\r\n")
