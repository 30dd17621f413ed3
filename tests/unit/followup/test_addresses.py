"""Addresses as people write them: the domain goes in ASCII, letters before the @ only by SMTPUTF8."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from rapport.embedded.smtp import Maildir, Sink
from services.followup.channels.addresses import NO_DOMAIN, NO_UTF8, AddressError, mailable, needs_utf8
from services.followup.channels.base import Result
from services.followup.channels.email import Email, EmailSettings
from services.followup.channels.mime import BadMessageError, build
from services.followup.domain.gate.reach import unusable_addresses
from services.followup.domain.reports import ADDRESS
from services.followup.domain.rows import COLLECTION
from shared.schemas.commands.followup import OutreachRequested
from shared.schemas.customers import CustomerUpdated
from shared.schemas.outreach import OutreachSuppressed
from shared.schemas.times import micros

from .driver import HOUR, NOON, Driver, granted, policy, previewed, profile, purchase, refusal
from .mailserver import Database, FakeRuntime, Inbox, delivery, free_port, row, sender_of, smtp_server

TEXT = {"subject": "s", "message": "m"}
NOTE = OutreachRequested(template="note", variables=TEXT)
UMLAUT = "jörg@bücher.example"


@pytest.mark.parametrize(
    ("written", "sent_to"),
    [
        ("info@bücher.example", "info@xn--bcher-kva.example"),
        ("info@bu\N{COMBINING DIAERESIS}cher.example", "info@xn--bcher-kva.example"),
        ("Info@BÜCHER.Example", "Info@xn--bcher-kva.example"),
        ("a@faß.de", "a@xn--fa-hia.de"),
        ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@under_score.example", "a@under_score.example"),
        (UMLAUT, "jörg@xn--bcher-kva.example"),
        ("jo\N{COMBINING DIAERESIS}rg@example.org", "jörg@example.org"),
    ],
)
def test_the_domain_goes_in_ascii(written: str, sent_to: str) -> None:
    assert mailable(written) == sent_to


@pytest.mark.parametrize("address", ["a@☃.example", "a@-ü.example", "a@ü..example", f"a@{'ü' * 80}.example"])
def test_a_domain_that_cannot_be_is_said_to_be_none(address: str) -> None:
    with pytest.raises(AddressError, match=NO_DOMAIN):
        mailable(address)


def driver_of(email: str, **settings: Any) -> Driver:
    driver = Driver(policy=policy(channels={"email": Email(EmailSettings(**settings))}), instant=False)
    driver.event(profile(email=email), at=NOON)
    driver.event(granted())
    return driver


def test_an_internationalised_domain_gets_its_mail() -> None:
    driver = driver_of("info@bücher.example", smtp_utf8=False)
    driver.event(purchase())
    driver.after(3 * HOUR)
    [ready] = driver.rows.values()
    assert ready["to"]["address"] == "info@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("email", "why", "settings"),
    [(UMLAUT, NO_UTF8, {"smtp_utf8": False}), ("a@☃.example", NO_DOMAIN, {})],
)
def test_what_cannot_be_used_is_said_at_once(email: str, why: str, settings: dict[str, Any]) -> None:
    driver = driver_of(email, **settings)
    sentence = f"The address cannot be used: {why}."
    assert unusable_addresses(driver.policy, driver.state, micros(driver.now)) == {"email": sentence}
    rule = driver.policy.rules.rule("thank-you")
    assert rule is not None
    shown = previewed(driver, rule)
    assert (shown.decision, shown.reason, shown.detail, shown.to) == (
        "suppress", "address_suppressed", why, None,
    )  # fmt: skip
    refused = refusal(driver, NOTE)
    assert (refused.code, refused.status) == ("address_suppressed", 409)
    assert why in refused.detail
    driver.event(purchase())
    driver.after(3 * HOUR)
    [told] = driver.facts(OutreachSuppressed)
    assert (told.reason, told.detail) == ("address_suppressed", why)
    assert driver.statuses() == ["suppressed"]
    driver.event(CustomerUpdated(email="a@example.org"))
    assert unusable_addresses(driver.policy, driver.state, micros(driver.now)) == {}


def test_what_the_server_refuses_is_remembered_for_that_address_alone() -> None:
    driver = driver_of(UMLAUT)
    driver.event(purchase())
    driver.after(3 * HOUR)
    driver.deliver("failed", f"{ADDRESS}{NO_UTF8}")
    [told] = driver.facts(OutreachSuppressed)
    assert (told.reason, told.detail) == ("address_suppressed", NO_UTF8)
    assert refusal(driver, NOTE).code == "address_suppressed"
    assert UMLAUT not in driver.state.model_dump_json(exclude={"profile"})
    driver.event(CustomerUpdated(email="ä@example.org"))
    driver.event(NOTE)
    driver.policy = policy(channels={"email": Email(EmailSettings(smtp_utf8=True))})
    driver.event(CustomerUpdated(email=UMLAUT))
    driver.event(NOTE)  # the server has learnt it, says who runs it


async def test_smtputf8_where_the_server_offers_it(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    umlaut, plain = {"name": "Jörg", "address": UMLAUT}, {"name": "Jörg", "address": "a@bücher.example"}
    await database[COLLECTION].insert_many([row("a", to=umlaut), row("b", to=plain)])
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert sorted(runtime.reports) == [("a", "sent"), ("b", "sent")]
    assert sorted(inbox.recipients) == ["a@xn--bcher-kva.example", "jörg@xn--bcher-kva.example"]
    assert sorted(str(message["To"]) for message in inbox.messages) == [
        "Jörg <a@xn--bcher-kva.example>",
        "Jörg <jörg@xn--bcher-kva.example>",
    ]


async def test_the_sink_of_the_embedded_stack_takes_both(tmp_path: Path) -> None:
    loop, sink = asyncio.get_running_loop(), Sink(Maildir(tmp_path), None)
    server = await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    channel = Email(EmailSettings(smtp_port=server.sockets[0].getsockname()[1], smtp_timeout=3.0))
    async with server:
        await channel.open()
        for address in (UMLAUT, "info@bücher.example"):
            attempt = await channel.send(
                delivery("a", to={"name": "", "address": address}), datetime.now(UTC)
            )
            assert attempt.result is Result.SENT
        await channel.close()
    found = sorted(file.read_text("utf-8").splitlines()[1] for file in (tmp_path / "new").iterdir())
    assert found == [f"Delivered-To: {name}@xn--bcher-kva.example" for name in ("info", "jörg")]


async def test_without_smtputf8_it_is_told_and_nothing_else_waits(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    umlaut = {"name": "Jörg", "address": UMLAUT}
    await database[COLLECTION].insert_many([row("a", to=umlaut), row("b")])
    port = free_port()
    async with smtp_server(inbox, port, utf8=False):
        await sender_of(runtime, port).round()
    assert sorted(runtime.reports) == [("a", "failed"), ("b", "sent")]
    assert f"{ADDRESS}{NO_UTF8}" in str(runtime.published)


@pytest.mark.parametrize("local", ["a\N{GREEK QUESTION MARK}b", "a\u2028b", "ü\r\nBcc: x"])
def test_no_letter_becomes_a_header_or_a_second_address(local: str) -> None:
    to = {"name": "", "address": f"{local}@example.org"}
    with pytest.raises(BadMessageError):
        build(delivery("a", to=to), datetime.now(UTC))


def test_only_letters_before_the_at_need_smtputf8() -> None:
    assert needs_utf8(mailable(UMLAUT))
    assert not needs_utf8(mailable("info@bücher.example"))
