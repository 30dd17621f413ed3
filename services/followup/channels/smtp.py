"""One session with an SMTP server: made by aiosmtplib (TLS, login), then spoken here, as that waits for each
answer before it says the next word.

A message is two exchanges: sender, recipient and ``DATA`` together where the server offers PIPELINING (RFC
2920), then the text. Else each of them is one.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPException
from pydantic import SecretStr

from services.followup.channels.base import Attempt, Result

LONGEST_LINE = 8192
MOST_LINES = 100
"""Of one answer."""
QUIT_SECONDS = 1.0
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


class Answer(NamedTuple):
    """What the server says to one command."""

    code: int
    text: str

    @property
    def taken(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


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


class Answers(asyncio.Protocol):
    """What the server says, answer by answer."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []
        self._answers: deque[Answer] = deque()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.ended: Exception | None = None
        """Why no more answers come."""

    async def read(self) -> Answer:
        """The next one. Raises ``EOFError``, ``ValueError`` for what is no answer, ``OSError``."""
        while not self._answers:
            if self.ended is not None:
                raise self.ended
            self._changed.clear()
            await self._changed.wait()
        return self._answers.popleft()

    async def drain(self) -> None:
        """Until there is room for more to be written."""
        await self._writable.wait()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE or len(self._lines) + len(lines) > MOST_LINES:
            self._end(ValueError("the server's answer has no end"))
        for line in lines:
            if not line[:3].isdigit():
                self._end(ValueError("the server gave no answer of SMTP"))
                break
            self._lines.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] != b"-":
                self._answers.append(Answer(int(line[:3]), " ".join(self._lines)))
                self._lines = []
        self._changed.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or EOFError("the server hung up"))

    def _end(self, error: Exception) -> None:
        self.ended = self.ended or error
        self._changed.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


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
            certain = Result.FAILED if 500 <= refusal.code < 600 else Result.LATER
            return Attempt(certain, str(refusal)[:500])
        try:
            return _meant(await self._say(text))
        except SessionLostError as lost:
            # The text may have been on its way: the server may have it, or not.
            return Attempt(Result.IN_DOUBT, str(lost))

    async def _announce(self, envelope: Envelope) -> Answer | None:
        """The server's refusal, None once it waits for the text. Raises ``SessionLostError``."""
        answers: Sequence[Answer]
        if "pipelining" in self.extensions:
            answers = await self._exchanges(envelope.commands)
        else:
            answers = await self._one_by_one(envelope.commands)
        mail, *_, last = answers
        refusal = next((a for a in answers[:2] if not a.taken), None)
        if refusal is None and last.code != START_INPUT:
            refusal = last
        if refusal is None:
            return None
        if refusal.code == CLOSING:
            self.abort()
            return refusal
        with contextlib.suppress(SessionLostError):
            if last.code == START_INPUT:
                await self._say(b"")  # nobody gets it
            elif mail.taken:
                await self._exchange("RSET")
        return refusal

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


def _meant(answer: Answer) -> Attempt:
    """What the answer to a text means. One that is neither yes nor no leaves it in doubt."""
    if answer.taken:
        return Attempt(Result.SENT)
    if 400 <= answer.code < 500:
        return Attempt(Result.LATER, str(answer)[:500])
    if 500 <= answer.code < 600:
        return Attempt(Result.FAILED, str(answer)[:500])
    return Attempt(Result.IN_DOUBT, str(answer)[:500])
