"""E-mail over one SMTP connection: what to write, and what the server's answer means."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_DEFAULTS
from enum import Enum
from typing import Any

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

# A header that does not fit its line is folded into encoded words, and no mail client decodes those in
# List-Unsubscribe: so lines may be as long as RFC 5322 allows.
SMTP_POLICY = SMTP_DEFAULTS.clone(max_line_length=998)


class BadMessage(Exception):
    """The row cannot be made into an e-mail: an impossible address or header."""


class Result(Enum):
    """What is known of a message after trying."""

    SENT = "sent"
    FAILED = "failed"
    """The server refused it for good."""
    LATER = "later"
    """The server has not accepted it; it may be tried again."""
    IN_DOUBT = "in_doubt"
    """The connection broke before the server said whether it has accepted it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of one try."""

    result: Result
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how to hand mail over."""

    host: str
    port: int
    tls: bool = False
    starttls: bool | None = None
    username: str | None = None
    password: str | None = None
    timeout: float = 30.0


def build(row: Mapping[str, Any], date: datetime) -> EmailMessage:
    """The e-mail of a ``deliveries`` row. Raises ``BadMessage``.

    Headers go through ``EmailMessage``, which refuses line breaks: no value can become a header."""
    message = EmailMessage(policy=SMTP_POLICY)
    try:
        message["From"] = Address(row["from"]["name"], addr_spec=row["from"]["address"])
        message["To"] = Address(_name(row["to"]["name"]), addr_spec=row["to"]["address"])
        message["Subject"] = row["subject"]
        message["Date"] = date
        message["Message-ID"] = f"<{row['_id']}@rapport>"
        message["Auto-Submitted"] = "auto-generated"
        for name, value in row["headers"].items():
            message[name] = value
        message.set_content(row["text"])
        message.add_alternative(row["html"], subtype="html")
        message.as_bytes()
        row["to"]["address"].encode("ascii")
    except Exception as error:  # the e-mail package raises nearly everything on impossible input
        raise BadMessage(f"{type(error).__name__}: {error}") from error
    return message


def _name(name: str) -> str:
    """A display name without control characters: one that is odd must not cost the message."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:100]


class Connection:
    """One SMTP connection, made when needed and kept. For one caller at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._smtp: SMTP | None = None

    async def open(self) -> None:
        """Be connected. Raises ``SMTPException`` or ``OSError`` if the server cannot be had."""
        if self._smtp is not None and self._smtp.is_connected:
            try:
                await self._smtp.noop()
                return
            except (SMTPException, OSError):
                await self.close()  # servers close what is idle
        smtp = SMTP(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.tls,
            start_tls=None if self._server.tls else self._server.starttls,
            username=self._server.username,
            password=self._server.password,
            timeout=self._server.timeout,
        )
        try:
            await smtp.connect()
            # On the first connection, so that MAIL does not have to: some servers insist.
            await smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        self._smtp = smtp

    @property
    def connected(self) -> bool:
        return self._smtp is not None and self._smtp.is_connected

    async def send(self, message: EmailMessage) -> Attempt:
        """Hand over one message; ``open`` before. Never raises for what the server does."""
        smtp = self._smtp
        if smtp is None:
            return Attempt(Result.LATER, "not connected")
        try:
            await smtp.mail(message["From"].addresses[0].addr_spec)
            await smtp.rcpt(message["To"].addresses[0].addr_spec)
        except (SMTPSenderRefused, SMTPRecipientRefused) as refusal:
            await self._reset(smtp)
            return _refused(refusal)
        except (SMTPException, OSError) as error:
            await self.close()
            return Attempt(Result.LATER, _text(error))
        try:
            await smtp.data(message.as_bytes())
        except SMTPDataError as refusal:
            await self._reset(smtp)
            return _refused(refusal)
        except (SMTPException, OSError) as error:
            # The text may have been on its way: the server may have it, or not.
            await self.close()
            return Attempt(Result.IN_DOUBT, _text(error))
        return Attempt(Result.SENT)

    async def close(self) -> None:
        """Let go of the connection, politely where that is possible at once."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(SMTPException, OSError):
                await smtp.quit(timeout=1.0)
            smtp.close()

    async def _reset(self, smtp: SMTP) -> None:
        try:
            await smtp.rset()
        except (SMTPException, OSError):
            await self.close()


def _refused(refusal: SMTPResponseException) -> Attempt:
    permanent = 500 <= refusal.code < 600
    return Attempt(Result.FAILED if permanent else Result.LATER, f"{refusal.code} {refusal.message}"[:500])


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
