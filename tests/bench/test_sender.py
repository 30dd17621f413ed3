"""How fast followup's sender drains what is ready, beside bare aiosmtplib clients on the same mail server.

Both hand the same mails to the embedded SMTP server, by as many connections; the sender reads them from the
store, marks them, and tells the broker of each. All of that shares the machine: another table says what a
mail costs each process, so what could be reached at best. ``RAPPORT_BENCH_MESSAGES=2000`` chooses a size.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib import SMTP
from pymongo import AsyncMongoClient

from rapport.embedded import mongo
from rapport.embedded.part import Part
from rapport.embedded.stack import start_kafka, start_mongo, start_smtp
from rapport.home import Home
from services.followup.channels.email import Email, EmailSettings
from services.followup.channels.mime import build
from services.followup.domain.rows import COLLECTION, COLLECTIONS, Delivery
from services.followup.sender import Sender
from shared.journal.store import prepare
from shared.kafka.brokers import Brokers
from shared.kafka.publisher import Publisher, Record
from shared.runtime.heap import settle_heap
from shared.runtime.mongo import Document
from shared.schemas.codec import encode
from shared.schemas.event import Event
from tests.bench.report import processor_seconds, show_processors, show_ratio

pytestmark = pytest.mark.bench

MESSAGES = int(os.environ.get("RAPPORT_BENCH_MESSAGES", "20000"))
RUNS = 3
CONNECTIONS = 8
AIM = 0.7
RULES = ("campaign", "thank-you", "review")
LINE = "Dear Ada, thank you for your order with us. It is on its way, and we wish you much joy of it.\n"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Part]]:
    home = Home(tmp_path_factory.mktemp("bench-sender"))
    with start_kafka(home) as kafka, start_mongo(home) as store, start_smtp(home) as smtp:
        yield {"kafka": kafka, "mongo": store, "smtp": smtp}


def row(number: int, now: datetime) -> Document:
    """As the domain hands it over."""
    return {
        "_id": f"m{number:06}",
        "customer": f"cust-{number:06}",
        "rule": RULES[number % len(RULES)],
        "template": "note",
        "purpose": "marketing",
        "channel": "email",
        "due_at": now,
        "status": "ready",
        "updated_at": now,
        "attempt": 0,
        "not_before": now,
        "decided_at": now,
        "expires_at": now + timedelta(days=3),
        "quiet": {"timezone": "Europe/Berlin", "from": "02:00", "to": "02:01"},
        "from": {"name": "Rapport Store", "address": "hello@rapport.example"},
        "to": {"name": "Ada Byron", "address": f"ada{number}@example.org"},
        "subject": "Your order is on its way",
        "text": LINE * 12,
        "html": "<html><body>" + f"<p>{LINE}</p>" * 25 + "</body></html>\n",
        "headers": {
            "List-Unsubscribe": f"<https://rapport.example/u/{'t' * 120}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }


class Runtime:
    """What the sender needs of a worker that serves every customer."""

    def __init__(self, database: Any, publisher: Publisher) -> None:
        self.database = database
        self.stopping = asyncio.Event()
        self._publisher = publisher
        self.told = 0

    def owns(self, customer_id: str) -> bool:
        return True

    def now(self, customer_id: str) -> datetime:
        return datetime.now(UTC)

    async def publish_events(self, events: Sequence[Event]) -> None:
        records = []
        for event in events:
            value, headers = encode(event)
            records.append(Record(event.data.topic, event.subject.encode(), value, tuple(headers)))
        await self._publisher.publish(records)
        self.told += len(events)

    async def wait_for_commit(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _runtime(parts: Mapping[str, Part]) -> AsyncIterator[Runtime]:
    uri = mongo.uri(parts["mongo"].port)
    publisher = Publisher(Brokers(parts["kafka"].address))
    async with AsyncMongoClient[Document](uri, tz_aware=True) as client:
        database = client["rapport_followup"]
        await prepare(database, COLLECTIONS)
        await publisher.start()
        await publisher.connected()
        try:
            yield Runtime(database, publisher)
        finally:
            await publisher.stop()


class Costs:
    """Of one run: milliseconds of processor time a mail, by process, from ``begin`` on."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._pids = {"this process": os.getpid(), **{name: part.pid for name, part in parts.items()}}
        self.begin()

    def begin(self) -> None:
        self._before = {name: processor_seconds(pid) for name, pid in self._pids.items()}

    def end(self) -> dict[str, float]:
        spent = {name: processor_seconds(pid) - self._before[name] for name, pid in self._pids.items()}
        return {name: seconds * 1000 / MESSAGES for name, seconds in spent.items()}


async def _ours(parts: Mapping[str, Part], costs: Costs) -> float:
    """Messages a second from the first look to the last acknowledged report."""
    async with _runtime(parts) as runtime:
        rows = runtime.database[COLLECTION]
        await rows.delete_many({})
        now = datetime.now(UTC)
        for start in range(0, MESSAGES, 1000):
            some = range(start, min(MESSAGES, start + 1000))
            await rows.insert_many([row(number, now) for number in some], ordered=False)
        channel = Email(EmailSettings(smtp_port=parts["smtp"].port, smtp_connections=CONNECTIONS))
        sender = Sender(runtime, channel, event_time=False)
        costs.begin()
        began = time.perf_counter()
        while runtime.told < MESSAGES:
            await sender.round()
        seconds = time.perf_counter() - began
        await channel.close()
    return MESSAGES / seconds


async def _bare(parts: Mapping[str, Part], costs: Costs) -> float:
    """The limit: clients that hand over what is written already."""
    now = datetime.now(UTC)
    text = build(Delivery.model_validate(row(0, now)), now).raw
    numbers = iter(range(MESSAGES))

    async def client() -> None:
        async with SMTP(hostname="127.0.0.1", port=parts["smtp"].port) as smtp:
            for number in numbers:
                await smtp.sendmail("hello@rapport.example", [f"ada{number}@example.org"], text)

    costs.begin()
    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return MESSAGES / (time.perf_counter() - began)


def _emptied(mailbox: Path) -> int:
    """How many mails there were."""
    files = [*(mailbox / "new").iterdir()]
    for file in files:
        file.unlink()
    return len(files)


def test_the_sender_beside_bare_clients(parts: Mapping[str, Part]) -> None:
    settle_heap()
    mailbox = parts["smtp"].home.mailbox
    ours, bare, costs = list[float](), list[float](), Costs(parts)
    spent: dict[str, list[dict[str, float]]] = {"the sender": [], "bare aiosmtplib": []}
    for _ in range(RUNS):
        for rates, run, path in ((bare, _bare, "bare aiosmtplib"), (ours, _ours, "the sender")):
            rates.append(asyncio.run(run(parts, costs)))
            spent[path].append(costs.end())
            assert _emptied(mailbox) == MESSAGES
    show_processors("milliseconds of processor time a mail", spent)
    title = f"{MESSAGES:,} mails, {CONNECTIONS} connections"
    ratio = show_ratio(title, ("the sender", ours), ("bare aiosmtplib", bare), AIM)
    assert ratio > 0
