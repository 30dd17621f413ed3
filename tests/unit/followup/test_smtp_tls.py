"""Mail over TLS: certificates are looked at, no password goes in the clear, and what is wrong is said."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from rapport.report.mail import Letter, send
from rapport.trouble import TroubleError
from services.followup.channels.base import ChannelAwayError, Result
from services.followup.channels.email import Email, EmailSettings
from tests.certificates import Authority

from .mailserver import Inbox, delivery

HOST, ELSEWHERE = "localhost", "mail.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Seen:
    """A server's messages, and whether it was shown a password."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.passwords = 0

    def authenticate(self, *_: Any) -> AuthResult:
        self.passwords += 1
        return AuthResult(success=True)


@asynccontextmanager
async def server(seen: Seen, certificate: Path | None, *, implicit: bool) -> AsyncIterator[int]:
    """Its port. ``implicit``: TLS from the first byte, else by STARTTLS; no certificate: no TLS at all."""
    loop = asyncio.get_running_loop()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    options: dict[str, Any] = {"authenticator": seen.authenticate, "auth_require_tls": False, "loop": loop}
    if not implicit:
        options["tls_context"] = context
    listening = await loop.create_server(
        lambda: SMTP(seen.inbox, **options), HOST, 0, ssl=context if implicit else None
    )
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def settings(port: int, ca: Path | None, *, implicit: bool, **more: Any) -> EmailSettings:
    known = {"smtp_host": HOST, "smtp_port": port, "smtp_ca": ca, "smtp_tls": implicit, "smtp_timeout": 5.0}
    return EmailSettings.model_validate(known | more)


async def handed_over(known: EmailSettings) -> Result:
    """What becomes of one message. Raises ``ChannelAwayError``."""
    channel = Email(known)
    try:
        await channel.open()
        return (await channel.send(delivery("a"), datetime.now(UTC))).result
    finally:
        await channel.close()


each_way = pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "starttls"])


@each_way
async def test_a_message_goes_to_a_server_that_we_may_trust(authority: Authority, implicit: bool) -> None:
    seen = Seen()
    login = {"smtp_username": "rapport", "smtp_password": "a password"}
    async with server(seen, authority.issue("mail", HOST), implicit=implicit) as port:
        known = settings(port, authority.file, implicit=implicit, **login)
        assert await handed_over(known) is Result.SENT
    assert len(seen.inbox.messages) == 1
    assert seen.passwords == 1


@each_way
@pytest.mark.parametrize(
    ("host", "days", "trusted", "words"),
    [
        (HOST, -1.0, True, "expired"),
        (ELSEWHERE, 30.0, True, "RAPPORT_SMTP_HOST"),
        (HOST, 30.0, False, "RAPPORT_SMTP_CA"),
    ],
    ids=["expired", "elsewhere", "stranger"],
)
async def test_a_certificate_that_is_not_good_is_refused_and_nothing_said_to_its_owner(
    authority: Authority, implicit: bool, host: str, days: float, trusted: bool, words: str
) -> None:
    seen = Seen()
    login = {"smtp_username": "rapport", "smtp_password": "a password"}
    async with server(seen, authority.issue("bad", host, days=days), implicit=implicit) as port:
        known = settings(port, authority.file if trusted else None, implicit=implicit, **login)
        with pytest.raises(ChannelAwayError, match=words):
            await handed_over(known)
        with pytest.raises(TroubleError, match=words):
            await asyncio.to_thread(report, known)
    assert (seen.inbox.messages, seen.passwords) == ([], 0)


def report(known: EmailSettings) -> None:
    """As `rapport report` mails it."""
    env = {
        f"RAPPORT_{name.upper()}": str(v) for name in known.model_fields_set if (v := getattr(known, name))
    }
    env["RAPPORT_SMTP_PASSWORD"] = "a password"
    letter = Letter("subject", "text", "<p>html</p>", "report.html", b"<html></html>")
    send(env, letter, ("Rapport", "hello@rapport.example"), ["boss@rapport.example"])


@each_way
async def test_the_report_goes_the_same_way(authority: Authority, implicit: bool) -> None:
    seen = Seen()
    async with server(seen, authority.issue("mail", HOST), implicit=implicit) as port:
        login = {"smtp_username": "rapport", "smtp_password": "a password"}
        known = settings(port, authority.file, implicit=implicit, **login)
        await asyncio.to_thread(report, known)
    assert (len(seen.inbox.messages), seen.passwords) == (1, 1)


async def test_a_password_does_not_go_in_the_clear_unless_it_is_told_to() -> None:
    """Somebody between us and the server can take its offer of TLS away."""
    seen = Seen()
    login = {"smtp_username": "rapport", "smtp_password": "a password"}
    async with server(seen, None, implicit=False) as port:
        with pytest.raises(ChannelAwayError, match="STARTTLS"):
            await handed_over(settings(port, None, implicit=False, **login))
        with pytest.raises(TroubleError, match="STARTTLS"):
            await asyncio.to_thread(report, settings(port, None, implicit=False, **login))
        assert seen.passwords == 0
        told = settings(port, None, implicit=False, smtp_starttls=False, **login)
        assert await handed_over(told) is Result.SENT
        assert seen.passwords == 1
