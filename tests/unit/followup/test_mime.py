"""What a mail looks like: as ``EmailMessage`` would have it, and within every limit."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.followup.channels.mime import LONGEST_LINE, BadMessageError, Mail, build

from .mailserver import delivery, mail_read

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG = "long " * 400
UMLAUT = "jörg@store.example"


def made(**changes: Any) -> Mail:
    return build(delivery("a", **changes), NOW)


def by_the_library(**changes: Any) -> EmailMessage:
    """The same message, by a package that knows."""
    told = delivery("a", **changes)
    message = EmailMessage(policy=policy.SMTP.clone(max_line_length=998))
    message["From"] = Address(told.sender.name, addr_spec=told.sender.address)
    message["To"] = Address(told.to.name, addr_spec=told.to.address)
    message["Subject"], message["Date"] = told.subject, NOW
    message.set_content(told.text)
    message.add_alternative(told.html, subtype="html")
    return message_from_bytes(message.as_bytes(), policy=policy.default)


def bodies(message: EmailMessage) -> list[tuple[str, list[str]]]:
    return [(part.get_content_type(), part.get_content().splitlines()) for part in message.iter_parts()]


def display_name(mail: Mail) -> str:
    """By the older half of the package: the newer puts blanks between encoded words."""
    words, address = parseaddr(message_from_bytes(mail.raw)["To"])
    assert address == mail.recipient
    return str(make_header(decode_header(words)))


WORDS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=120).map(str.strip)
LINES = st.lists(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=90), min_size=1)


@settings(deadline=None)
@given(subject=WORDS, name=WORDS, lines=LINES)
@example(subject="Re: Grüße", name="Störe", lines=["Grüße", ".", "..", "From here", ""])
@example(subject="x" * 200, name='Doe, "Jo" (x) \\', lines=["x" * 998, "y" * 999])
@example(subject="a" * 150 + " ü", name="é" * 100, lines=["=_a", "=3D", "ü" * 600, "trailing  "])
@example(subject="=?utf-8?q?x?=", name="=?utf-8?q?x?=", lines=["\N{SNOWMAN}" * 400])
def test_it_reads_as_the_librarys_own(subject: str, name: str, lines: list[str]) -> None:
    told = {
        "subject": subject,
        "from": {"name": "Store", "address": "hello@store.example"},
        "to": {"name": " ".join(name.split())[:100], "address": "ada@example.org"},
        "text": "\n".join(lines),
        "html": "".join(f"<p>{line}</p>\n" for line in lines),
    }
    found = mail_read(delivery("a", **told))
    assert found["From"] == "Store <hello@store.example>"
    assert found["Subject"] == subject
    assert display_name(made(**told)) == told["to"]["name"]
    assert bodies(found) == bodies(by_the_library(**told))
    assert found.get_content_type() == "multipart/alternative"
    assert not found.defects
    raw = build(delivery("a", **told), NOW, seven_bit=True).raw
    assert raw.isascii()
    assert bodies(message_from_bytes(raw, policy=policy.default)) == bodies(found)


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=300), st.text(max_size=60))
def test_whatever_is_in_it_no_header_is_added_and_no_line_too_long(
    name: str, subject: str, text: str, url: str
) -> None:
    to = {"name": name, "address": "ada@example.org"}
    try:
        mail = made(to=to, subject=subject, text=text, headers={"List-Unsubscribe": url})
    except BadMessageError:
        return
    head, _, _ = mail.raw.partition(b"\r\n\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail.raw)
    assert max(map(len, mail.raw.split(b"\r\n"))) <= LONGEST_LINE
    assert b"\0" not in mail.raw
    assert head.isascii()
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    if mail.eight_bit:
        assert names.pop() == b"Content-Transfer-Encoding"
    assert names == [
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"List-Unsubscribe",
        b"MIME-Version", b"Content-Type",
    ]  # fmt: skip


def test_the_same_message_is_the_same_mail() -> None:
    assert made() == made()
    assert made().raw != build(delivery("b"), NOW).raw


def test_a_text_that_has_the_boundary_in_it_has_another() -> None:
    (boundary,) = re.findall(rb'boundary="(.*?)"', made().raw)
    text = f"Dear Ada\n--{boundary.decode()}--\nyours\n"
    found = mail_read(delivery("a", text=text))
    assert bodies(found)[0][1] == text.splitlines()


@pytest.mark.parametrize(
    ("text", "seven_bit", "encoding"),
    [
        ("plain\n", False, "7bit"),
        ("Grüße\n", False, "8bit"),
        ("Grüße " + "and long " * 20 + "\n", True, "quoted-printable"),
        ("例えば" * 40 + "\n", True, "base64"),
        (LONG, False, "quoted-printable"),
        ("\0", False, "base64"),
    ],
)
def test_the_body_is_encoded_only_where_it_must_be(text: str, seven_bit: bool, encoding: str) -> None:
    raw = build(delivery("a", text=text), NOW, seven_bit=seven_bit).raw
    first = next(iter(message_from_bytes(raw, policy=policy.default).iter_parts()))
    assert first["Content-Transfer-Encoding"] == encoding
    assert first.get_content().splitlines() == text.splitlines()


@pytest.mark.parametrize("text", ["例えば\n二行目\n", "\0\0\n\r\n\0"])
def test_the_lines_of_a_text_are_ended_by_cr_lf_in_any_encoding(text: str) -> None:
    """RFC 2046, 4.1.1: of what is encoded too."""
    parts = message_from_bytes(build(delivery("a", text=text, html=text), NOW, seven_bit=True).raw)
    for part in parts.get_payload():
        assert part["Content-Transfer-Encoding"] == "base64"
        decoded = part.get_payload(decode=True)
        assert decoded == ("\r\n".join(text.splitlines()) + "\r\n").encode()


def test_long_words_for_people_are_folded_as_encoded_words_have_it() -> None:
    head = made(subject="Grüße " * 33, to={"name": "Zoë " * 25, "address": "a@example.org"}).raw
    lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
    words = [word for line in lines for word in re.findall(rb"=\?utf-8\?[^?]*\?[^?]*\?=", line)]
    assert len(words) > 4
    assert max(map(len, words)) <= 75
    assert all(len(line) <= 78 or b"List-" in line or b"<a@" in line for line in lines)


def test_where_an_address_needs_utf8_words_are_as_they_are() -> None:
    raw = made(**{"from": {"name": "Störe, & Co.", "address": UMLAUT}}, subject="Grüße").raw
    assert f'From: "Störe, & Co." <{UMLAUT}>\r\n'.encode() in raw
    assert "Subject: Grüße\r\n".encode() in raw


@pytest.mark.parametrize("address", ['"a b"@example.org', "a@[192.0.2.1]"])
def test_unusual_addresses_go_as_they_did(address: str) -> None:
    mail = made(to={"name": "Ada", "address": address})
    assert mail.recipient == address
    assert f"To: Ada <{address}>\r\n".encode() in mail.raw


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b", "a@b@c", "a b@c", "a@b, c@d", "<a@b>", "a@b>", "a.@b", "a..b@c"]
)
def test_what_is_no_bare_address_is_none(address: str) -> None:
    with pytest.raises(BadMessageError):
        made(to={"name": "", "address": address})


def test_a_link_that_is_longer_than_a_line_does_not_cost_the_message() -> None:
    raw = made(headers={"List-Unsubscribe": f"<https://rapport.example/{'u' * 1200}>"}).raw
    assert max(map(len, raw.split(b"\r\n"))) <= LONGEST_LINE
