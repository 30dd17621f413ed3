"""Several messages on one connection: the next is announced right behind a text, and each is told its own."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.followup.channels.base import Attempt, Result
from services.followup.channels.smtp import Envelope, Server, Session, greeted
from services.followup.domain.rows import COLLECTION

from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server

TEXT = b"Subject: x\r\n\r\n.dots\r\n"
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@asynccontextmanager
async def served(talk: Callable[[Reader, Writer], Any], seconds: float = 3.0) -> AsyncIterator[Session]:
    """A session with a server that talks so once it has said what it offers."""
    talks: list[asyncio.Task[None]] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 here\r\n")
        await reader.readline()
        writer.write(b"250-here\r\n250 PIPELINING\r\n")
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    def accept(reader: Reader, writer: Writer) -> None:
        talks.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    session = await greeted(Server("127.0.0.1", port, False, False, None, None, seconds))
    try:
        yield session
    finally:
        session.abort()
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def announced(reader: Reader) -> str:
    """Reads what announces a message; whom it is to."""
    mail, rcpt, data = [(await reader.readline()).decode() for _ in range(3)]
    assert (mail[:4], rcpt[:4], data) == ("MAIL", "RCPT", "DATA\r\n")
    return rcpt


async def both(session: Session) -> list[Attempt]:
    envelopes = (Envelope("s@store.example", f"{name}@example.org") for name in "ab")
    return await asyncio.gather(*(session.send(envelope, TEXT) for envelope in envelopes))


async def test_the_next_message_is_announced_before_the_text_is_answered() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        assert "a@" in await announced(reader)
        writer.write(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        assert await reader.readuntil(b"\r\n.\r\n") == TEXT.replace(b".dots", b"..dots") + b".\r\n"
        assert "b@" in await announced(reader)
        writer.write(b"250 taken\r\n250 ok\r\n250 ok\r\n354 go on\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"554 unwanted\r\n")

    async with served(talk) as session:
        assert session.lanes == 2
        assert await both(session) == [Attempt(Result.SENT), Attempt(Result.FAILED, "554 unwanted")]


async def test_a_refusal_of_the_one_is_none_of_the_other() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await announced(reader)
        writer.write(b"250 ok\r\n550 no such user\r\n354 go on\r\n")
        assert await reader.readuntil(b".\r\n") == b".\r\n"  # nobody gets it
        writer.write(b"554 no recipients\r\n")
        await announced(reader)
        writer.write(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")

    async with served(talk) as session:
        first, second = await both(session)
        assert (first.result, first.code) == (Result.FAILED, "5.1.1")
        assert second == Attempt(Result.SENT)


@pytest.mark.parametrize(("answer", "first"), [(b"", Result.IN_DOUBT), (b"421 closing\r\n", Result.LATER)])
async def test_when_it_breaks_at_a_text_the_next_one_has_not_left(answer: bytes, first: Result) -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await announced(reader)
        writer.write(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        await announced(reader)
        writer.write(answer)

    async with served(talk) as session:
        assert [attempt.result for attempt in await both(session)] == [first, Result.LATER]
        assert not session.alive


async def test_a_text_that_takes_its_time_costs_the_next_none_of_its_own() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        for _ in range(2):
            await announced(reader)
            writer.write(b"250 ok\r\n250 ok\r\n354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            await asyncio.sleep(0.3)
            writer.write(b"250 taken\r\n")

    async with served(talk, seconds=0.5) as session:
        assert await both(session) == [Attempt(Result.SENT)] * 2


async def test_one_that_is_given_up_takes_the_connection_with_it() -> None:
    """What the server answers to it must not be heard as the answer to another."""
    said = asyncio.Event()

    async def talk(reader: Reader, writer: Writer) -> None:
        await announced(reader)
        writer.write(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        said.set()
        await asyncio.sleep(3)

    async with served(talk) as session:
        first = asyncio.create_task(session.send(Envelope("s@store.example", "a@example.org"), TEXT))
        second = asyncio.create_task(session.send(Envelope("s@store.example", "b@example.org"), TEXT))
        await said.wait()
        first.cancel()
        assert (await second).result is Result.LATER
        assert not session.alive


class Moody(Inbox):
    """Refuses now and then, and hangs up now and then, before or after it has kept a text."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice
        self.pipelining = True
        self.said: dict[str, str] = {}
        self.doubtful: set[str] = set()

    async def handle_RCPT(
        self, server: Any, session: object, envelope: Any, address: str, options: Any
    ) -> str:
        name = address.partition("@")[0]
        if self._dice.random() < 0.1:
            self.said[name] = self._dice.choice(["450 later", "550 never"])
            return self.said[name]
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: Any, session: object, envelope: Any) -> str:
        name = envelope.rcpt_tos[0].partition("@")[0]
        await asyncio.sleep(self._dice.random() / 500)
        self.said[name] = self._dice.choice(["250 OK"] * 8 + ["451 later", "554 never"])
        if self._dice.random() < 0.05:
            self.doubtful.add(name)
            server.transport.abort()
        elif self.said[name] == "250 OK":
            self.recipients.append(name)
        return self.said[name]


@pytest.mark.parametrize("seed", range(4))
async def test_each_message_is_told_what_the_server_said_to_it(
    database: Database, runtime: FakeRuntime, seed: int
) -> None:
    inbox = Moody(random.Random(seed))
    await database[COLLECTION].insert_many([row(f"m{n}") for n in range(80)])
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port, connections=3)
        while await sender.round():
            pass
    told = dict(runtime.reports)
    assert len(told) == len(runtime.reports)
    for name, status in told.items():
        if name not in inbox.doubtful:
            assert status == {"2": "sent", "5": "failed"}[inbox.said[name][0]]
    assert {name for name, status in told.items() if status == "in_doubt"} == inbox.doubtful
    assert max(Counter(inbox.recipients).values()) == 1
    left = {found["_id"] async for found in database[COLLECTION].find({"status": "ready"})}
    assert left == {f"m{n}" for n in range(80)} - told.keys()
