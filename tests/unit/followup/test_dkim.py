"""Mails that we sign: the signature holds and covers what matters; a bad key stops the start."""

import base64
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from services.followup.channels.dkim import Dkim, DkimError
from services.followup.channels.email import EmailSettings
from services.followup.channels.mime import build
from services.followup.domain.rows import COLLECTION

from .mailserver import Database, FakeRuntime, Inbox, delivery, free_port, row, sender_of, smtp_server

PAIR = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = base64.b64encode(PAIR.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key.pem"
    file.write_bytes(PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def holds(mail: bytes) -> bool:
    asked: list[bytes] = []

    def record(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return b"v=DKIM1; k=rsa; p=" + PUBLIC

    good: bool = dkim.verify(mail, dnsfunc=record)
    assert asked == [b"news._domainkey.store.example."]
    return good


def signed(key: Path, **changes: Any) -> bytes:
    found = Dkim.load("store.example", "news", key)
    assert found is not None
    return found.sign(build(delivery("a", **changes), datetime.now(UTC), seven_bit=True).raw)


def test_the_signature_holds_and_covers_what_matters(key: Path) -> None:
    mail = signed(key, text="Dear Zoë,\n.\n" + "long " * 300)
    assert mail.isascii()
    assert holds(mail)
    fields = mail.partition(b"\r\nFrom")[0].replace(b"\r\n", b"").partition(b"h=")[2].partition(b";")[0]
    covered = fields.replace(b" ", b"").split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"message-id"} <= set(covered)
    assert covered.count(b"from") == 2
    assert not holds(mail.replace(b"/u/token", b"/u/other"))
    assert not holds(b"From: other@store.example\r\n" + mail)


def test_a_header_that_is_not_there_is_not_covered(key: Path) -> None:
    mail = signed(key, headers={})
    assert b"list-unsubscribe" not in mail
    assert holds(b"List-Unsubscribe: <https://relay.example>\r\n" + mail)


async def test_what_arrives_is_signed(
    database: Database, runtime: FakeRuntime, inbox: Inbox, key: Path
) -> None:
    await database[COLLECTION].insert_one(row("a", text="Grüße\n..\n"))
    seen: list[bytes] = []
    take = inbox.handle_DATA

    async def handle_DATA(server: Any, session: Any, envelope: Any) -> str:
        seen.append(envelope.content)
        return await take(server, session, envelope)

    inbox.handle_DATA = handle_DATA
    port = free_port()
    named = {"dkim_domain": "store.example", "dkim_selector": "news", "dkim_key_file": key}
    async with smtp_server(inbox, port):
        await sender_of(runtime, port, **named).round()
    assert runtime.reports == [("a", "sent")]
    (mail,) = seen
    assert holds(mail)
    (message,) = inbox.messages
    assert isinstance(message, EmailMessage)
    body = message.get_body()
    assert body is not None
    assert "Dear Ada" in body.get_content() or "Grüße" in body.get_content()


def test_without_settings_nothing_is_signed() -> None:
    assert Dkim.load(None, None, None) is None
    assert EmailSettings().dkim_domain is None


def test_bad_settings_say_why(key: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text("not a key")
    for told, why in (
        ({"dkim_domain": "store.example"}, "go together"),
        ({"dkim_key_file": key}, "go together"),
        ({"dkim_domain": "a", "dkim_selector": "s", "dkim_key_file": other}, "no PEM private key"),
        ({"dkim_domain": "a", "dkim_selector": "s", "dkim_key_file": tmp_path / "no"}, "cannot be read"),
        ({"dkim_domain": "ä", "dkim_selector": "s", "dkim_key_file": key}, "no names"),
    ):
        with pytest.raises(ValidationError, match=why):
            EmailSettings.model_validate(told)
    with pytest.raises(DkimError, match="go together"):
        Dkim.load("a", None, key)
