"""What a mail server is answered: over LMTP, SMTP, with TLS and without."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from smtplib import LMTP, SMTP, SMTPDataError, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from services.interactions.mail.serving import MailServer
from services.interactions.mail.settings import Box
from services.interactions.mail.taking import Envelope, NotYetError, Result
from shared.kafka.publisher import BrokerAwayError
from tests.certificates import Authority

from .post import settings, written


class Inbox:
    """Takes everything, or what it is told to raise."""

    def __init__(self, result: Result | Exception = "message") -> None:
        self.result = result
        self.taken: list[tuple[bytes, Envelope]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def take(self, raw: bytes, envelope: Envelope) -> Result:
        await self.gate.wait()
        if isinstance(self.result, Exception):
            raise self.result
        self.taken.append((raw, envelope))
        return self.result


@asynccontextmanager
async def serving(taker: Any, **told: Any) -> AsyncIterator[int]:
    server = MailServer(settings(mail_port=0, **told), taker)
    await server.start()
    try:
        yield server.addresses[0][1]
    finally:
        await server.stop()


def hand_in(port: int, raw: bytes, *to: str, sender: str = "a@b.example", kind: type[SMTP] = LMTP) -> Any:
    with kind("127.0.0.1", port, timeout=10) as client:
        return client.sendmail(sender, list(to) or ["service@shop.example"], raw)


def count(result: str) -> float:
    return REGISTRY.get_sample_value("rapport_mails_total", {"result": result}) or 0


RAW = b"From: a@b.example\r\n\r\nGr\xfc\xdfe\r\n.dot\r\n" + b"x" * 5_000 + b"\r\n"


async def test_it_is_taken_as_it_is() -> None:
    inbox, before = Inbox(), count("message")
    to = ("one@x.example", "two@x.example")
    async with serving(inbox, mail_protocol="smtp") as port:
        await asyncio.to_thread(hand_in, port, RAW, *to, sender="", kind=SMTP)
    assert inbox.taken == [(RAW, Envelope("", to))]
    assert count("message") == before + 1


async def test_lmtp_answers_for_each_recipient() -> None:
    """Which Python's client does not know of."""
    inbox = Inbox()
    async with serving(inbox) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for line in (
            "LHLO x",
            "MAIL FROM:<a@b.example>",
            "RCPT TO:<one@x.example>",
            "RCPT TO:<two@x.example>",
            "DATA",
        ):
            writer.write(f"{line}\r\n".encode())
        writer.write(b"Hello\r\n.\r\nQUIT\r\n")
        answers = [line[:4] async for line in reader]
        writer.close()
        await writer.wait_closed()
    assert answers[-5:] == [b"250 ", b"354 ", b"250 ", b"250 ", b"221 "]
    assert [envelope.recipients for _, envelope in inbox.taken] == [("one@x.example", "two@x.example")]


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ("message", None),
        ("own", None),
        ("unknown_report", None),
        ("loop", 554),
        ("nobody", 554),
        ("unreadable", 554),
        (NotYetError(), 451),
        (BrokerAwayError("not connected"), 451),
        (RuntimeError("a bug"), 451),
    ],
)
async def test_answers(result: Any, code: int | None) -> None:
    async with serving(Inbox(result)) as port:
        handed = asyncio.to_thread(hand_in, port, written())
        if code is None:
            await handed
            return
        with pytest.raises(SMTPDataError) as refused:
            await handed
    assert refused.value.smtp_code == code
    assert b"bug" not in bytes(refused.value.smtp_error)


async def test_whose_mail_is_taken() -> None:
    box = Inbox()
    async with serving(box, mail_to="service@shop.example,*@help.example") as port:
        refused = await asyncio.to_thread(hand_in, port, written(), "x@HELP.example", "x@shop.example")
        assert refused["x@shop.example"][0] == 550
        with pytest.raises(SMTPRecipientsRefused):
            await asyncio.to_thread(hand_in, port, written(), "x@shop.example")
    assert [envelope.recipients for _, envelope in box.taken] == [("x@HELP.example",)]


async def test_too_much_is_refused() -> None:
    box = Inbox()
    async with serving(box, mail_max_bytes=64 * 1024) as port:
        with pytest.raises(SMTPResponseException) as refused:
            await asyncio.to_thread(hand_in, port, b"x" * 76 + b"\r\n" + b"y\r\n" * 50_000)
    assert refused.value.smtp_code == 552
    assert not box.taken


async def test_one_connection_too_many_comes_again() -> None:
    async with serving(Inbox(), mail_connections=1) as port:
        first = await asyncio.to_thread(LMTP, "127.0.0.1", port)
        with pytest.raises(SMTPResponseException) as refused:
            await asyncio.to_thread(LMTP, "127.0.0.1", port)
        assert refused.value.smtp_code == 421
        await asyncio.to_thread(first.quit)
        await asyncio.to_thread(hand_in, port, written())


async def test_many_that_come_in_one_moment_are_counted_too() -> None:
    async with serving(Inbox(), mail_connections=2) as port:
        pairs = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(6)))
        greeted = [await arriving.readline() for arriving, _ in pairs]
        assert sorted(line[:3] for line in greeted) == [b"220"] * 2 + [b"421"] * 4
        for _, leaving in pairs:
            leaving.close()


async def test_what_is_being_taken_is_taken_before_the_end() -> None:
    box = Inbox()
    box.gate.clear()
    async with serving(box) as port:
        handed = asyncio.create_task(asyncio.to_thread(hand_in, port, written()))
        await asyncio.sleep(0.3)
        asyncio.get_running_loop().call_later(0.3, box.gate.set)
    await handed
    assert len(box.taken) == 1


async def test_noise_is_answered_and_the_next_is_served() -> None:
    box = Inbox()
    async with serving(box) as port:
        for noise in (
            b"\xff\xfe\x00\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"LHLO " + b"x" * 2_000_000 + b"\r\n",
            b"DATA\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert (await reader.readline()).startswith(b"220")
            writer.write(noise)
            assert (await reader.readline())[:1] in (b"5", b"")
            writer.close()
        await asyncio.to_thread(hand_in, port, written())
    assert len(box.taken) == 1


async def test_starttls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pem = authority.issue("localhost", "localhost")
    told = {"mail_tls_cert": pem, "mail_tls_key": pem, "mail_tls_required": True}
    box = Inbox()

    def over_tls(port: int) -> None:
        with SMTP("localhost", port, timeout=10) as client:
            client.starttls(context=ssl.create_default_context(cafile=str(authority.file)))
            client.sendmail("a@b.example", ["service@shop.example"], written())

    async with serving(box, mail_protocol="smtp", mail_host="localhost", **told) as port:
        await asyncio.to_thread(over_tls, port)
        with pytest.raises(SMTPResponseException) as refused:
            await asyncio.to_thread(hand_in, port, written(), kind=SMTP)
        assert refused.value.smtp_code == 530
    assert len(box.taken) == 1


def test_settings() -> None:
    known = settings(mail_complaints="Complaints@shop.example, broken@*=delivery/high, x@y=a b")
    assert known.mail_complaints == (
        Box("complaints@shop.example"),
        Box("broken@*", "delivery", "high"),
        Box("x@y", "a b"),
    )
    assert known.box(("someone@x.example", "BROKEN+7@x.example")) == Box("broken@*", "delivery", "high")
    assert settings().box(("complaints@x.example",)) == Box("complaints@*")
    assert settings(mail_complaints="").box(("complaints@x.example",)) is None
    known = settings(mail_own="shop.example, Box@Gmail.example")
    assert [known.ours(one) for one in ("a@shop.example", "a@b.SHOP.example", "box@gmail.example")] == [
        True
    ] * 3
    assert not known.ours("a@gmail.example")
    assert not known.ours("a@myshop.example")


@pytest.mark.parametrize(
    "told",
    [
        {"mail_complaints": "complaints"},
        {"mail_complaints": "a@b=x/urgent"},
        {"mail_to": "everybody"},
        {"mail_own": "a b"},
        {"mail_protocol": "uucp"},
        {"mail_tls_cert": "x.pem"},
        {"mail_tls_required": True},
        {"bounce_address": "bounces"},
    ],
)
def test_bad_settings(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**told)
