"""Text messages by webhook, over real HTTP: what is posted, how it is signed, what the answers mean."""

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from services.followup.channels.webhook import _wish, signed
from services.followup.domain.rows import COLLECTION
from services.followup.sender import Sender

from .mailserver import Database, FakeRuntime, free_port, row, statuses
from .webhookserver import KEY, Request, Service, http_service, webhook


def sms(id: str, **changes: Any) -> dict[str, Any]:
    text = {
        "to": {"name": "Ada", "address": "+4930123456"},
        "text": "Grüße.\nHello",
        "html": "",
        "subject": "",
    }
    return row(
        id, channel="sms", **{**text, "headers": {"unsubscribe_url": "https://r.example/u/t"}, **changes}
    )


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def sender(runtime: FakeRuntime, port: int) -> AsyncIterator[Sender]:
    channel = webhook(port)
    yield Sender(runtime, channel, event_time=False, clock=Ahead())
    await channel.close()


class Ahead:
    def __init__(self) -> None:
        self.by = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by


def verified(request: Request) -> bool:
    """As a receiver does it who has read the specification, and not our code."""
    signed_text = b".".join(
        [request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body]
    )
    wanted = base64.b64encode(hmac.new(KEY, signed_text, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(request.headers["webhook-timestamp"])) < 300
    return fresh and request.headers["webhook-signature"].split(" ") == [f"v1,{wanted}"]


async def test_a_message_is_one_signed_post(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender
) -> None:
    await database[COLLECTION].insert_many([sms("a"), sms("b"), row("mail")])
    async with http_service(service, port):
        await sender.round()
        await sender.round()
    assert sorted(runtime.reports) == [("a", "sent"), ("b", "sent")]
    assert (await statuses(database))["mail"] == "ready"
    assert all(verified(request) for request in service.requests)
    first, second = sorted(service.requests, key=lambda request: request.headers["webhook-id"])
    assert [first.headers["webhook-id"], second.headers["webhook-id"]] == ["a", "b"]
    assert (first.method, first.path) == ("POST", "/messages?account=7")
    assert first.headers["content-type"] == "application/json"
    assert first.data == {
        "outreach_id": "a",
        "customer_id": "c-a",
        "channel": "sms",
        "purpose": "marketing",
        "rule": "thank-you",
        "template": "thank-you",
        "to": {"name": "Ada", "address": "+4930123456"},
        "sender": "Störe",
        "text": "Grüße.\nHello",
        "unsubscribe_url": "https://r.example/u/t",
    }
    assert service.connections == 2, "one to see whether it is there, one that both messages share"


def test_the_signature_is_that_of_the_specification() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("answer", ["200 OK", "202 Accepted", "204 No Content"])
async def test_taken(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender, answer: str
) -> None:
    await database[COLLECTION].insert_one(sms("a"))
    service.answers = [answer]
    async with http_service(service, port):
        await sender.round()
    assert runtime.reports == [("a", "sent")]


@pytest.mark.parametrize(
    "answer",
    [
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "410 Gone",
        "422 Unprocessable",
        "302 Found\r\nLocation: /elsewhere",
    ],
)
async def test_refused_for_good(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender, answer: str
) -> None:
    await database[COLLECTION].insert_many([sms("a"), sms("b")])
    service.answers = [answer]
    async with http_service(service, port):
        await sender.round()
    assert sorted(status for _, status in runtime.reports) == ["failed", "sent"]
    failed = next(e for e in runtime.published if e.data.status == "failed")  # type: ignore[attr-defined]
    assert failed.data.error == f"HTTP {answer[:3]}"  # type: ignore[attr-defined]
    assert len(service.requests) == 2


@pytest.mark.parametrize("answer", ["408 Slow", "425 Too Early", "429 Too Many", "503 Away"])
async def test_refused_for_now_goes_again_under_the_same_id(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender, answer: str
) -> None:
    await database[COLLECTION].insert_one(sms("a"))
    service.answers = [answer]
    async with http_service(service, port):
        await sender.round()
        assert await statuses(database) == {"a": "ready"}
        sender._clock.by = timedelta(seconds=16)  # type: ignore[attr-defined]
        await sender.round()
    assert runtime.reports == [("a", "sent")]
    one, two = service.requests
    assert one.headers["webhook-id"] == two.headers["webhook-id"] == "a"
    assert one.body == two.body


async def test_retry_after_holds_for_the_message_and_pauses_the_service(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender
) -> None:
    await database[COLLECTION].insert_many([sms("a"), sms("b")])
    service.answers = ["429 Too Many Requests\r\nRetry-After: 120"]
    before = datetime.now(UTC)
    async with http_service(service, port):
        await sender.round()
        await sender.round()
        assert len(service.requests) == 1, "it asked for silence"
        rows = {r["_id"]: r for r in await database[COLLECTION].find({}).to_list()}
        tried = service.requests[0].headers["webhook-id"]
        untouched = rows[{"a": "b", "b": "a"}[tried]]
        assert (untouched["status"], untouched["attempt"]) == ("ready", 0)
        waits = rows[tried]["not_before"] - before
        assert timedelta(seconds=119) < waits < timedelta(seconds=130)
        sender._channel._paused_until = 0.0  # type: ignore[attr-defined]
        sender._clock.by = timedelta(seconds=125)  # type: ignore[attr-defined]
        await sender.round()
    assert sorted(runtime.reports) == [("a", "sent"), ("b", "sent")]


async def test_retry_after_may_be_a_date_and_nonsense_is_nothing(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender
) -> None:
    await database[COLLECTION].insert_one(sms("a", not_before=datetime.now(UTC) - timedelta(minutes=1)))
    await database[COLLECTION].insert_one(sms("b"))
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    service.answers = [f"408 Slow\r\nRetry-After: {date}", "408 Slow\r\nRetry-After: soon"]
    before = datetime.now(UTC)
    async with http_service(service, port):
        await sender.round()
    rows = {r["_id"]: r["not_before"] - before for r in await database[COLLECTION].find({}).to_list()}
    assert timedelta(minutes=4, seconds=55) < rows["a"] < timedelta(minutes=5, seconds=5)
    assert timedelta(seconds=14) < rows["b"] < timedelta(seconds=20)


@pytest.mark.parametrize(
    "nonsense",
    [
        "-5", "1e9", "٣", "0x10", "Thu,", "Sat, 29 Feb 2025 10:00:00 GMT", "Mon, 01 Jan 99999 00:00:00 GMT",
        "1 Jan 99999999999999999999999 00:00:00 GMT", "Wed, 01 Jan 2026 00:00:00 +99999999999999",
        "2026 Feb GMT 00:00:00 9999999999999 99:99",
    ],
)  # fmt: skip
def test_a_wish_that_nobody_can_read_is_none(nonsense: str) -> None:
    assert _wish(nonsense) is None


@pytest.mark.parametrize("how", [Service.BREAK, Service.HANG, "500 Broken", "502 Bad", "504 Nobody Knows"])
async def test_a_connection_that_breaks_under_a_message_puts_it_in_doubt_and_it_never_goes_again(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender, how: str
) -> None:
    await database[COLLECTION].insert_one(sms("a"))
    service.answers = [how]
    async with http_service(service, port):
        for _ in range(3):
            await sender.round()
            sender._clock.by += timedelta(hours=1)  # type: ignore[attr-defined]
    assert runtime.reports == [("a", "in_doubt")]
    assert len(service.requests) == 1


async def test_an_outage_marks_nothing(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender
) -> None:
    await database[COLLECTION].insert_one(sms("a"))
    await sender.round()
    found = await database[COLLECTION].find_one({"_id": "a"})
    assert found is not None
    assert (found["status"], found["attempt"]) == ("ready", 0)
    async with http_service(service, port):
        await sender.round()
    assert runtime.reports == [("a", "sent")]


async def test_a_service_that_goes_between_look_and_post_has_certainly_not_taken_it(
    database: Database, runtime: FakeRuntime, service: Service, port: int, sender: Sender
) -> None:
    await database[COLLECTION].insert_one(sms("a"))
    async with http_service(service, port):
        await sender._channel.open()
    await sender.round()
    assert service.requests == []
    assert await statuses(database) == {"a": "ready"}
    assert not runtime.published
