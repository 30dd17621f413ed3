"""An e-mail's way on the running platform: it becomes a complaint, is answered, and its answer stands beside
it; what is no customer's begins nothing."""

import uuid
from email.message import Message
from smtplib import LMTP
from typing import Any

from shared.mail.marks import HEADER
from tests.stack import Stack, awake, event, new_customer, until
from tests.unit.followup.returned_mail import POSTFIX, VACATION, mail
from tests.unit.interactions.mail.recorded import AWAY, recorded

BOX = "complaints@shop.example"


def hand_in(stack: Stack, raw: bytes, *to: str, sender: str = "") -> None:
    """By LMTP, as a mail server does: it is in the log when this returns."""
    host, _, port = stack.env["RAPPORT_MAIL_IN"].rpartition(":")
    with LMTP(host, int(port), timeout=30) as server:
        assert server.sendmail(sender, list(to) or [BOX], raw) == {}


def written(
    address: str, text: str, answers: Message | None = None, *, subject: str = "A broken lamp"
) -> bytes:
    lines = [f"From: Ann Smith <{address}>", f"To: {BOX}", f"Message-ID: <{uuid.uuid4().hex}@home.example>"]
    if answers is not None:
        lines += [
            f"In-Reply-To: {answers['Message-ID']}",
            f"References: {answers['References']} {answers['Message-ID']}",
        ]
    return "\r\n".join(
        [*lines, f"Subject: {subject}", "Date: Thu, 26 Nov 2026 10:00:00 +0000", "", text, ""]
    ).encode()


def whose(stack: Stack, address: str) -> str:
    def found() -> Any:
        return stack.call("interactions", "GET", f"/customers?alias=email:{address}").body.get("items")

    customer: str = until(found, "the customer is known by the address")[0]["customer_id"]
    return customer


def talks(stack: Stack, customer: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = stack.pages("interactions", "/conversations?limit=100")
    return [one for one in items if one["customer_id"] == customer]


def test_a_mail_becomes_a_complaint_is_answered_and_its_answer_stands_beside_it(stack: Stack) -> None:
    address = f"ann-{uuid.uuid4().hex[:8]}@home.example"
    raw = written(address, "It arrived in pieces.\r\n")
    for _ in range(2):  # the mail server has lost our answer, and hands it in again
        hand_in(stack, raw, sender=address)
    customer = whose(stack, address)

    def complaints() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = stack.pages("interactions", "/complaints?limit=100")
        return [one for one in items if one["customer_id"] == customer]

    [complaint] = until(complaints, "the complaint")
    assert (complaint["channel"], complaint["category"], complaint["severity"]) == (
        "email",
        "other",
        "normal",
    )
    [talk] = until(lambda: talks(stack, customer), "the conversation")
    said = {"text": "We are sorry, and send a new one.", "author": "agent", "agent_id": "jo"}
    path = f"/conversations/{talk['conversation_id']}/messages"

    def answered() -> bool:
        """Followup may not know the customer's address yet: it is asked again then, as an agent would."""
        placed = stack.call("interactions", "POST", path, said, key=uuid.uuid4().hex)
        assert placed.status == 201, placed
        return bool(
            until(lambda: stack.mails(address) or _refused(stack, customer), "the mail, or why not")
            and stack.mails(address)
        )

    until(answered, "the agent's answer is sent")
    reply = stack.mails(address)[-1]
    assert str(reply["Subject"]) == "Re: A broken lamp"
    assert str(reply["In-Reply-To"]) in raw.decode()
    thanks = "Thank you!\r\n\r\nOn Thu, 26 Nov 2026 at 10:10, Shop <x@y> wrote:\r\n> We are sorry.\r\n"
    hand_in(stack, written(address, thanks, reply, subject="Re: A broken lamp"), sender=address)

    def said_there() -> list[tuple[str, str]]:
        found = stack.get("interactions", path.removesuffix("/messages"))
        return [(one["author"], one["text"]) for one in found["messages"]]

    until(lambda: ("customer", "Thank you!") in said_there(), "their answer stands in the same conversation")
    assert {author for author, _ in said_there()} == {"customer", "agent"}
    assert len(talks(stack, customer)) == 1
    assert len(complaints()) == 1


def _refused(stack: Stack, customer: str) -> bool:
    items = stack.call("followup", "GET", f"/customers/{customer}/outreach").body.get("items", [])
    return any(one["rule"] == "reply" and one["status"] == "suppressed" for one in items)


def test_a_mailbox_full_of_loops_and_bounces_starts_no_conversation(stack: Stack) -> None:
    customer = new_customer()
    address = f"{customer}@example.org"
    stack.post_events(
        event("customer.registered", customer, {"name": "Ada", "email": address, "timezone": awake()})
    )
    note = {
        "template": "note",
        "variables": {"subject": "Hello", "message": "There"},
        "customer_id": customer,
    }
    until(lambda: stack.call("followup", "POST", "/outreach", note, key="note").status == 201, "it is known")
    [sent] = until(lambda: stack.mails(address), "the mail")
    outreach_id = str(sent["Message-ID"]).strip("<>").partition("@")[0]
    until(
        lambda: (
            "outreach.sent"
            in {one["type"].removeprefix("rapport.").removesuffix(".v1") for one in stack.timeline(customer)}
        ),
        "it is known as sent",
    )
    before = len(stack.pages("interactions", "/conversations?limit=100"))
    hops = "\r\n".join("Received: from a by b; Thu, 26 Nov 2026 10:00:00 +0000" for _ in range(40))
    looped = f"{hops}\r\nAuto-Submitted: auto-replied\r\n".encode() + written(address, "Away.", sent)
    for raw in (
        *(recorded(name) for name in (*AWAY, "newsletter", "receipt")),
        looped,
        mail(VACATION, id=outreach_id),
        sent.as_bytes(),
        mail(POSTFIX, id=uuid.uuid4().hex[:24]),
        mail(POSTFIX, mark="", id=outreach_id),
        mail(POSTFIX, mark=str(sent[HEADER]), id=outreach_id),
    ):
        hand_in(stack, raw, str(sent["Return-Path"]).strip("<>"))

    def bounced() -> bool:
        items = stack.get("followup", f"/customers/{customer}/outreach")["items"]
        return items[0]["bounce_code"] == "5.1.1"

    until(bounced, "followup has heard that it came back")
    stack.settle()
    assert len(stack.pages("interactions", "/conversations?limit=100")) == before
