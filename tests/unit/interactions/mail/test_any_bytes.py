"""Whatever bytes are handed in, reading them takes bounded time and fails at nothing."""

import time
import zipfile
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.mail.events import Telling
from services.interactions.mail.kinds import kind_of
from services.interactions.mail.letter import read
from services.interactions.mail.mime import MOST_CHARACTERS, MOST_FILES
from services.interactions.mail.settings import Box
from shared.kafka.publisher import MAX_RECORD_BYTES
from shared.schemas.codec import encode, parse_cloudevent

from .recorded import AWAY, PEOPLE, recorded

NAMES = (*PEOPLE, *AWAY, "newsletter", "receipt")
AT = datetime(2026, 11, 26, 10, tzinfo=UTC)


def taken(raw: bytes) -> None:
    """It is read, and what is told of it is an event that everybody can read."""
    letter = read(raw)
    kind_of(letter.headers, None, null_sender=True, ours=lambda one: False, to=())
    telling = Telling(letter, "c-1", AT)
    told = [telling.contact(None, letter.answers), telling.automatic("x")]
    told.append(telling.complaint(Box("x@y"), telling.own_conversation))
    for event in told:
        value, _ = encode(event)
        assert len(value) < MAX_RECORD_BYTES
        assert parse_cloudevent(value, AT).data == event.data


@settings(deadline=None)
@given(st.binary(max_size=2_000))
def test_random_bytes(raw: bytes) -> None:
    taken(raw)
    taken(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + raw)


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_mutated_mails(name: str, data: st.DataObject) -> None:
    raw = bytearray(recorded(name))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from("rdic")):
            case "r":
                raw[place] = data.draw(st.integers(0, 255))
            case "d":
                del raw[place : place + data.draw(st.integers(1, 200))]
            case "i":
                raw[place:place] = data.draw(st.binary(max_size=60))
            case _:
                raw[place:place] = raw[: data.draw(st.integers(0, 400))]
        if not raw:
            break
    taken(bytes(raw))


HEADERS = b"Content-Type Content-Transfer-Encoding From Date Message-ID Subject Received References".split()
VALUES = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            b'multipart/mixed; boundary=""',
            b"multipart/alternative; boundary*=utf-8''%62",
            b"message/rfc822",
            b"message/partial; id=1; number=1",
            b'text/html; charset="=?utf-8?q?x?="',
            b"text/plain; charset*=idna''x; format=flowed",
            b"base64",
            b"x-uuencode",
            b"=?utf-8?b?////?=",
            b"Thu, 99 Nov 99999 99:99:99 +9999",
            b"; Thu, 01 Jan 0001 00:00:00 +2359",
            b"<" * 70,
            b"(" * 70,
            b'"\\' * 30,
        ]
    ),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HEADERS), VALUES), max_size=8), st.binary(max_size=300))
def test_odd_headers(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    taken(b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body)


def nested(levels: int) -> bytes:
    raw = b"From: a@b.example\r\n"
    for level in range(levels):
        raw += f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n".encode()
    return raw + b"Content-Type: text/plain\r\n\r\nx"


def zipped() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    return (
        b"From: a@b.example\r\nContent-Type: application/zip; name=bomb.zip\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + packed.getvalue()
    )


BOMBS = {
    "nested": nested(20_000),
    "messages": b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 500_000,
    "headers": b"a:b\r\n" * 1_000_000,
    "one_line": b"Subject: " + b"a" * 10_000_000,
    "references": b"References: " + b"<a@b> " * 1_000_000 + b"\r\n\r\nx",
    "words": b"Subject: " + b"=?utf-8?q?a?= " * 500_000 + b"\r\n\r\nx",
    "senders": b"From: " + b"(" * 1_000_000 + b"\r\n\r\nx",
    "text": b"\r\n" + b"on a schrieb schrieb schrieb b:\r\n" * 300_000,
    "quotes": b"\r\n" + b"> x\r\n" * 300_000,
    "divs": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 1_000_000,
    "open": b"Content-Type: text/html\r\n\r\n" + b"<div><table></div></table>" * 100_000,
    "ands": b"Content-Type: text/html\r\n\r\n" + b"&" * 5_000_000,
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<" * 5_000_000,
    "comments": b"Content-Type: text/html\r\n\r\n" + b"<!--" * 1_000_000,
    "blockquotes": b"Content-Type: text/html\r\n\r\n" + b"<blockquote>x" * 300_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 5_000_000,
    "base64": b"Content-Transfer-Encoding: base64\r\nContent-Type: a/b\r\n\r\n" + b"=" * 10_000_000,
    "uu": b"Content-Type: a/b\r\nContent-Transfer-Encoding: uuencode\r\n\r\nbegin 6 x\r\n" + b"M\n" * 900_000,
    "typed": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + (b"--b\r\nContent-Type: text/plain; " + b"a*0=b; " * 290 + b"\r\n\r\nx\r\n") * 900,
    "folded": b"Content-Type: text/plain;\r\n" + b" a*0=b;\r\n" * 300_000 + b"\r\nx",
    "parameters": b"Content-Type: text/plain; " + b"a*0=b; " * 300_000 + b"\r\n\r\nx",
    "received": b"Received: x\r\n" * 100_000 + b"\r\nx",
    "zip": zipped(),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    """Far less time than any of them would take, with much to spare on a busy machine."""
    began = time.process_time()
    taken(BOMBS[name])
    assert time.process_time() - began < 20


def test_what_is_left_out_is_said() -> None:
    letter = read(b"Content-Type: text/plain\r\n\r\n" + b"word " * 50_000)
    assert len(letter.said.text) <= MOST_CHARACTERS
    assert not letter.complete
    parts = b"".join(b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" for _ in range(60))
    letter = read(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n")
    assert len(letter.files) == MOST_FILES
    assert not letter.complete
