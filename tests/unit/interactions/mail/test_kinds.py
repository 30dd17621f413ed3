"""People, programs and circles told apart by headers."""

import base64
from unicodedata import normalize

import pytest

from services.interactions.mail.kinds import Kind, kind_of
from services.interactions.mail.letter import read
from tests.unit.followup.returned_mail import ARF, EXCHANGE, POSTFIX, VACATION, mail

from .recorded import AWAY, PEOPLE, recorded

PLAIN = b"From: ann@home.example\r\nTo: service@shop.example\r\nSubject: Hello\r\n"


def kind(raw: bytes, *, null_sender: bool = False, to: tuple[str, ...] = ("service@shop.example",)) -> Kind:
    letter = read(raw)
    address = letter.sender.address if letter.sender else None
    return kind_of(
        letter.headers, address, null_sender=null_sender, ours=lambda one: one.endswith("@own.example"), to=to
    )


@pytest.mark.parametrize("name", PEOPLE)
def test_people(name: str) -> None:
    assert kind(recorded(name), to=("service@shop.example", "support@shop.example")) == "person"


@pytest.mark.parametrize("name", AWAY)
def test_who_is_away(name: str) -> None:
    assert kind(recorded(name)) == "automatic"


@pytest.mark.parametrize("body", [POSTFIX, EXCHANGE, ARF])
def test_reports(body: str) -> None:
    assert kind(mail(body), null_sender=True) == "report"


def test_a_list_of_others_and_a_group_of_ours() -> None:
    assert kind(recorded("newsletter")) == "list"
    assert kind(recorded("receipt")) == "report"
    assert kind(recorded("group")) == "list"  # not handed in for the group
    assert kind(recorded("group"), to=("support@shop.example",)) == "person"
    assert kind(mail(VACATION)) == "automatic"


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (b"Auto-Submitted: auto-replied", "automatic"),
        (b"Auto-Submitted: auto-generated (rejected)", "automatic"),
        (b"Auto-Submitted: no", "person"),
        (b"Precedence: bulk", "automatic"),
        (b"Precedence: junk", "automatic"),
        (b"Precedence: auto_reply", "automatic"),
        (b"Precedence: list", "list"),
        (b"Precedence: normal", "person"),
        (b"X-Autoreply: yes", "automatic"),
        (b"X-Autorespond: ", "automatic"),
        (b"X-Auto-Response-Suppress: DR, OOF, AutoReply", "automatic"),
        (b"X-Auto-Response-Suppress: DR", "person"),
        (b"X-Vacation: yes", "automatic"),
        (b"X-Amazon-Auto-Reply: true", "automatic"),
        (b"X-Autoresponder-From: ann@home.example", "automatic"),
        (b"X-POST-MessageClass: 9; Autoresponder", "automatic"),
        (b"X-POST-MessageClass: 1; Message", "person"),
        (b"Delivered-To: Autoresponder", "automatic"),
        (b"Delivered-To: my.autoresponder@home.example", "person"),
        (b"List-Unsubscribe: <mailto:u@x.example>", "list"),
        (b"X-Mailer: Outlook", "person"),
    ],
)
def test_headers_of_programs(header: bytes, what: str) -> None:
    assert kind(PLAIN + header + b"\r\n\r\nx") == what


@pytest.mark.parametrize(
    ("sender", "what"),
    [
        (b"MAILER-DAEMON@mx.example", "report"),
        (b"postmaster@mx.example", "postmaster"),
        (b"noreply@parcel.example", "automatic"),
        (b"do-not-reply@parcel.example", "automatic"),
        (b"no-reply-7@parcel.example", "automatic"),
        (b"norep@parcel.example", "person"),
        (b"agent@own.example", "own"),
        (b"service@shop.example", "own"),
        (b"ann@home.example", "person"),
    ],
)
def test_senders_that_are_no_people(sender: bytes, what: str) -> None:
    assert kind(b"From: " + sender + b"\r\n\r\nx") == what


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Your order",
        "[EXT] Automatic reply: Your order",
        "[EXTERNAL] [Shop] Out of Office: Your order",
        "Odpowiedź automatyczna: Zamówienie",
        "Automatyczna odpowiedź: Zamówienie",
        "Automatická odpověď: Objednávka",
        normalize("NFD", "Automatická odpověď: Objednávka"),
        "Automatická odpoveď: Objednávka",
        "自动答复: 订单",
        "自动回复：订单",
        "自動回覆: 訂單",
        "自動応答: ご注文",
        "自動返信： ご注文",
        "자동 회신: 주문",
        "Автоматический ответ: Заказ",
        "Automatikus válasz: Rendelés",
        "Automatisk svar: Ordre",
        "Automaattinen vastaus: Tilaus",
        "Otomatik yanıt: Sipariş",
        "Răspuns automat: Comanda",
    ],
)
def test_who_is_away_says_so_in_the_subject_where_no_header_does(subject: str) -> None:
    encoded = f"=?utf-8?b?{base64.b64encode(subject.encode()).decode()}?="
    assert kind(f"From: ann@home.example\r\nSubject: {encoded}\r\n\r\nx".encode()) == "automatic"


@pytest.mark.parametrize(
    "subject",
    [
        "自動応答について: 質問",
        "Odpowiedź automatyczna nie działa",
        "[EXT] Automatic door",
        "[EXT] Re: Automatic reply: x",
        "Abwesenheit im Dezember",
        "Out of office hours?",
        "Ausente",
        "Re: Automatic reply: x",
        "Auto reply to me",
    ],
)
def test_words_that_people_write_too(subject: str) -> None:
    assert kind(f"From: ann@home.example\r\nSubject: {subject}\r\n\r\nx".encode()) == "person"


def test_circles_and_null_senders() -> None:
    hops = b"".join(b"Received: from a by b; Thu, 26 Nov 2026 10:00:00 +0000\r\n" for _ in range(51))
    assert kind(hops + PLAIN + b"\r\nx") == "loop"
    assert kind(PLAIN + b"\r\nx", null_sender=True) == "automatic"
    assert kind(b"From: postmaster@mx.example\r\n\r\nx", null_sender=True) == "report"


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (b"X-Loop: Service@shop.example", "loop"),
        (b"X-Loop: <service@shop.example> (one)", "loop"),
        (b"X-Loop: myservice@shop.example", "person"),
        (b"Delivered-To: service@shop.example", "person"),
        (b"Delivered-To: service@shop.example\r\nDelivered-To: Service@shop.example", "loop"),
        (b"Delivered-To: a@shop.example\r\nDelivered-To: a@shop.example", "person"),
    ],
)
def test_what_was_in_this_box_before_goes_in_a_circle(header: bytes, what: str) -> None:
    assert kind(PLAIN + header + b"\r\n\r\nx") == what


@pytest.mark.parametrize(
    ("path", "what"),
    [(b"<>", "automatic"), (b" < > ", "automatic"), (b"<ann@home.example>", "person"), (b"", "person")],
)
def test_what_was_handed_on_says_whether_it_may_be_answered(path: bytes, what: str) -> None:
    assert kind(PLAIN + b"Return-Path: " + path + b"\r\n\r\nx") == what
