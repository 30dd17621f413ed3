"""The worker stops while a message is with a channel: what arrived is told as sent, and the stop is short."""

import asyncio
import time
from typing import Any

import pytest

from services.followup import sender as module
from services.followup.channels.base import Channel
from services.followup.domain.rows import COLLECTION
from services.followup.sender import Sender

from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server, statuses
from .test_webhook import sms
from .webhookserver import Service, http_service, webhook


async def stopped(runtime: FakeRuntime, running: "asyncio.Task[None]") -> float:
    """Stop the worker; the seconds that its sender took to end."""
    began = time.monotonic()
    runtime.stopping.set()
    await asyncio.wait_for(running, 10)
    return time.monotonic() - began


async def test_the_mail_that_is_with_the_server_is_finished_and_told_and_no_other_is_begun(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_many([row("a"), row("b")])
    inbox.seconds = 0.5
    port = free_port()
    async with smtp_server(inbox, port):
        running = asyncio.create_task(sender_of(runtime, port, connections=1).run())
        await asyncio.wait_for(inbox.reading.wait(), 10)
        assert await stopped(runtime, running) < 2
    (message,) = inbox.messages
    sent = message["Message-ID"].strip("<>").partition("@")[0]
    assert runtime.reports == [(sent, "sent")]
    assert (await statuses(database))[{"a": "b", "b": "a"}[sent]] == "ready"


async def test_the_post_that_is_with_the_service_is_finished_and_told(
    database: Database, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_one(sms("a"))
    service, port = Service(), free_port()
    service.seconds = 0.5
    async with http_service(service, port):
        running = asyncio.create_task(
            Sender(runtime, webhook(port, webhook_timeout=5), event_time=False).run()
        )
        await asyncio.wait_for(service.reading.wait(), 10)
        assert await stopped(runtime, running) < 2
    assert runtime.reports == [("a", "sent")]


async def test_a_server_that_does_not_answer_is_not_waited_for_and_the_mail_is_in_doubt(
    database: Database, inbox: Inbox, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST_SECONDS", 0.2)
    await database[COLLECTION].insert_one(row("a"))
    inbox.seconds = 5.0
    port = free_port()
    async with smtp_server(inbox, port):
        running = asyncio.create_task(sender_of(runtime, port).run())
        await asyncio.wait_for(inbox.reading.wait(), 10)
        # A second of it is the SMTP server's, to take leave.
        assert await stopped(runtime, running) < 2.5
    assert runtime.reports == [("a", "in_doubt")]


class Stuck:
    """A channel whose other side takes connections and says nothing."""

    name, dependency, connections = "email", "smtp", 1

    def __init__(self, like: Channel) -> None:
        self.patience = like.patience
        self.opening = asyncio.Event()

    async def open(self, wanted: int = 1) -> None:
        self.opening.set()
        await asyncio.sleep(60)

    async def close(self) -> None:
        pass


async def test_a_connection_in_the_making_does_not_hold_up_a_stop(
    database: Database, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST_SECONDS", 0.2)
    await database[COLLECTION].insert_one(row("a"))
    stuck: Any = Stuck(webhook(1))
    running = asyncio.create_task(Sender(runtime, stuck, event_time=False).run())
    await asyncio.wait_for(stuck.opening.wait(), 10)
    assert await stopped(runtime, running) < 1
    assert await statuses(database) == {"a": "ready"}
    assert runtime.reports == []
