"""An ordinary mail is written as the e-mail package would write it; what is not ordinary is left to it."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.channels.mime import build
from services.followup.channels.quick_mail import written

from .mailserver import delivery

NOW = datetime(2026, 3, 2, 12, 30, 5, tzinfo=UTC)
PLAIN: dict[str, Any] = {"from": {"name": "Störe, the", "address": "hello@store.example"}}


def shown(raw: bytes) -> list[Any]:
    """What a mail program makes of it."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    headers = [(name, str(value)) for name, value in mail.items() if name != "Content-Type"]
    parts = [
        (part.get_content_type(), part.get_content_charset(), part.get_content().rstrip("\n"))
        for part in mail.iter_parts()
    ]
    return [headers, mail.get_content_type(), parts, mail.defects]


TEXT = st.text("abc XYZ.09<>&=-_\n\t'\"éüß☃字", max_size=120).map(lambda text: text.strip() + "\n")
WORDS = st.text("abzAZ09 '-.,:;<>()=?@\"éüß字", max_size=30).map(str.strip)


@given(TEXT, TEXT, WORDS, WORDS, WORDS)
def test_it_reads_as_what_the_package_writes(
    text: str, html: str, subject: str, name: str, value: str
) -> None:
    message = delivery(
        "m:1",
        **PLAIN,
        to={"name": name, "address": "ada.b+x@example.org"},
        subject=subject,
        text=text,
        html=html,
        headers={"List-Unsubscribe": f"<https://r.example/u/{len(value)}>", "X-Own": value},
    )
    quick = written(message, NOW)
    if quick is not None:
        assert (quick.sender, quick.to) == ("hello@store.example", "ada.b+x@example.org")
        assert shown(quick.raw) == shown(build(message, NOW).as_bytes())


def test_the_usual_mail_is_ordinary_and_the_same() -> None:
    long = "Dear Ada, thank you.\n.a line with a dot\nFrom here on: Grüße & ☃\n"
    for text in ("Dear Ada, thank you.\n.a dot\nFrom\n", long):
        message = delivery("m1", **PLAIN, text=text, html=f"<p>{text}</p>\n")
        quick = written(message, NOW)
        assert quick is not None
        assert shown(quick.raw) == shown(build(message, NOW).as_bytes())
        assert b"\n" not in quick.raw.replace(b"\r\n", b"")
        assert quick.raw.isascii()


@pytest.mark.parametrize(
    "changes",
    [
        {"to": {"name": "Ada", "address": "a@b\r\nBcc: c@example.org"}},
        {"to": {"name": "Ada", "address": "a@b.example, c@d.example"}},
        {"to": {"name": "Ada", "address": "jörg@example.org"}},
        {"to": {"name": "Ada", "address": "a@bücher.example"}},
        {"to": {"name": "Ada\r\nBcc: x@y.example", "address": "ada@example.org"}},
        {"subject": "x\r\nBcc: c@example.org"},
        {"subject": ""},
        {"subject": "a\u2028b"},
        {"headers": {"List-Unsubscribe": "<x>\nBcc: c@example.org"}},
        {"headers": {"Bcc": "c@example.org"}},
        {"headers": {"Subject": "another"}},
        {"headers": {"X: y\r\nBcc": "c@example.org"}},
        {"text": "x" * 1000},
        {"text": "a\rb"},
    ],
)
def test_what_is_not_ordinary_is_left_to_the_package(changes: dict[str, Any]) -> None:
    assert written(delivery("m1", **{**PLAIN, **changes}), NOW) is None
