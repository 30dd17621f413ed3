"""One session with an SMTP server: made by aiosmtplib (TLS, login), then spoken here, as that waits for each
answer before it says the next word.

Where the server offers PIPELINING (RFC 2920) a message is one exchange: its sender, recipient and ``DATA`` go
together, right behind the text of the message before, if that one is under way. Else each of them is one.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPException
from pydantic import SecretStr

from services.followup.channels.base import Attempt, Result
from services.followup.channels.smtp_answers import Answer, Answers, Asked, meant
from shared.mail.bounces import status_of

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
    ca: Path | None = None
    """Who signs its certificate; None: those that the system trusts."""

    @property
    def upgrades(self) -> bool | None:
        """A name and a password never go in the clear because somebody between took the offer of TLS away."""
        return True if self.starttls is None and self.username is not None else self.starttls


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


class _Turn:
    """A message that is to be announced, or has been."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.asked: Sequence[Asked] = ()
        """Once it has been: the answers to its commands."""


class Session:
    """A connection that is greeted and logged in. As many messages at a time go by it as it has ``lanes``."""

    def __init__(
        self, transport: asyncio.Transport, answers: Answers, extensions: frozenset[str], timeout: float
    ) -> None:
        self._transport, self._answers = transport, answers
        self.extensions = extensions
        """What the server offers, in lower case."""
        self.load = 0
        """How many messages are with it: its user counts them."""
        self._timeout = timeout
        self._used_at = time.monotonic()
        self._speaks = asyncio.Lock()
        """Held by a message from its announcement until its text is said."""
        self._turns: list[_Turn] = []
        """Of the messages whose text is not said, in their order."""
        self._said: Asked | None = None
        """The answer to the latest text."""

    @property
    def pipelines(self) -> bool:
        return "pipelining" in self.extensions

    @property
    def lanes(self) -> int:
        """One has its text with the server, while another is announced."""
        return 2 if self.pipelines else 1

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
        turn = _Turn(envelope)
        self._turns.append(turn)
        try:
            async with self._speaks:
                refusal = await self._announce(turn)
                if refusal is not None:
                    return _refused(*refusal)
                said = self._say(text)
        except SessionLostError as lost:
            return Attempt(Result.LATER, str(lost))  # the text has not left
        except BaseException:
            self.abort()  # others must not hear what is answered to it
            raise
        finally:
            self._turns.remove(turn)
        try:
            return meant(await self._taken(said))
        except SessionLostError as lost:
            # The text may have been on its way: the server may have it, or not.
            return Attempt(Result.IN_DOUBT, str(lost))

    async def _announce(self, turn: _Turn) -> tuple[Answer, int] | None:
        """The server's refusal and which of the commands it is of, None once it waits for the text. Raises
        ``SessionLostError``."""
        answers: Sequence[Answer]
        if self.pipelines:
            if not turn.asked:
                turn.asked = self._ask(turn.envelope.commands)
            if self._said is not None and not self._said.done():
                await asyncio.wait((self._said,))  # for as long as that one has
            answers = await self._answered(*turn.asked)
        else:
            answers = await self._one_by_one(turn.envelope.commands)
        mail, last = answers[0], answers[-1]  # the same where the first is refused, and no more is said
        place = next((n for n, answer in enumerate(answers[: RECIPIENT + 1]) if not answer.taken), DATA)
        if place == DATA and last.code == START_INPUT:
            return None
        if answers[place].code == CLOSING:
            self.abort()
            return answers[place], place
        with contextlib.suppress(SessionLostError):
            if last.code == START_INPUT:
                await self._taken(self._say(b""))  # nobody gets it
            elif mail.taken and not (await self._exchange("RSET")).taken:
                self.abort()
        return answers[place], place

    async def _one_by_one(self, commands: Sequence[str]) -> list[Answer]:
        answers: list[Answer] = []
        for command in commands:
            answers.append(await self._exchange(command))
            if not answers[-1].taken:
                break
        return answers

    def _say(self, text: bytes) -> Asked:
        """The text, with dots doubled where a line begins with one, and right behind it what announces the
        next message."""
        stuffed = text.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        if stuffed and not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        said = self._said = self._answers.ask()
        following = next((turn for turn in self._turns if not turn.asked), None)
        if self.pipelines and following is not None:
            following.asked = self._ask(following.envelope.commands, after=stuffed + b".\r\n")
        else:
            self._transport.write(stuffed + b".\r\n")
        return said

    async def _taken(self, said: Asked) -> Answer:
        """The answer to a text. Raises ``SessionLostError``."""
        (answer,) = await self._answered(said)
        if answer.code == CLOSING:
            self.abort()
        return answer

    async def _exchange(self, command: str) -> Answer:
        """Raises ``SessionLostError``."""
        (answer,) = await self._answered(*self._ask((command,)))
        return answer

    def _ask(self, commands: Sequence[str], after: bytes = b"") -> list[Asked]:
        """The answers to these commands, which are said ``after`` that."""
        asked = [self._answers.ask() for _ in commands]
        self._transport.write(after + "".join(f"{command}\r\n" for command in commands).encode())
        return asked

    async def _answered(self, *asked: Asked) -> list[Answer]:
        """Raises ``SessionLostError``."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._answers.drain()
                found = [await one for one in asked]
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


async def greet(server: Server, wanted: int) -> list[Session | BaseException]:
    """So many new sessions, or why there is none. Whom to trust is read once for all of them: each reading
    takes 30 ms, in which the worker does nothing else."""
    try:
        trust = _trust(server)
    except (OSError, ValueError) as error:
        return [error]
    return await asyncio.gather(*(greeted(server, trust) for _ in range(wanted)), return_exceptions=True)


async def greeted(server: Server, trust: ssl.SSLContext | None = None) -> Session:
    """A new session. Raises aiosmtplib's ``SMTPException``, ``OSError``, ``ValueError``."""
    smtp = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls,
        start_tls=None if server.tls else server.upgrades,
        tls_context=trust or _trust(server),
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


def _trust(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=None if server.ca is None else str(server.ca))


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
