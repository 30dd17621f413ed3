"""What agents write: it passes every check but an erasure and the address, once, under its own name."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from services.followup.channels.email import Email, EmailSettings
from services.followup.channels.mime import build
from services.followup.channels.webhook import payload
from services.followup.config import load_templates
from services.followup.domain.messages.channel import Message, Thread
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rows import COLLECTION, Delivery
from services.followup.domain.state import Customer
from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachFailed, OutreachScheduled, OutreachSent, OutreachSuppressed

from .driver import CHANNELS, DAY, HOUR, NOON, Driver, granted, opened, policy, profile, refusal, rules, tier
from .mailserver import Database, FakeRuntime, Inbox, delivery, free_port, mail_read, sender_of, smtp_server
from .webhookserver import webhook

THEIRS = "<CAF+1=x.y@mail.example.org>"
TEXT = "Dear Ada,\n\nit is <on> its way & will\n  arrive tomorrow.\n\nBest wishes\nJo"


def reply(id: str = "0123abc", **changes: Any) -> ReplyRequested:
    told = {"outreach_id": id, "conversation_id": "v-1", "channel": "email", "text": TEXT, "agent_id": "a-7"}
    return ReplyRequested.model_validate({**told, **changes})


def answered(driver: Driver, asked: ReplyRequested, **changes: Any) -> dict[str, Any]:
    """The message that goes at once."""
    before = len(driver.sent)
    driver.event(asked, **changes)
    [message] = driver.sent[before:]
    assert (message["rule"], message["at"]) == ("reply", driver.now)
    return message


def known(**changes: Any) -> Driver:
    driver = Driver(**changes)
    driver.event(profile())
    return driver


def told(driver: Driver, kind: Any) -> list[Any]:
    return [fact for fact in driver.facts(kind) if fact.rule == "reply"]


def test_it_goes_at_once_and_is_told_under_its_own_name() -> None:
    driver = known()
    message = answered(driver, reply(subject="Your parcel"))
    assert (message["_id"], message["subject"], message["to"]["address"]) == (
        "0123abc",
        "Your parcel",
        "ada@example.org",
    )
    assert message["text"] == TEXT + "\n"
    assert "it is &lt;on&gt; its way &amp; will\n  arrive" in message["html"]
    for part in ("text", "html"):
        assert message[part].count("Dear") == 1
        assert "nsubscribe" not in message[part]
    assert "List-Unsubscribe" not in message["headers"]
    kinds = (OutreachScheduled, OutreachSent)
    assert [(f.outreach_id, f.rule, f.channel) for kind in kinds for f in driver.facts(kind)] == [
        ("0123abc", "reply", "email")
    ] * 2
    assert driver.statuses() == ["sent"]
    assert not driver.timers


@pytest.mark.parametrize("purpose", ["service", "marketing", "survey"])
def test_no_consent_holds_it(purpose: str) -> None:
    driver = known()
    driver.event(granted(purpose, word=False))
    answered(driver, reply())


def test_neither_night_nor_a_complaint_nor_a_cap_holds_it() -> None:
    everything = frozenset({"marketing", "service", "survey"})
    cap = rules().frequency_cap
    assert cap is not None
    strict = rules(
        hold_during_complaint=everything,
        frequency_cap=cap.model_copy(update={"max": 1, "purposes": everything}),
    )
    driver = known(policy=policy(strict), now=NOON + 11 * HOUR)
    driver.event(opened())
    for number in range(5):
        message = answered(driver, reply(f"r-{number}"))
        assert message["quiet"] is None


def test_it_counts_for_no_cap_and_no_interval() -> None:
    driver = known()
    driver.event(granted())
    for number in range(20):
        driver.event(reply(f"r-{number}"))
    driver.event(tier("gold"))
    driver.after(3 * HOUR)
    assert driver.sent[-1]["rule"] == "tier-up"
    assert len(driver.state.sends) == 21, "the shipped rules ask what was sent"


def test_it_is_never_history_and_is_tried_for_days() -> None:
    driver = known()
    message = answered(driver, reply(), at=NOON - 40 * DAY)
    assert message["due_at"] == NOON
    assert message["expires_at"] == NOON + 5 * DAY


def test_what_is_with_the_sender_stays_there_whatever_is_withdrawn() -> None:
    driver = known(instant=False)
    driver.event(reply())
    driver.event(granted("service", word=False))
    driver.event(granted("marketing", word=False))
    driver.event(opened())
    assert driver.deliver() == 1
    driver.event(reply("r-2"))
    driver.event(CustomerErased())
    assert driver.deliver() == 0
    assert driver.statuses() == ["sent", "cancelled"]


@pytest.mark.parametrize(
    ("channel", "email", "reason", "detail"),
    [
        ("email", None, "condition_unmet", "no address for email is known"),
        ("email", "a@\N{SNOWMAN}", "address_suppressed", "its domain is none that mail can be sent to"),
        ("email", "jörg@example.org", "address_suppressed", "SMTPUTF8"),
        ("sms", "ada@example.org", "condition_unmet", "no address for sms is known"),
        ("social", "ada@example.org", "condition_unmet", "nothing is sent by social"),
    ],
)
def test_without_an_address_it_is_told_why(channel: str, email: str, reason: str, detail: str) -> None:
    ways = {"email": Email(EmailSettings(smtp_utf8=False)), "sms": webhook()}
    driver = Driver(policy=policy(channels=ways))
    driver.event(profile(email=email))
    driver.event(reply(channel=channel))
    [fact] = told(driver, OutreachSuppressed)
    assert (fact.outreach_id, fact.reason) == ("0123abc", reason)
    assert detail in (fact.detail or "")
    [row] = driver.rows.values()
    assert (row["status"], row["reason"], row["error"]) == ("suppressed", reason, fact.detail)
    assert len(driver.emitted) == 1


def test_nothing_goes_to_strangers_and_the_erased() -> None:
    driver = Driver()
    driver.event(reply("r-1"))
    driver.event(CustomerErased())
    assert refusal(driver, reply("r-2")).code == "erased"
    assert [fact.reason for fact in told(driver, OutreachSuppressed)] == ["condition_unmet"]
    assert not driver.sent


def test_asked_for_twice_it_goes_once() -> None:
    driver = known()
    answered(driver, reply(), id="first")
    driver.event(reply(), id="first")
    driver.event(reply(), id="second")
    driver.event(reply(text="Another text"), id="third")
    driver.event(reply("other", channel="social"))
    driver.event(reply("other"))
    assert [message["_id"] for message in driver.sent] == ["0123abc"]
    assert len(told(driver, OutreachSent)) == len(told(driver, OutreachSuppressed)) == 1


def test_refused_by_the_server_it_failed() -> None:
    driver = known(instant=False)
    driver.event(reply())
    driver.deliver("failed", "550 no such user")
    [fact] = told(driver, OutreachFailed)
    assert (fact.outreach_id, fact.attempt) == ("0123abc", 1)
    assert driver.rows["0123abc"]["error"] == "550 no such user"


def test_a_redelivery_under_the_stream_clock_changes_nothing() -> None:
    driver = known(policy=policy(event_time=True), instant=False)
    event = Event("e-1", "/rapport/interactions", "c-1", NOON, reply())
    driver.send(event)
    driver.send(event)
    assert driver.deliver() == 1
    driver.send(event)
    assert driver.deliver() == 0


# --- as e-mail


def mail(message: dict[str, Any]) -> EmailMessage:
    return mail_read(Delivery.model_validate({**message, "attempt": 1}))


@pytest.mark.parametrize("named", [THEIRS, THEIRS.strip("<>")])
def test_it_stands_under_the_mail_that_it_answers(named: str) -> None:
    made = mail(answered(known(), reply(in_reply_to=named)))
    assert made["In-Reply-To"] == made["References"] == THEIRS
    assert made["Message-ID"] == "<0123abc@rapport.example>"
    assert made["Auto-Submitted"] == "no"
    assert made["Subject"] == "Re: your message to Rapport Store"


@pytest.mark.parametrize("named", [None, "chat-17", "<ü@example.org>", "<a@b>,<c@d>", f"{'x' * 990}@b"])
def test_a_name_of_another_channel_is_none_of_a_mail(named: str | None) -> None:
    made = mail(answered(known(), reply(in_reply_to=named)))
    assert made["In-Reply-To"] is made["References"] is None
    assert max(map(len, made.as_bytes().splitlines())) <= 998


def test_without_a_subject_it_has_one_all_the_same() -> None:
    driver = known()
    assert answered(driver, reply())["subject"] == "A message from Rapport Store"
    asked = reply("r-2", subject="Re: Tea", in_reply_to=THEIRS)
    assert answered(driver, asked)["subject"] == "Re: Tea"


@pytest.mark.parametrize(
    ("id", "address", "name"),
    [
        ("abc", "hello@store.example", "<abc@store.example>"),
        ("a:b.c_d-e", "hello@store.example", "<a:b.c_d-e@store.example>"),
        ("abc", "hello@bücher.example", "<abc@xn--bcher-kva.example>"),
        ("abc", "müller@store.example", "<abc@store.example>"),
    ],
)
def test_every_mails_name_is_the_outreachs_at_the_senders(id: str, address: str, name: str) -> None:
    to = {"name": "Ada", "address": "ada@example.org"}
    for rule in ("thank-you", "manual", "reply"):
        given = delivery(id, rule=rule, to=to, **{"from": {"name": "Store", "address": address}})
        assert f"\r\nMessage-ID: {name}\r\n".encode() in build(given, datetime.now(UTC)).raw
        assert mail_read(given)["Auto-Submitted"] == ("no" if rule == "reply" else "auto-generated")


async def test_over_the_wire(database: Database, inbox: Inbox, runtime: FakeRuntime) -> None:
    driver = known(instant=False)
    text = "Grüße,\n.\n" + "long " * 400
    driver.event(reply(text=text, in_reply_to=THEIRS, subject="Re: Grüße"))
    [row] = driver.rows.values()
    await database[COLLECTION].insert_one({**row, "not_before": datetime.now(UTC) - timedelta(seconds=1)})
    port = free_port()
    runtime.time = NOON
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    [found] = inbox.messages
    assert runtime.reports == [("0123abc", "sent")]
    assert found["Message-ID"] == "<0123abc@rapport.example>"
    assert found["In-Reply-To"] == found["References"] == THEIRS
    assert found["Subject"] == "Re: Grüße"
    plain, _ = found.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert plain.get_content().splitlines() == text.strip().splitlines()


# --- as a text message


def test_by_webhook_it_carries_the_same_names() -> None:
    driver = Driver(policy=policy(channels={**CHANNELS, "sms": webhook()}))
    driver.event(profile(phone="+4930123456"))
    message = answered(driver, reply(channel="sms", in_reply_to="wamid.17", text=" It is\n<here>. "))
    assert message["text"] == "It is\n<here>."
    assert message["headers"] == {"conversation_id": "v-1", "in_reply_to": "wamid.17"}
    posted = payload(Delivery.model_validate({**message, "attempt": 1})).decode()
    for piece in ('"outreach_id":"0123abc"', '"rule":"reply"', '"in_reply_to":"wamid.17"'):
        assert piece in posted
    first = answered(driver, reply("r-2", channel="sms"))
    assert first["headers"] == {"conversation_id": "v-1"}


# --- templates of one's own


def written(templates: Templates, channel: Any) -> Message:
    return templates.reply(
        channel, Customer(customer_id="c"), TEXT, Thread("v", None), subject=None, sender="Store"
    )


def test_a_channel_without_a_template_carries_the_bare_text() -> None:
    assert written(load_templates(None), webhook(webhook_channels="push")).text == TEXT
    bare = written(Templates({}), CHANNELS["email"])
    assert bare.text == TEXT + "\n"
    assert "<on>" not in bare.html


def test_what_cannot_be_written_failed_and_is_told() -> None:
    sources = {"reply.txt": "{{ message }} {{ nothing }}"}
    driver = known()
    driver.policy = type(driver.policy)(
        driver.policy.rules, Templates(sources), CHANNELS, driver.policy.links
    )
    driver.event(reply())
    [fact] = told(driver, OutreachFailed)
    assert (fact.outreach_id, fact.attempt) == ("0123abc", 0)
    assert "'nothing' is undefined" in driver.rows["0123abc"]["error"]
