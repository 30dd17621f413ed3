"""One session with an SMTP server: made by aiosmtplib (TLS, login), then spoken here, as that waits for each
answer before it says the next word.

A message is two exchanges: sender, recipient and ``DATA`` together where the server offers PIPELINING (RFC
2920), then the text. Else each of them is one.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPException
from pydantic import SecretStr

from services.followup.channels.base import Attempt, Result
from services.followup.channels.smtp_answers import Answer, Answers
from services.followup.domain.deliverability.bounces import status_of

QUIT_SECONDS = 1.0
SENDER, RECIPIENT, DATA = range(3)
"""The commands before the text."""
START_INPUT = 354
CLOSING = 421


class SessionLostError(Exception):
    """The session is of no use any more: it broke, took too long, or speaks nonsense. It has been closed."""


class Server(NamedTuple):
    """Where the server is, and how it is greeted."""

    host: str
    port: int
    tls: bool
    """From the first byte."""
    starttls: bool | None
    """None: if it is offered."""
    username: str | None
    password: SecretStr | None
    timeout: float
    """Seconds for an answer."""


class Envelope(NamedTuple):
    """What is said of a message before its text."""

    sender: str
    recipient: str
    options: tuple[str, ...] = ()
    """Of the command ``MAIL``, such as ``SMTPUTF8``."""

    @property
    def commands(self) -> tuple[str, str, str]:
        mail = " ".join((f"MAIL FROM:<{self.sender}>", *self.options))
        return mail, f"RCPT TO:<{self.recipient}>", "DATA"


class Session:
    """A connection that is greeted and logged in. One task at a time uses it."""

    def __init__(
        self, transport: asyncio.Transport, answers: Answers, extensions: frozenset[str], timeout: float
    ) -> None:
        self._transport, self._answers = transport, answers
        self.extensions = extensions
        """What the server offers, in lower case."""
        self._timeout = timeout
        self._used_at = time.monotonic()

    @property
    def alive(self) -> bool:
        """As far as is known here: an end that the server has said is seen."""
        return self._answers.ended is None and not self._transport.is_closing()

    @property
    def idle_seconds(self) -> float:
        return time.monotonic() - self._used_at

    async def answers(self) -> bool:
        """Whether the server still does; servers close what is idle."""
        try:
            return (await self._exchange("NOOP")).taken
        except SessionLostError:
            return False

    async def send(self, envelope: Envelope, text: bytes) -> Attempt:
        """Hand over one message, ``text`` with CRLF at the end of its lines."""
        try:
            refusal = await self._announce(envelope)
        except SessionLostError as lost:
            return Attempt(Result.LATER, str(lost))  # the text has not left
        if refusal is not None:
            return _refused(*refusal)
        try:
            return _meant(await self._say(text))
        except SessionLostError as lost:
            # The text may have been on its way: the server may have it, or not.
            return Attempt(Result.IN_DOUBT, str(lost))

    async def _announce(self, envelope: Envelope) -> tuple[Answer, int] | None:
        """The server's refusal and which of the commands it is of, None once it waits for the text. Raises
        ``SessionLostError``."""
        answers: Sequence[Answer]
        if "pipelining" in self.extensions:
            answers = await self._exchanges(envelope.commands)
        else:
            answers = await self._one_by_one(envelope.commands)
        mail, *_, last = answers
        place = next((n for n, answer in enumerate(answers[: RECIPIENT + 1]) if not answer.taken), DATA)
        if place == DATA and last.code == START_INPUT:
            return None
        if answers[place].code == CLOSING:
            self.abort()
            return answers[place], place
        with contextlib.suppress(SessionLostError):
            if last.code == START_INPUT:
                await self._say(b"")  # nobody gets it
            elif mail.taken:
                await self._exchange("RSET")
        return answers[place], place

    async def _one_by_one(self, commands: Sequence[str]) -> list[Answer]:
        answers: list[Answer] = []
        for command in commands:
            answers.append(await self._exchange(command))
            if not answers[-1].taken:
                break
        return answers

    async def _say(self, text: bytes) -> Answer:
        """The text, with dots doubled where a line begins with one. Raises ``SessionLostError``."""
        stuffed = text.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        if stuffed and not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        (answer,) = await self._answered(stuffed + b".\r\n", 1)
        if answer.code == CLOSING:
            self.abort()
        return answer

    async def _exchange(self, command: str) -> Answer:
        (answer,) = await self._exchanges((command,))
        return answer

    async def _exchanges(self, commands: Sequence[str]) -> list[Answer]:
        """Raises ``SessionLostError``."""
        return await self._answered("".join(f"{c}\r\n" for c in commands).encode(), len(commands))

    async def _answered(self, said: bytes, answers: int) -> list[Answer]:
        """Say this and read so many answers. Raises ``SessionLostError``."""
        try:
            async with asyncio.timeout(self._timeout):
                self._transport.write(said)
                await self._answers.drain()
                found = [await self._answers.read() for _ in range(answers)]
        except (OSError, ValueError, EOFError) as error:  # a TimeoutError is an OSError
            self.abort()
            raise SessionLostError(f"{type(error).__name__}: {error}"[:500]) from error
        except BaseException:
            self.abort()  # what it would answer is not waited for
            raise
        self._used_at = time.monotonic()
        return found

    def abort(self) -> None:
        self._transport.abort()

    async def quit(self) -> None:
        """Take leave, politely where that is possible at once."""
        if self.alive:
            self._timeout = min(self._timeout, QUIT_SECONDS)
            with contextlib.suppress(SessionLostError):
                await self._exchange("QUIT")
        self.abort()


async def greeted(server: Server) -> Session:
    """A new session. Raises aiosmtplib's ``SMTPException``, ``OSError``, ``ValueError``."""
    smtp = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls,
        start_tls=None if server.tls else server.starttls,
        username=server.username,
        password=server.password.get_secret_value() if server.password else None,
        timeout=server.timeout,
    )
    try:
        await smtp.connect()
        await smtp.ehlo()  # after TLS and login anew, and for the first time where neither is: some insist
        transport = smtp.transport
        if transport is None:
            raise SMTPException("the connection was lost")
        return _taken_over(smtp, transport, server.timeout)
    except BaseException:
        smtp.close()
        raise


def _taken_over(smtp: SMTP, transport: asyncio.BaseTransport, timeout: float) -> Session:
    """We hear what the server says from now on; aiosmtplib's protocol does not."""
    assert isinstance(transport, asyncio.Transport)
    answers = Answers()
    transport.set_protocol(answers)
    return Session(transport, answers, frozenset(smtp.esmtp_extensions), timeout)


def _refused(answer: Answer, command: int) -> Attempt:
    """What a refusal before the text means."""
    if not 500 <= answer.code < 600:
        return Attempt(Result.LATER, str(answer)[:500])
    code = None if command == SENDER else status_of(answer.text, of_recipient=command == RECIPIENT)
    return Attempt(Result.FAILED, str(answer)[:500], code=code)


def _meant(answer: Answer) -> Attempt:
    """What the answer to a text means. One that is neither yes nor no leaves it in doubt."""
    if answer.taken:
        return Attempt(Result.SENT)
    if 400 <= answer.code < 500:
        return Attempt(Result.LATER, str(answer)[:500])
    if 500 <= answer.code < 600:
        return Attempt(Result.FAILED, str(answer)[:500], code=status_of(answer.text, of_recipient=False))
    return Attempt(Result.IN_DOUBT, str(answer)[:500])
