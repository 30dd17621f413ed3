"""The words of SMTP with a server that takes one command at a time: what it refuses, and what it offers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from services.followup.channels.base import Attempt, ChannelAwayError, Result
from services.followup.channels.email import Email, EmailSettings
from services.followup.channels.smtp import Envelope, Server, greeted

from .mailserver import delivery

REST = (False, False, None, None, 3.0)
ENVELOPE = Envelope("s@store.example", "a@example.org")
TEXT = b"Subject: x\r\n\r\nDear Ada\r\n"
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


class Told:
    """A server that answers each command as it is told to, else as one that takes everything."""

    def __init__(self, answers: Mapping[str, str], offers: tuple[str, ...] = ()) -> None:
        self.answers = {"DATA": "354 go on", **answers}
        self.offers = offers
        self.port = 0
        self.heard: list[str] = []
        """The commands."""
        self.texts: list[bytes] = []

    async def serve(self, reader: Reader, writer: Writer) -> None:
        try:
            await self.talk(reader, writer)
        finally:
            writer.close()

    async def talk(self, reader: Reader, writer: Writer) -> None:
        writer.write(b"220 here\r\n")
        while command := (await reader.readline()).decode().rstrip("\r\n"):
            self.heard.append(command)
            verb = command.partition(" ")[0]
            if verb == "EHLO":
                writer.write("".join(f"250-{one}\r\n" for one in ("here", *self.offers)).encode())
                writer.write(b"250 HELP\r\n")
                continue
            said = self.answers.get(verb, "250 ok")
            writer.write(f"{said}\r\n".encode())
            if said.startswith("354"):
                self.texts.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")

    @asynccontextmanager
    async def there(self) -> AsyncIterator[None]:
        talks: list[asyncio.Task[None]] = []

        def accept(reader: Reader, writer: Writer) -> None:
            talks.append(asyncio.create_task(self.serve(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in talks:
                task.cancel()
            await asyncio.gather(*talks, return_exceptions=True)
            await asyncio.sleep(0)  # what is closed is so in the next turn of the loop

    def email(self) -> Email:
        return Email(EmailSettings(smtp_port=self.port, smtp_timeout=3.0, smtp_starttls=False))


@pytest.mark.parametrize(
    ("answer", "result"),
    [("451 4.7.1 not yet", Result.LATER), ("550 no", Result.FAILED), ("421 closing", Result.LATER)],
)
@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_refusal_before_the_text_leaves_no_doubt(
    command: str, offers: tuple[str, ...], answer: str, result: Result
) -> None:
    later = {"MAIL": ["RCPT", "DATA"], "RCPT": ["DATA"], "DATA": []}[command]
    told = Told({command: answer, **dict.fromkeys(later, "503 out of order")}, offers)
    async with told.there():
        session = await greeted(Server("127.0.0.1", told.port, *REST))
        attempt = await session.send(ENVELOPE, TEXT)
        assert (attempt.result, attempt.error) == (result, answer)
        assert session.alive is not answer.startswith("421")
        told.answers = {"DATA": "354 go on"}
        if session.alive:
            assert await session.send(ENVELOPE, TEXT) == Attempt(Result.SENT)
        session.abort()
    assert told.texts == [TEXT + b".\r\n"] * (not answer.startswith("421"))


@pytest.mark.parametrize("answer", ["421 closing", "500 what?"])
async def test_a_connection_that_was_idle_and_answers_no_more_is_not_used(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays open, but what it takes is not what it is asked to."""
    monkeypatch.setattr("services.followup.channels.email.FRESH_SECONDS", 0.0)
    told = Told({"NOOP": answer})
    async with told.there():
        email = told.email()
        await email.open()
        await email.open()
        await email.close()
    assert [command[:4] for command in told.heard if command[:4] in ("EHLO", "NOOP")] == [
        "EHLO",
        "NOOP",
        "EHLO",
    ]


async def test_a_connection_whose_message_cannot_be_taken_back_is_not_used_again() -> None:
    told = Told({"RCPT": "550 no such user", "RSET": "502 not here"})
    async with told.there():
        session = await greeted(Server("127.0.0.1", told.port, *REST))
        assert (await session.send(ENVELOPE, TEXT)).result is Result.FAILED
        assert not session.alive


@pytest.mark.parametrize(
    ("offers", "text", "command", "encodings"),
    [
        (("8BITMIME",), "Grüße\n", "MAIL FROM:<hello@store.example> BODY=8BITMIME", ["8bit", "8bit", "7bit"]),
        (("8BITMIME",), "Hello\n", "MAIL FROM:<hello@store.example>", [None, "7bit", "7bit"]),
        ((), "Grüße\n", "MAIL FROM:<hello@store.example>", [None, "base64", "7bit"]),
        ((), "Hello\n", "MAIL FROM:<hello@store.example>", [None, "7bit", "7bit"]),
    ],
)
@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
async def test_eight_bits_go_only_where_they_are_offered_and_are_said(
    offers: tuple[str, ...],
    text: str,
    command: str,
    encodings: list[str | None],
    pipelining: tuple[str, ...],
) -> None:
    told = Told({}, (*offers, *pipelining))
    async with told.there():
        email = told.email()
        await email.open()
        attempt = await email.send(delivery("a", text=text, html="<p>hello</p>\n"), datetime.now(UTC))
        await email.close()
    assert attempt == Attempt(Result.SENT)
    assert [heard for heard in told.heard if heard.startswith("MAIL")] == [command]
    (raw,) = told.texts
    assert offers or raw.isascii()
    mail = message_from_bytes(raw.removesuffix(b".\r\n"), policy=policy.default)
    assert [part["Content-Transfer-Encoding"] for part in mail.walk()] == encodings
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == text.splitlines()


async def test_an_address_with_letters_of_any_script_goes_with_both_options() -> None:
    told = Told({}, ("8BITMIME", "SMTPUTF8"))
    async with told.there():
        email = told.email()
        await email.open()
        to = {"name": "Jörg", "address": "jörg@example.org"}
        await email.send(delivery("a", to=to, text="Grüße\n"), datetime.now(UTC))
        await email.close()
    assert "MAIL FROM:<hello@store.example> SMTPUTF8 BODY=8BITMIME" in told.heard


async def test_whom_to_trust_is_read_once_for_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reading holds up the worker for 30 ms. The next opening reads anew, as the file may be."""
    read = 0

    def trust(**known: Any) -> ssl.SSLContext:
        nonlocal read
        read += 1
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr("services.followup.channels.smtp.ssl.create_default_context", trust)
    told = Told({})
    async with told.there():
        for opening in (1, 2):
            channel = Email(EmailSettings(smtp_port=told.port, smtp_connections=4))
            await channel.open(4)
            assert channel.lanes == 4
            assert read == opening
            await channel.close()


async def test_a_file_of_authorities_that_is_gone_is_an_outage(tmp_path: Path) -> None:
    """Checked at the start; it may go while the worker runs."""
    file = tmp_path / "ca.pem"
    told = Told({})
    async with told.there():
        channel = Email(
            EmailSettings.model_construct(**dict(EmailSettings(smtp_port=told.port)) | {"smtp_ca": file})
        )
        with pytest.raises(ChannelAwayError):
            await channel.open(4)
    assert not told.heard
