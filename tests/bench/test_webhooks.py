"""Webhooks a second on one API process of the embedded stack, signature included, beside a bare route that
only checks the signature. The workers stand still meanwhile: what they do later with it is measured
elsewhere, and they would take the cores from one side alone. ``RAPPORT_BENCH_WEBHOOKS=2000`` chooses another
number a run."""

import asyncio
import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest

from tests.bench.bare import bare_server
from tests.bench.report import console, processor_seconds, show_ratio
from tests.frozen import frozen
from tests.stack import Stack
from tests.unit.interactions.hooks import recorded

pytestmark = pytest.mark.bench

WEBHOOKS = int(os.environ.get("RAPPORT_BENCH_WEBHOOKS", "10000"))
RUNS, CONNECTIONS, GUESTS = 3, 64, 200
AIM_RATE, AIM = 2_000, 0.8


@pytest.fixture(scope="module")
def bare() -> Iterator[int]:
    with bare_server("tests.bench.bare_hook") as server:
        yield server.port


def _requests(count: int, guests: Sequence[str]) -> list[bytes]:
    """Orders of guests, each of an id of its own, as bytes on the wire."""
    made = []
    for n in range(count):
        email = guests[n % len(guests)]
        order = recorded.payload("shopify_order", id=uuid.uuid4().int % 10**15, email=email, customer=None)
        body = json.dumps(order).encode()
        headers = recorded.shopify("orders/paid", body, uuid.uuid4().hex) | {
            "Host": "localhost",
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        made.append(f"POST /hooks/shopify HTTP/1.1\r\n{head}\r\n".encode() + body)
    return made


async def _rate(port: int, requests: Sequence[bytes], *, again: bool = False) -> float:
    """Answers of 202 a second, over connections that are kept; ``again``: what is told 503 is sent once more
    when it was told to be, as a shop does."""
    waiting = iter(requests)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            head, fields = await _answer(reader, writer, request)
            while again and head.startswith(b"HTTP/1.1 503"):
                writer.close()  # a connection that is idle so long is closed by the server
                await asyncio.sleep(int(fields[b"retry-after"]))  # what it asks for
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                head, fields = await _answer(reader, writer, request)
            assert head.startswith(b"HTTP/1.1 202"), head
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return len(requests) / (time.perf_counter() - began)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[bytes, dict[bytes, bytes]]:
    """The head of the answer as it came, and its fields by their names in lower case."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n") if b": " in line)
    await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return head, fields


def test_webhooks_a_second(stack: Stack, bare: int) -> None:
    port = urlsplit(stack.env["RAPPORT_INTERACTIONS_URL"]).port
    assert port is not None
    guests = [f"{uuid.uuid4().hex}@example.com" for _ in range(GUESTS)]
    asyncio.run(_rate(port, _requests(2 * GUESTS, guests), again=True))  # who they are is known then
    workers = [stack.pid(part) for part in stack.parts() if part.endswith("-worker")]
    api, used = stack.parts()["interactions-api"].pid, 0.0
    ours, limit = [], []
    for _ in range(RUNS):
        requests = _requests(WEBHOOKS, guests)
        with frozen(*workers):
            before = processor_seconds(api)
            ours.append(asyncio.run(_rate(port, requests)))
            used += processor_seconds(api) - before
            limit.append(asyncio.run(_rate(bare, requests)))
    ratio = show_ratio("webhooks", ("POST /hooks/shopify", ours), ("only the signature", limit), AIM)
    console.print(f"the API: {used / RUNS / WEBHOOKS * 1e6:.0f} µs of processor a webhook\n")
    assert sorted(ours)[RUNS // 2] >= AIM_RATE or ratio >= AIM
