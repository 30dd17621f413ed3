"""Several messages at once: as many as there are connections, and no more in doubt than those."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.followup.channels.base import Attempt, Channel, Result
from services.followup.domain.rows import COLLECTION, Delivery
from services.followup.sender import Sender
from services.followup.sending import ready as ready_names
from services.followup.sending.ready import Ready
from shared.schemas.event import Event

from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server, until
from .test_channels import Pigeon


class Flock(Pigeon):
    """Carries several at once, slowly."""

    connections = 4

    def __init__(self) -> None:
        super().__init__("pigeon")
        self.flying = self.most = 0
        self.slow = asyncio.Event()
        self.slow.set()

    async def send(self, delivery: Delivery, at: datetime) -> Attempt:
        self.flying += 1
        self.most = max(self.most, self.flying)
        self.carried.append(delivery)
        try:
            await asyncio.sleep(0.002)
            await self.slow.wait()
        finally:
            self.flying -= 1
        return self.answers.pop(0) if self.answers else Attempt(Result.SENT)


async def put(database: Database, n: int, **changes: Any) -> None:
    waits = datetime.now(UTC) - timedelta(minutes=1)
    await database[COLLECTION].insert_many(
        [row(f"m{i:03}", channel="pigeon", not_before=waits, **changes) for i in range(n)]
    )


def sender(runtime: FakeRuntime, channel: Channel, **more: Any) -> Sender:
    return Sender(runtime, channel, event_time=False, **more)


async def test_as_many_go_at_once_as_there_are_connections_and_each_goes_once(
    database: Database, runtime: FakeRuntime
) -> None:
    await put(database, 70)
    flock = Flock()
    assert await sender(runtime, flock).round()
    assert flock.most == 4
    assert Counter(one.outreach_id for one in flock.carried) == Counter({f"m{i:03}": 1 for i in range(70)})
    assert sorted(runtime.reports) == [(f"m{i:03}", "sent") for i in range(70)]
    attempts = {one.attempt for one in flock.carried}
    assert attempts == {1}


async def test_marked_and_not_told_are_never_more_than_the_connections(
    database: Database, runtime: FakeRuntime
) -> None:
    """What is marked and told of nowhere is what a crash puts in doubt."""
    await put(database, 30)
    told: set[str] = set()
    most = 0

    async def publish(events: list[Event]) -> None:
        nonlocal most
        marked = await database[COLLECTION].find({"status": "sending"}, {"_id": True}).to_list()
        most = max(most, len({one["_id"] for one in marked} - told))
        told.update(event.data.outreach_id for event in events)
        runtime.published += events

    runtime.publish_events = publish
    await sender(runtime, Flock()).round()
    assert len(told) == 30
    assert 1 < most <= 4


async def test_a_broker_that_is_away_stops_the_marking(database: Database, runtime: FakeRuntime) -> None:
    await put(database, 30)
    runtime.broker_away = True
    flock = Flock()
    running = sender(runtime, flock)
    for _ in range(3):
        with pytest.raises(ConnectionError):
            await running.round()
    assert len(flock.carried) <= 4
    runtime.broker_away = False
    await running.round()
    assert sorted(runtime.reports) == [(f"m{i:03}", "sent") for i in range(30)]


async def test_marks_and_reports_are_made_together(database: Database, runtime: FakeRuntime) -> None:
    await put(database, 40)
    batches: list[int] = []

    async def publish(events: list[Event]) -> None:
        batches.append(len(events))
        await asyncio.sleep(0.02)
        runtime.published += events

    runtime.publish_events = publish
    await sender(runtime, Flock()).round()
    assert len(runtime.published) == 40
    assert len(batches) <= 20


async def test_one_that_hangs_holds_up_no_other(database: Database, runtime: FakeRuntime) -> None:
    await put(database, 12)
    flock = Flock()
    stuck = asyncio.Event()

    class OneHangs(Flock):
        async def send(self, delivery: Delivery, at: datetime) -> Attempt:
            if delivery.outreach_id == "m000":
                await stuck.wait()
            return await super().send(delivery, at)

    flock = OneHangs()
    running = asyncio.create_task(sender(runtime, flock).run())
    await until(lambda: len(runtime.published) == 11)
    await database[COLLECTION].insert_one(row("late", channel="pigeon"))
    await until(lambda: len(runtime.published) == 12)  # others that become ready meanwhile go too
    assert ("late", "sent") in runtime.reports
    stuck.set()
    await until(lambda: len(runtime.published) == 13)
    runtime.stopping.set()
    await asyncio.wait_for(running, 5)


async def test_a_rule_with_many_messages_does_not_hold_up_another(
    database: Database, runtime: FakeRuntime
) -> None:
    await put(database, 60, rule="campaign")
    await database[COLLECTION].insert_one(row("one", channel="pigeon", rule="thank-you"))
    flock = Flock()
    await sender(runtime, flock).round()
    place = [one.outreach_id for one in flock.carried].index("one")
    assert place < 5


async def test_a_refusal_for_now_of_many_puts_each_back(database: Database, runtime: FakeRuntime) -> None:
    await put(database, 9)
    flock = Flock()
    flock.answers = [Attempt(Result.LATER, "tired")] * 9
    await sender(runtime, flock).round()
    rows = await database[COLLECTION].find({}).to_list()
    assert {(one["status"], one["attempt"], one["error"]) for one in rows} == {("ready", 1, "tired")}
    assert all(one["not_before"] > datetime.now(UTC) for one in rows)
    assert not runtime.published


async def test_a_server_that_pipelines_gets_the_same(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    inbox.pipelining = True
    inbox.rcpt = {"m3@example.org": "550 no such user", "m4@example.org": "450 greylisted"}
    await database[COLLECTION].insert_many([row(f"m{n}") for n in range(6)])
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert len(inbox.messages) == 4
    assert {m["Message-ID"] for m in inbox.messages} == {f"<m{n}@store.example>" for n in (0, 1, 2, 5)}
    assert sorted(runtime.reports) == [
        *((f"m{n}", "sent") for n in (0, 1, 2)),
        ("m3", "failed"),
        ("m5", "sent"),
    ]
    deferred = await database[COLLECTION].find_one({"_id": "m4"})
    assert deferred is not None
    assert (deferred["status"], deferred["error"]) == ("ready", "450 greylisted")


@pytest.mark.parametrize("pipelining", [False, True])
async def test_a_server_that_grants_few_connections_gets_no_more(
    database: Database, inbox: Inbox, runtime: FakeRuntime, pipelining: bool
) -> None:
    inbox.pipelining, inbox.most_connections = pipelining, 2
    await database[COLLECTION].insert_many([row(f"m{n}") for n in range(20)])
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port, connections=6).round()
    assert sorted(runtime.reports) == sorted((f"m{n}", "sent") for n in range(20))


async def test_a_connection_that_breaks_puts_its_own_message_in_doubt_and_no_other(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_many([row(f"m{n}") for n in range(20)])
    inbox.hang_up_at_data = True
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        await sender.round()
        await sender.round()
    counts = Counter(status for _, status in runtime.reports)
    assert counts == {"sent": 19, "in_doubt": 1}
    assert len(inbox.messages) == 20


async def test_marks_and_reports_wait_for_half_of_the_lanes(database: Database, runtime: FakeRuntime) -> None:
    await put(database, 64)
    sender_ = sender(runtime, Flock())
    sizes: list[int] = []
    claim = sender_._marks.claim

    async def counted(deliveries: Sequence[Delivery]) -> list[Delivery]:
        sizes.append(len(deliveries))
        return await claim(deliveries)

    sender_._marks.claim = counted
    await sender_.round()
    assert len(runtime.published) == 64
    assert len(sizes) <= 40


async def test_a_backlog_longer_than_is_kept_in_mind_hides_no_other_rule(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready_names, "MOST_LINES", 20)
    monkeypatch.setattr(ready_names, "MOST_BEHIND", 5)
    await put(database, 60, rule="campaign")
    later = datetime.now(UTC) - timedelta(seconds=30)
    rows = [
        row(f"{rule}{i:02}", rule=rule, channel="pigeon", not_before=later + timedelta(seconds=n))
        for n, (rule, many) in enumerate([("news", 30), ("thank-you", 1), ("welcome", 2)])
        for i in range(many)
    ]
    await database[COLLECTION].insert_many([*rows, row("odd", rule=None, channel="pigeon")])
    ready = Ready(
        database[COLLECTION], "pigeon", owns=lambda _: True, held=set(), clock=lambda: datetime.now(UTC)
    )
    taken = [one["_id"] for one in await ready.take(12)]
    assert {"news00", "thank-you00", "welcome00", "welcome01", "odd"} <= set(taken)
    assert len(ready._turns) == 20 + 5 + 4 - len(taken)


async def test_what_becomes_ready_behind_many_has_its_turn_soon(database: Database) -> None:
    await put(database, 300, rule="campaign")
    ready = Ready(
        database[COLLECTION], "pigeon", owns=lambda _: True, held=set(), clock=lambda: datetime.now(UTC)
    )
    await ready.take(10)
    assert ready._next_look > ready._next_short
    late = {"not_before": datetime.now(UTC) - timedelta(seconds=1), "channel": "pigeon"}
    await database[COLLECTION].insert_one(row("one", rule="reply", **late))
    ready._next_short = 0.0
    assert (await ready.take(1))[0]["_id"] == "one"
    assert len(ready._turns) == 290
