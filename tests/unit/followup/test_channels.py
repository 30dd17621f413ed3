"""The sender and a channel that exists in memory only: every outcome, each channel by itself."""

import ast
import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.followup import sender as sender_module
from services.followup.channels.base import Attempt, Channel, ChannelAwayError, Result
from services.followup.channels.registry import KINDS, load_channels
from services.followup.domain.messages.channel import Message, Thread
from services.followup.domain.rows import COLLECTION, Delivery
from services.followup.domain.state import Customer
from services.followup.sender import Sender, send_all
from shared.runtime.config import ConfigError

from .mailserver import Database, FakeRuntime, row, statuses, until


class Pigeon(Channel):
    """Answers as told; keeps what it carried."""

    parts = ("txt",)
    dependency = "pigeon"
    patience = timedelta(minutes=1)

    def __init__(self, name: str = "pigeon") -> None:
        self.name = name
        self.carried: list[Delivery] = []
        self.answers: list[Attempt | Exception] = []
        self.away = False
        self.closed = False
        self._open = False

    def address(self, customer: Customer) -> str | None:
        return customer.customer_id

    def write(
        self, texts: Mapping[str, str], unsubscribe_url: str | None, thread: Thread | None = None
    ) -> Message:
        return Message(texts["txt"])

    async def open(self, wanted: int = 1) -> None:
        if self.away:
            raise ChannelAwayError("it rains")
        self._open = True

    @property
    def is_open(self) -> bool:
        return self._open

    async def send(self, delivery: Delivery, at: datetime) -> Attempt:
        self.carried.append(delivery)
        answer = self.answers.pop(0) if self.answers else Attempt(Result.SENT)
        if isinstance(answer, Exception):
            raise answer
        self._open = answer.error != "gone"
        return answer

    async def close(self) -> None:
        self._open, self.closed = False, True


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


async def put(database: Database, *ids: str, channel: str = "pigeon") -> None:
    """Rows in this order of waiting."""
    base = datetime.now(UTC) - timedelta(minutes=1)
    rows = [row(id, channel=channel, not_before=base + timedelta(seconds=n)) for n, id in enumerate(ids)]
    await database[COLLECTION].insert_many(rows)


async def test_every_outcome_is_reported_as_the_channel_says(
    database: Database, runtime: FakeRuntime
) -> None:
    await put(database, "sent", "failed", "doubt", "raised")
    pigeon = Pigeon()
    pigeon.answers = [
        Attempt(Result.SENT),
        Attempt(Result.FAILED, "no such roof"),
        Attempt(Result.IN_DOUBT, "a hawk"),
        RuntimeError("a bug"),
    ]
    await Sender(runtime, pigeon, event_time=False).round()
    said = {event.data.outreach_id: (event.data.status, event.data.error) for event in runtime.published}  # type: ignore[attr-defined]
    status, error = said.pop("raised")
    assert (status, error.startswith("RuntimeError at ")) == ("in_doubt", True)  # never what it says
    assert said == {
        "sent": ("sent", None),
        "failed": ("failed", "no such roof"),
        "doubt": ("in_doubt", "a hawk"),
    }


@pytest.mark.parametrize(
    ("wish", "waits"),
    [
        (None, timedelta(seconds=15)),
        (timedelta(seconds=90), timedelta(seconds=90)),
        (timedelta(seconds=2), timedelta(seconds=2)),
        (timedelta(days=30), timedelta(days=1)),
        (timedelta(0), timedelta(seconds=1)),
    ],
)
async def test_later_is_tried_again_when_the_other_side_wants_it(
    database: Database, runtime: FakeRuntime, wish: timedelta | None, waits: timedelta
) -> None:
    await put(database, "a")
    pigeon, clock = Pigeon(), Clock()
    pigeon.answers = [Attempt(Result.LATER, "tired", wish)]
    sender = Sender(runtime, pigeon, event_time=False, clock=clock)
    await sender.round()
    assert await statuses(database) == {"a": "ready"}
    assert not runtime.published
    clock.ahead = waits - timedelta(seconds=1)
    await sender.round()
    assert len(pigeon.carried) == 1
    clock.ahead = waits + timedelta(seconds=1)
    await sender.round()
    assert [delivery.attempt for delivery in pigeon.carried] == [1, 2]
    assert runtime.reports == [("a", "sent")]


async def test_a_channel_that_goes_away_ends_the_run_and_touches_no_other_message(
    database: Database, runtime: FakeRuntime
) -> None:
    await put(database, "a", "b", "c")
    pigeon = Pigeon()
    pigeon.answers = [Attempt(Result.SENT), Attempt(Result.LATER, "gone")]
    sender = Sender(runtime, pigeon, event_time=False)
    await sender.round()
    assert [delivery.outreach_id for delivery in pigeon.carried] == ["a", "b"]
    untouched = await database[COLLECTION].find_one({"_id": "c"})
    assert untouched is not None
    assert (untouched["status"], untouched["attempt"]) == ("ready", 0)


async def test_a_channel_that_is_away_holds_up_no_other(database: Database, runtime: FakeRuntime) -> None:
    await put(database, *(f"first-{n}" for n in range(70)), channel="pigeon")
    await put(database, "second", channel="owl")
    await put(database, "third", channel="unheard-of")
    pigeon, owl = Pigeon(), Pigeon("owl")
    pigeon.away = True
    running = asyncio.create_task(send_all([pigeon, owl], runtime, event_time=False))
    await until(lambda: runtime.reports == [("second", "sent")])
    assert not pigeon.carried
    pigeon.away = False
    await until(lambda: len(runtime.reports) == 71)
    runtime.stopping.set()
    await asyncio.wait_for(running, 5)
    assert (pigeon.closed, owl.closed) == (True, True)
    assert {delivery.channel for delivery in pigeon.carried} == {"pigeon"}
    assert (await statuses(database))["third"] == "ready"


async def test_a_doubt_is_of_the_channel_whose_patience_is_over(
    database: Database, runtime: FakeRuntime
) -> None:
    marked = {"status": "sending", "attempt": 1, "claimed_at": datetime.now(UTC) - timedelta(minutes=5)}
    await database[COLLECTION].insert_many(
        [row("a", channel="pigeon", **marked), row("b", channel="owl", **marked)]
    )
    patient = Pigeon("owl")
    patient.patience = timedelta(minutes=10)
    for channel in (Pigeon(), patient):
        await Sender(runtime, channel, event_time=False).round()
    assert runtime.reports == [("a", "in_doubt")]


def test_the_sender_knows_no_protocol() -> None:
    source = Path(sender_module.__file__).read_text(encoding="utf-8")
    assert not re.findall(r"(?i)smtp|e-?mail|https?|webhook", source)
    modules = {n.module for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)}
    assert {name for name in modules if name and "channels" in name} == {"services.followup.channels.base"}


def test_without_settings_there_is_email_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        for field in kind.model_fields:
            monkeypatch.delenv(f"RAPPORT_{field.upper()}", raising=False)
    assert [channel.name for channel in load_channels()] == ["email"]


def test_two_channels_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.followup.channels.registry.KINDS", (KINDS[0], KINDS[0]))
    with pytest.raises(ConfigError, match=r"Two channels are named email: name one of them otherwise\."):
        load_channels()


def test_a_bad_value_of_a_channel_ends_the_start_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAPPORT_SMTP_TIMEOUT", "soon")
    with pytest.raises(SystemExit) as caught:
        load_channels()
    assert caught.value.code == 2
    assert "RAPPORT_SMTP_TIMEOUT" in capsys.readouterr().err
