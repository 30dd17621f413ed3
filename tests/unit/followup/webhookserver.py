"""A real HTTP server in this process that is the user's service: keeps requests, answers as told."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.followup.channels.webhook import Webhook, WebhookSettings

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def webhook(port: int = 1, **more: Any) -> Webhook:
    """The first channel of a service at this port."""
    url = f"http://127.0.0.1:{port}/messages?account=7"
    found = WebhookSettings.model_validate(
        {
            "webhook_url": url,
            "webhook_secret": SECRET,
            "webhook_timeout": 0.5,
            "webhook_connections": 1,
            **more,
        }
    ).channels()
    assert isinstance(found[0], Webhook)
    return found[0]


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data


class Service:
    """``answers`` are raw status lines with headers, used up in order; then it is 204 for ever.
    ``BREAK`` hangs up when the request is there, ``HANG`` never answers."""

    BREAK, HANG = "break", "hang"

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.answers: list[str] = []
        self.seconds = 0.0
        """How long it thinks about a request before it answers."""
        self.reading = asyncio.Event()
        """Set once it has a request."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append(Request(method, path, headers, body))
        self.reading.set()
        await asyncio.sleep(self.seconds)
        answer = self.answers.pop(0) if self.answers else "204 No Content"
        if answer == self.BREAK:
            return False
        if answer == self.HANG:
            await asyncio.sleep(60)
        length = "" if answer.startswith("204") else "\r\nContent-Length: 0"
        writer.write(f"HTTP/1.1 {answer}{length}\r\n\r\n".encode())
        await writer.drain()
        return True


@asynccontextmanager
async def http_service(service: Service, port: int) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await service.serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in [*tasks]:
            task.cancel()
        await asyncio.sleep(0.01)
