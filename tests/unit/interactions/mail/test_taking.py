"""What becomes of mails: whose they are, which conversation they go on in, and what starts none."""

from datetime import timedelta

import pytest

from services.interactions.domain.mails import own_key
from services.interactions.mail.receipts import SOURCE
from services.interactions.mail.taking import NotYetError
from shared.kafka.publisher import BrokerAwayError
from shared.mail.addresses import BounceAddress
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.customers import CustomerUpdated
from shared.schemas.interactions import InteractionLogged
from tests.unit.followup.returned_mail import ARF, POSTFIX, VACATION, mail

from .post import COMPLAINTS, House, written
from .recorded import AWAY, recorded

BOUNCES = "bounces+{token}@news.example"
SIGNED = BounceAddress.parse(BOUNCES, (b"k" * 32,))


def contacts(house: House) -> list[InteractionLogged]:
    return [event.data for event in house.told if isinstance(event.data, InteractionLogged)]


async def test_a_stranger_begins_a_conversation() -> None:
    house = House()
    assert await house.take(written(subject="Parcel")) == "message"
    [contact] = contacts(house)
    assert (contact.channel, contact.direction, contact.author) == ("email", "inbound", "customer")
    assert (contact.text, contact.subject, contact.message_id) == (
        "Where is my parcel?",
        "Parcel",
        "m-1@home.example",
    )
    [conversation] = house.conversations("c-ann")
    assert (conversation.status, conversation.channel, len(conversation.messages)) == ("queued", "email", 1)


async def test_a_complaint_is_answered_and_its_answer_stands_beside_it() -> None:
    house = House()
    assert await house.take(written("It is broken.", subject="Lamp"), COMPLAINTS) == "complaint"
    [complaint] = house.worker.state("c-ann").complaints
    [conversation] = house.conversations("c-ann")
    assert complaint.conversation_id == conversation.conversation_id
    row = house.worker.rows("complaints")[0]
    assert (row["category"], row["severity"], row["channel"]) == ("other", "normal", "email")
    sent = house.answers("c-ann", conversation.conversation_id)
    # The answer goes to the complaint box too, whence the mail came: it is no second complaint.
    answer = written("Thank you.", id="m-2@home.example", answers=sent, subject="Re: Lamp")
    assert await house.take(answer, COMPLAINTS) == "message"
    [conversation] = house.conversations("c-ann")
    assert [m.by for m in conversation.messages] == ["customer", "agent", "customer"]
    assert len(house.worker.state("c-ann").complaints) == 1


async def test_the_same_mail_twice_is_one() -> None:
    house = House()
    raw = written("It is broken.")
    for _ in range(3):
        assert await house.take(raw, COMPLAINTS) == "complaint"
    assert {event.id for event in house.told} == {house.told[0].id, house.told[1].id}
    assert len(house.worker.rows("complaints")) == len(house.worker.rows("conversations")) == 1
    assert len(house.conversations("c-ann")[0].messages) == 1


async def test_an_answer_finds_its_conversation_by_any_mail_that_it_names() -> None:
    house = House()
    house.knows("ann@home.example", "c-1")
    await house.take(written())
    [one] = house.conversations("c-1")
    sent = house.answers("c-1", one.conversation_id)
    for number, names in enumerate([f"<x@y> <{sent}>", f"<{sent}> <x@y>", "<m-1@home.example>"]):
        more = f"References: {names}"
        await house.take(written(id=f"r-{number}@home.example", more=more))
    assert [len(found.messages) for found in house.conversations("c-1")] == [5]


async def test_an_answer_to_outreach_is_the_customers_it_was_sent_to() -> None:
    house = House()
    house.knows("ann@home.example", "c-1")
    sent = house.sends("c-1", "0123456789abcdef01234567")
    assert await house.take(written(sender="ann@work.example", answers=sent)) == "message"
    [event] = house.told
    assert event.subject == "c-1"
    assert isinstance(event.data, InteractionLogged)
    assert (event.data.sent_from, event.data.in_reply_to) == ("ann@work.example", f"<{sent}>")
    assert "ann@work.example" not in house.people, "nobody has said that the address is hers"


async def test_who_is_known_by_another_name_answers_for_themselves() -> None:
    house = House()
    house.knows("ann@home.example", "c-1")
    house.knows("bob@home.example", "c-2")
    sent = house.sends("c-1", "0123456789abcdef01234567")
    await house.take(written(sender="bob@home.example", answers=sent))
    assert [event.subject for event in house.told] == ["c-2"]
    house.merged["c-1"] = "c-2"
    await house.take(written(sender="bob@home.example", answers=sent, id="m-2@home.example"))
    assert [event.subject for event in house.told] == ["c-2", "c-2"]


async def test_a_name_that_others_know_proves_nothing() -> None:
    """Of a mail of the customer's own, whoever was written to as well knows the name."""
    house = House()
    house.knows("ann@home.example", "c-1")
    await house.take(written())
    await house.take(written(sender="carl@else.example", answers="m-1@home.example", id="m-9@else.example"))
    assert [event.subject for event in house.told] == ["c-1", "c-carl"]


async def test_a_name_of_ours_cannot_be_taken() -> None:
    house = House()
    house.knows("ann@home.example", "c-1")
    sent = house.sends("c-1", "0123456789abcdef01234567")
    assert await house.take(written(sender="thief@else.example", id=sent)) == "own"
    assert (
        await house.take(written(sender="thief@else.example", id="0123456789abcdef01234567@x.example"))
        == "own"
    )
    assert not house.told


async def test_a_reply_to_outreach_in_a_complaint_box_is_a_complaint() -> None:
    house = House(mail_complaints="complaints@*=service/high,delivery@shop.example=delivery")
    house.knows("ann@home.example", "c-1")
    sent = house.sends("c-1", "0123456789abcdef01234567")
    assert await house.take(written(answers=sent), "complaints+7@shop.example") == "complaint"
    assert await house.take(written(id="m-2@home.example"), "delivery@shop.example") == "complaint"
    rows = sorted((row["category"], row["severity"]) for row in house.worker.rows("complaints"))
    assert rows == [("delivery", "normal"), ("service", "high")]


async def test_what_the_envelope_has_lost_the_headers_say() -> None:
    house = House()
    raw = written(more=f"X-Original-To: {COMPLAINTS}")
    assert await house.take(raw, "rapport@localhost") == "complaint"


async def test_a_form_of_ours_writes_for_a_customer() -> None:
    house = House(mail_own="shop.example")
    raw = written(sender="form@www.shop.example", more="Reply-To: Ann <ann@home.example>")
    assert await house.take(raw) == "message"
    assert [event.subject for event in house.told] == ["c-ann"]
    assert await house.take(written(sender="agent@shop.example")) == "own"


async def test_the_address_of_one_who_had_none_is_told() -> None:
    house = House()
    house.people["ann@home.example"] = "c-1"
    await house.take(written())
    [profile] = [event.data for event in house.told if isinstance(event.data, CustomerUpdated)]
    assert (profile.email, profile.name) == ("ann@home.example", "Ann")
    await house.take(written(id="m-2@home.example"))
    assert len(house.told) == 3


async def test_who_is_away_answers_nothing() -> None:
    house = House()
    house.knows("erika@web.example", "c-1")
    assert [await house.take(recorded(name)) for name in AWAY] == [
        "ignored",
        "automatic",
        "ignored",
        "ignored",
    ]
    assert house.conversations("c-1") == []
    [contact] = contacts(house)
    assert (contact.author, contact.kind, contact.in_reply_to) == ("system", "automatic_reply", None)


async def test_who_is_away_is_seen_where_an_agent_has_written() -> None:
    house = House()
    await house.take(written())
    [one] = house.conversations("c-ann")
    sent = house.answers("c-ann", one.conversation_id)
    raw = written("Away.", id="v-1@home.example", answers=sent, more="Auto-Submitted: auto-replied")
    assert await house.take(raw, sender="") == "automatic"
    [one] = house.conversations("c-ann")
    assert [m.by for m in one.messages] == ["customer", "agent", "other"]
    assert one.status == "waiting", "it is no answer"


async def test_a_mailbox_full_of_loops_and_bounces_starts_no_conversation() -> None:
    house = House(bounce_address=BOUNCES, mail_own="shop.example")
    house.sends("c-1", "o-1")
    hops = "\r\n".join("Received: from a by b; Thu, 26 Nov 2026 10:00:00 +0000" for _ in range(60))
    box = [
        (mail(POSTFIX, mark=""), "unknown_report"),  # whoever has seen an answer could have written it
        (mail(ARF, mark=""), "unknown_report"),
        (mail(POSTFIX, to=SIGNED.of("o-1"), mark=""), "report"),
        (mail(POSTFIX, id="unknown"), "unknown_report"),
        (mail(POSTFIX, action="delayed", status="4.4.1"), "ignored"),
        (mail(ARF), "report"),
        (mail(VACATION), "automatic"),
        (recorded("receipt"), "ignored"),
        (recorded("newsletter"), "list"),
        (written(more=hops), "loop"),
        (written(id="o-1@shop.example"), "own"),
        (written(sender="service@shop.example"), "own"),
        (written(more="Precedence: bulk"), "ignored"),
        (written(sender="noreply@parcel.example"), "ignored"),
        (written(sender="nobody"), "nobody"),
        (written(sender="Ann <ann@.>"), "nobody"),
        *((recorded(name), "ignored") for name in AWAY),
    ]
    for raw, what in box:
        assert await house.take(raw) == what
    assert house.worker.rows("conversations") == [] == house.worker.rows("complaints")
    [vacation] = contacts(house)
    assert (vacation.author, vacation.conversation_id, vacation.message_id) == ("system", None, None)


async def test_a_postmaster_may_be_a_person() -> None:
    house = House()
    raw = written("It is broken.", sender="Ann <postmaster@home.example>")
    assert await house.take(raw, COMPLAINTS) == "complaint"
    assert await house.take(written(sender="postmaster@home.example", id="x@y"), sender="") == "ignored"
    assert await house.take(mail(POSTFIX, id="unknown")) == "unknown_report"
    assert len(house.worker.state("c-postmaster").complaints) == 1


async def test_what_comes_back_is_told_to_followup() -> None:
    house = House(bounce_address=BOUNCES)
    house.sends("c-1", "abc123")
    raw = mail(POSTFIX, mark="")
    assert await house.take(raw, SIGNED.of("abc123"), sender="") == "report"
    assert await house.take(raw, SIGNED.of("abc123"), sender="") == "report"
    first, again = house.told
    assert (first.source, first.subject, first.id) == (SOURCE, "c-1", again.id)
    assert first.data == ReceiptReported(outreach_id="abc123", what="bounced", code="5.1.1")


async def test_what_comes_back_at_once_is_asked_for_again() -> None:
    """It was faster than the word that the mail had gone."""
    house = House()
    soon = (house.worker.now + timedelta(minutes=1)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    raw = f"Received: by mx; {soon}\r\n".encode() + mail(POSTFIX)
    with pytest.raises(NotYetError):
        await house.take(raw)
    house.sends("c-1", "o-1")
    assert await house.take(raw) == "report"
    house = House()
    house.worker.advance(timedelta(minutes=30))
    assert await house.take(raw) == "unknown_report"


async def test_nothing_is_lost_while_the_broker_is_away() -> None:
    house = House()
    house.away = True
    with pytest.raises(BrokerAwayError):
        await house.take(written())
    house.away = False
    assert await house.take(written()) == "message"


async def test_the_time_is_when_our_server_had_it() -> None:
    house = House()
    held = (house.worker.now - timedelta(hours=3)).replace(microsecond=0)
    for number, time in enumerate([held, held - timedelta(days=20), held + timedelta(days=2)]):
        received = f"Received: from x by y; {time.strftime('%a, %d %b %Y %H:%M:%S +0000')}\r\n"
        await house.take(received.encode() + written(id=f"m-{number}@home.example"))
    assert [event.time for event in house.told] == [held, *(house.told[n].time for n in (1, 2))]
    assert all(event.time > held + timedelta(hours=2) for event in house.told[1:])


def test_names_of_ours_and_of_theirs_never_meet() -> None:
    house = House()
    house.worker.tell(
        "c-1", InteractionLogged.model_validate(SAID | {"message_id": "<n@x>", "direction": "inbound"})
    )
    assert own_key("n@x") not in {row["_id"] for row in house.worker.rows("mails")}
    house.worker.tell("c-1", InteractionLogged.model_validate(SAID | {"message_id": "<n@x>"}))
    assert own_key("n@x") in {row["_id"] for row in house.worker.rows("mails")}
    house.worker.tell("c-1", InteractionLogged.model_validate(SAID | {"message_id": "s", "channel": "sms"}))
    house.worker.tell("c-1", ComplaintOpened.model_validate(OPENED))
    assert len(house.worker.rows("mails")) == 2


SAID = {"channel": "email", "direction": "outbound", "kind": "x", "summary": "x"}
OPENED = {
    "complaint_id": "x", "channel": "email", "category": "x", "severity": "low", "description": "x",
}  # fmt: skip
