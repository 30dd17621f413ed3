"""Where mail comes back to: a maildir, LMTP; what is heard is reported once, and nothing is lost."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from smtplib import LMTP, SMTPDataError
from typing import Any

import pytest
from pydantic import ValidationError

from services.followup.domain.rows import COLLECTION
from services.followup.returns import lmtp, mailbox
from services.followup.returns.intake import take_in
from services.followup.returns.reader import SOURCE, ReturnsReader
from shared.mail.addresses import BounceAddress
from shared.mail.connections import BUSY
from shared.mail.marks import HEADER, mark_of
from shared.schemas.commands.receipts import ReceiptReported

from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server, until
from .returned_mail import ARF, EXCHANGE, KEY, POSTFIX, QMAIL, VACATION, mail
from .test_rules import settings

BOUNCES = BounceAddress.parse("bounces+{token}@news.example", (KEY,))
BOUNCED = mail(POSTFIX, to=BOUNCES.of("o-1"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    return tmp_path / "box"


@pytest.fixture
async def reader(database: Database, runtime: FakeRuntime) -> ReturnsReader:
    await database[COLLECTION].insert_many([row("o-1", status="sent"), row("abc123", status="sent")])
    return ReturnsReader(runtime, (KEY,), BOUNCES)


def heard(runtime: FakeRuntime) -> list[tuple[str, str, str | None]]:
    told = []
    for event in runtime.published:
        assert isinstance(event.data, ReceiptReported)
        assert (event.source, event.subject) == (SOURCE, f"c-{event.data.outreach_id}")
        told.append((event.data.outreach_id, event.data.what, event.data.code))
    return told


def files(folder: Path) -> list[str]:
    return sorted(f"{file.parent.name}/{file.name}" for file in folder.glob("*/*"))


async def test_a_maildir_is_emptied_into_reports(
    folder: Path, reader: ReturnsReader, runtime: FakeRuntime
) -> None:
    (folder / "new" / "1.a").write_bytes(BOUNCED)
    (folder / "new" / "2.b").write_bytes(mail(ARF, sender=BOUNCES.of("abc123"), mark=""))
    (folder / "new" / "3.c").write_bytes(mail(VACATION))
    (folder / "new" / "4.d").write_bytes(mail(POSTFIX, id="nobody"))
    (folder / "new" / ".hidden").write_bytes(BOUNCED)
    assert await mailbox.look(folder, reader, runtime.stopping) == 4
    assert heard(runtime) == [("o-1", "bounced", "5.1.1"), ("abc123", "complained", None)]
    assert files(folder) == ["cur/1.a:2,S", "cur/2.b:2,S", "cur/3.c:2,S", "cur/4.d:2,FS", "new/.hidden"]
    assert await mailbox.look(folder, reader, runtime.stopping) == 0


async def test_who_has_only_seen_an_answer_cannot_say_what_became_of_a_mail(
    database: Database, reader: ReturnsReader, runtime: FakeRuntime
) -> None:
    """A Message-ID stands in each answer: a report of no signature is of no message, a complaint neither."""
    await database[COLLECTION].insert_one(row("R:1", status="sent"))
    forged = BounceAddress.parse("bounces+{token}@news.example", (b"x" * 32,))
    plain = BounceAddress.parse("bounces@news.example", (KEY,))
    for text in (POSTFIX, EXCHANGE, QMAIL, ARF):
        for told in (
            {"mark": ""},
            {"mark": mark_of(b"x" * 32, "o-1")},
            {"mark": mark_of(KEY, "o-1") + "a"},
            {"mark": "", "sender": forged.of("o-1"), "to": forged.of("o-1")},
            {"mark": "", "to": BOUNCES.of("gone")},
            {"mark": mark_of(KEY, "gone")},
        ):
            for bounces in (BOUNCES, plain, None):
                assert await ReturnsReader(runtime, (KEY,), bounces).take(mail(text, **told)) == "unknown"
    assert runtime.published == []
    for text in (POSTFIX, EXCHANGE, QMAIL, ARF):
        for bounces in (BOUNCES, plain, None):
            raw = mail(text, id="R:1")
            assert await ReturnsReader(runtime, (b"new" * 9, KEY), bounces).take(raw) == "reported"
    assert {told[:2] for told in heard(runtime)} == {("R:1", "bounced"), ("R:1", "complained")}


async def test_the_same_mail_is_one_report(
    folder: Path, reader: ReturnsReader, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies between the report and the move: the mail is still there, and its report the same."""
    (folder / "new" / "1.a").write_bytes(BOUNCED)

    def dies(*told: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", dies)
        with pytest.raises(OSError, match="killed"):
            await mailbox.look(folder, reader, runtime.stopping)
    assert files(folder) == ["new/1.a"]
    await mailbox.look(folder, reader, runtime.stopping)
    first, again = runtime.published
    assert (first.id, first.source, first.data) == (again.id, again.source, again.data)
    assert files(folder) == ["cur/1.a:2,S"]


async def test_what_cannot_be_told_waits_and_what_cannot_be_read_holds_up_none(
    folder: Path, reader: ReturnsReader, runtime: FakeRuntime
) -> None:
    (folder / "new" / "1.a").write_bytes(BOUNCED)
    (folder / "new" / "0.loop").symlink_to(folder / "new" / "0.loop")
    (folder / "new" / "0.folder").mkdir()
    runtime.broker_away = True
    with pytest.raises(ConnectionError):
        await mailbox.look(folder, reader, runtime.stopping)
    assert "new/1.a" in files(folder)
    runtime.broker_away = False
    watching = asyncio.create_task(mailbox.watch(folder, reader, runtime.stopping, every=0.05))
    await until(lambda: "cur/1.a:2,S" in files(folder))
    shutil.rmtree(folder / "cur")
    (folder / "new" / "2.b").write_bytes(mail(ARF))
    await until(lambda: "cur/2.b:2,S" in files(folder))
    runtime.stopping.set()
    await watching
    assert len(runtime.published) == 2


@asynccontextmanager
async def listening(reader: Any, runtime: FakeRuntime) -> AsyncIterator[int]:
    port = free_port()
    serving = asyncio.create_task(lmtp.serve("127.0.0.1", port, reader, runtime.stopping))
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                break
    try:
        yield port
    finally:
        runtime.stopping.set()
        await serving


def hand_in(port: int, raw: bytes, *to: str) -> dict[str, tuple[int, bytes]]:
    with LMTP("127.0.0.1", port, timeout=5) as client:
        return client.sendmail("", list(to), raw)


async def test_a_mail_server_hands_it_in(reader: ReturnsReader, runtime: FakeRuntime) -> None:
    async with listening(reader, runtime) as port:
        to = BOUNCES.of("abc123")
        refused = await asyncio.to_thread(hand_in, port, BOUNCED, to.upper(), "b@news.example")
        assert list(refused.values()) == [(452, b"4.5.3 One recipient at a time")]
        assert heard(runtime) == [("abc123", "bounced", "5.1.1")]
        runtime.broker_away = True
        with pytest.raises(SMTPDataError) as caught:
            await asyncio.to_thread(hand_in, port, BOUNCED, "b@news.example")
        assert caught.value.smtp_code == 451
        runtime.broker_away = False
        await asyncio.to_thread(hand_in, port, mail(VACATION), "b@news.example")
        await asyncio.to_thread(hand_in, port, BOUNCED, "b@news.example")
    assert heard(runtime)[1:] == [("o-1", "bounced", "5.1.1")]


async def test_what_is_returned_may_have_long_lines(reader: ReturnsReader, runtime: FakeRuntime) -> None:
    raw = BOUNCED.replace(b"\r\nMessage-ID", b"\r\nX-Long: " + b"x" * 100_000 + b"\r\nMessage-ID")
    async with listening(reader, runtime) as port:
        await asyncio.to_thread(hand_in, port, raw, "b@news.example")
    assert heard(runtime) == [("o-1", "bounced", "5.1.1")]


async def test_a_few_connections_at_once_and_no_more(
    reader: ReturnsReader, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmtp, "MOST_CONNECTIONS", 2)
    async with listening(reader, runtime) as port:
        pairs = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(6)))
        greeted = [await arriving.readline() for arriving, _ in pairs]
        assert sorted(line[:3] for line in greeted) == [b"220"] * 2 + [b"421"] * 4
        assert {line for line in greeted if line.startswith(b"421")} == {BUSY}
        for (arriving, leaving), line in zip(pairs, greeted, strict=True):
            if line.startswith(b"220"):
                leaving.write(b"QUIT\r\n")
                assert (await arriving.readline()).startswith(b"221")
            assert await arriving.read() == b""
            leaving.close()
        await asyncio.to_thread(hand_in, port, BOUNCED, "b@news.example")
    assert len(runtime.published) == 1


async def test_a_port_that_is_taken_is_waited_for(
    reader: ReturnsReader, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmtp, "RETRY_SECONDS", 0.05)
    port = free_port()
    other = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port)
    serving = asyncio.create_task(lmtp.serve("127.0.0.1", port, reader, runtime.stopping))
    await asyncio.sleep(0.2)
    other.close()
    await other.wait_closed()
    await asyncio.sleep(0.3)
    await asyncio.to_thread(hand_in, port, BOUNCED, "b@news.example")
    assert len(runtime.published) == 1
    runtime.stopping.set()
    await serving


async def test_it_is_switched_on_by_its_settings(
    folder: Path, database: Database, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_one(row("o-1", status="sent"))
    await take_in(settings(), runtime)  # nothing to do
    on = settings(
        bounce_maildir=folder, bounce_address="b+{token}@x.example", bounce_lmtp=f"[::1]:{free_port()}"
    )
    assert on.bounces is not None
    (folder / "new" / "1.a").write_bytes(mail(POSTFIX, mark="", to=on.bounces.of("o-1")))
    running = asyncio.create_task(take_in(on, runtime))
    await until(lambda: bool(runtime.published))
    runtime.stopping.set()
    await running


@pytest.mark.parametrize(
    ("name", "value"),
    [("bounce_address", "b"), ("bounce_lmtp", "2424"), ("bounce_lmtp", "::1:2424"), ("bounce_lmtp", "h:x")],
)
def test_bad_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(**{name: value})


async def test_a_mail_goes_from_the_address_that_names_it(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_many(
        [row("abc123"), row("R:1", to={"name": "Bo", "address": "bo@example.org"})]
    )
    senders: list[str] = []

    async def handle_MAIL(server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        senders.append(address)
        return "250 OK"

    inbox.handle_MAIL = handle_MAIL
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port, bounce_address="bounces+{token}@news.example", secret_key="k" * 32)
        await sender.round()
    assert sorted(senders) == sorted([BOUNCES.of("abc123"), "bounces@news.example"])
    assert {str(message["From"]) for message in inbox.messages} == {"Störe <hello@store.example>"}
    marks = {str(message[HEADER]) for message in inbox.messages}
    assert marks == {mark_of(KEY, "abc123"), mark_of(KEY, "R:1")}
