"""The webhook's circuit breaker: a service that fails is left alone, and tried by one message."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.channels import breaker as module
from services.followup.channels.base import ChannelAwayError, Result
from services.followup.channels.breaker import FIRST_PAUSE, LONGEST_PAUSE, Breaker
from services.followup.domain.rows import COLLECTION, Delivery
from services.followup.sender import Sender

from .mailserver import Database, FakeRuntime, free_port
from .test_webhook import sms
from .webhookserver import Service, http_service, webhook

NOW = datetime.now(UTC)


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_and_is_tried_by_one() -> None:
    clock = Time()
    breaker = Breaker(3, clock)
    for _ in range(2):
        breaker.failed()
    assert (breaker.seconds_left, breaker.tripped) == (0.0, False)
    breaker.worked()
    for _ in range(3):
        breaker.failed()
    assert breaker.seconds_left == FIRST_PAUSE
    breaker.failed()  # it was under way
    clock.now += FIRST_PAUSE
    assert (breaker.seconds_left, breaker.tripped) == (0.0, True)
    breaker.failed()
    assert breaker.seconds_left == 2 * FIRST_PAUSE
    clock.now += 2 * FIRST_PAUSE
    breaker.worked()
    assert not breaker.tripped
    for _ in range(3):
        breaker.failed()
    assert breaker.seconds_left == FIRST_PAUSE


@given(st.lists(st.sampled_from(["failed", "worked", "wait"]), max_size=60), st.integers(1, 5))
def test_it_never_waits_too_long_and_never_opens_early(told: list[str], most: int) -> None:
    clock = Time()
    breaker, row = Breaker(most, clock), 0
    for one in told:
        if one == "wait":
            clock.now += breaker.seconds_left
        elif one == "worked":
            breaker.worked()
            row = 0
        else:
            breaker.failed()
            row += 1
        assert breaker.seconds_left <= LONGEST_PAUSE
        assert breaker.tripped == (row >= most)


async def test_a_service_that_fails_is_left_alone(
    database: Database, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.4)
    await database[COLLECTION].insert_many([sms(f"m{n}") for n in range(9)])
    service, port = Service(), free_port()
    service.answers = ["500 Internal Server Error"] * 4
    channel = webhook(port, webhook_failures=3, webhook_connections=1)
    sender = Sender(runtime, channel, event_time=False)
    async with http_service(service, port):
        await sender.round()
        assert runtime.reports == [(name, "in_doubt") for name, _ in runtime.reports]
        assert len(runtime.reports) == 3
        await sender.round()
        assert len(service.requests) == 3
        await asyncio.sleep(0.5)
        await sender.round()  # one is tried, and fails
        assert len(service.requests) == 4
        await asyncio.sleep(0.9)
        while await sender.round():
            pass
    assert [status for _, status in runtime.reports].count("sent") == 5
    assert len(service.requests) == 9
    await channel.close()


async def test_while_one_is_tried_no_other_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.1)
    service, port = Service(), free_port()
    service.answers = ["503 Service Unavailable", "403 Forbidden"]
    channel = webhook(port, webhook_failures=2, webhook_connections=4)
    one = Delivery.model_validate(sms("a"))
    async with http_service(service, port):
        await channel.open(4)
        assert channel.lanes == 4
        assert (await channel.send(one, NOW)).result is Result.LATER
        assert (await channel.send(one, NOW)).result is Result.FAILED
        assert not channel.is_open
        with pytest.raises(ChannelAwayError, match="failed too often"):
            await channel.open()
        await asyncio.sleep(0.15)
        await channel.open(4)
        assert channel.lanes == 1
        assert (await channel.send(one, NOW)).result is Result.SENT
        assert channel.lanes == 4
    await channel.close()


async def test_a_message_that_is_refused_for_what_it_is_is_no_failure(
    database: Database, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_many([sms(f"m{n}") for n in range(6)])
    service, port = Service(), free_port()
    service.answers = ["422 Unprocessable Content", "400 Bad Request"] * 2
    channel = webhook(port, webhook_failures=2, webhook_connections=1)
    sender = Sender(runtime, channel, event_time=False)
    async with http_service(service, port):
        while await sender.round():
            pass
    assert [status for _, status in runtime.reports].count("failed") == 4
    assert [status for _, status in runtime.reports].count("sent") == 2
    await channel.close()
