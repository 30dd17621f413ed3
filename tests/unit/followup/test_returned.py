"""What mails that come back say, and how their message is found. Bombs go off quietly."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.channels.email import EmailSettings
from shared.mail.addresses import BounceAddress, BounceAddressError
from shared.mail.bounces import verdict
from shared.mail.marks import mark_of, read_mark
from shared.mail.returned import MOST_BYTES, Returned, believed, read

from .returned_mail import ARF, EXCHANGE, KEY, POSTFIX, QMAIL, VACATION, mail


def said(raw: bytes) -> tuple[str, str | None, str | None, str | None] | None:
    """(what, kind, code, name of the message)"""
    found = read(raw)
    return found and (found.what, found.kind, found.code, next(iter(believed(found, (KEY,), None)), None))


def kind(found: Returned | None) -> str:
    assert found is not None
    return verdict(found.kind, found.code).kind


@pytest.mark.parametrize(
    ("raw", "what", "code"),
    [
        (mail(POSTFIX), "bounced", "5.1.1"),
        (mail(POSTFIX, status="5.7.1", diagnosis="554 5.7.1 blocked"), "bounced", "5.7.1"),
        (mail(POSTFIX, status="4.4.7", diagnosis="timed out"), "bounced", "4.4.7"),
        (mail(POSTFIX, status="5.0.0", diagnosis="550 5.1.1 no such user"), "bounced", "5.1.1"),
        (mail(POSTFIX, status="5.0.0", diagnosis="550 no"), "bounced", "5.0.0"),
        (mail(POSTFIX, status="", diagnosis="550 User unknown"), "bounced", "5.1.1"),
        (mail(POSTFIX, status="5.1.1 (bad mailbox)"), "bounced", "5.1.1"),
        (mail(POSTFIX, action="delivered", status="2.0.0"), "delivered", None),
        (mail(EXCHANGE), "bounced", "5.1.10"),
        (mail(ARF), "complained", None),
        (mail(ARF, kind="Fraud"), "complained", None),
    ],
)
def test_what_a_report_says(raw: bytes, what: str, code: str | None) -> None:
    assert said(raw) == (what, None, code, "o-1")


@pytest.mark.parametrize(
    "raw",
    [
        mail(POSTFIX, action="delayed", status="4.4.1"),
        mail(POSTFIX, action="relayed", status="2.0.0"),
        mail(ARF, kind="not-spam"),
        mail(ARF, kind="auth-failure"),
        mail(VACATION),
        b"",
        b"\x00\xff" * 1000,
        b"Subject: hello\r\n\r\nDear store, my order o-1 did not arrive.",
    ],
)
def test_what_is_no_report_says_nothing(raw: bytes) -> None:
    assert read(raw) is None


def test_servers_with_words_of_their_own() -> None:
    unknown = read(mail(QMAIL, diagnosis="Sorry, no mailbox here by that name. (#5.1.1)"))
    assert unknown is not None
    assert (unknown.what, unknown.code, unknown.marks) == ("bounced", "5.1.1", (mark_of(KEY, "o-1"),))
    assert kind(unknown) == "hard"
    blocked = read(mail(QMAIL, diagnosis="554 rejected: blocked by our policy"))
    assert kind(blocked) == "soft"
    assert kind(read(mail(QMAIL, diagnosis="Sorry, it did not work."))) == "hard"


def test_of_several_recipients_the_worst_counts() -> None:
    two = mail(POSTFIX).replace(
        b"Final-Recipient", b"Final-Recipient: rfc822; x@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n"
        b"\r\nFinal-Recipient", 1
    )  # fmt: skip
    assert said(two) == ("bounced", None, "5.1.1", "o-1")


def test_a_reports_own_name_is_not_the_messages() -> None:
    found = read(mail(POSTFIX))
    assert found is not None
    assert found.marks == (mark_of(KEY, "o-1"),)
    assert "bounces@news.example" in found.to


def test_a_complaint_names_its_envelope() -> None:
    bounces = BounceAddress.parse("bounces+{token}@news.example", (KEY,))
    found = read(mail(ARF, sender=bounces.of("abc123")))
    assert found is not None
    assert [bounces.read(address) for address in found.to].count("abc123") == 1


NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(20_000)
)


@pytest.mark.parametrize(
    "bomb",
    [
        NESTED,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
        b"X-A: b\r\n" * 100_000,
        b"Subject: " + b"a" * 5_000_000,
        b"Subject: a\r\n" + b" b\r\n" * 200_000,
        b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: delayed\r\n\r\n" * 50_000,
        b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: failed\r\n\r\n" * 50_000,
        b"To: " + b"a@b," * 100_000,
        b"Subject: x\r\n\r\n" + b"CFBL-Feedback-ID: a-b\r\n" * 50_000,
        b"Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=x-evil\r\n\r\n!!!!",
        mail(POSTFIX).replace(b"us-ascii", b"\xff\xfe"),
    ],
)
def test_a_bomb_costs_little(bomb: bytes) -> None:
    started = time.process_time()  # of this process alone: others may be busy
    found = read(bomb)
    assert time.process_time() - started < 5
    assert found is None or len(found.marks) <= 20


def test_a_report_before_a_large_message_is_read() -> None:
    raw = mail(EXCHANGE).replace(b"Dear Ada", b"x" * 76 + b"\r\n" * (2 * MOST_BYTES))
    assert said(raw) == ("bounced", None, "5.1.10", "o-1")


@given(st.binary(max_size=2000))
def test_nothing_breaks_it(raw: bytes) -> None:
    read(raw)
    read(mail(POSTFIX)[: len(raw) * 2] + raw)


@given(st.text(alphabet="0123456789abcdef", min_size=24, max_size=24))
def test_an_envelope_names_its_message(id: str) -> None:
    bounces = BounceAddress.parse("Bounces+{token}@News.example", (KEY,))
    address = bounces.of(id)
    assert len(address.partition("@")[0]) <= 64
    assert bounces.read(address) == bounces.read(address.upper()) == id
    assert BounceAddress.parse("bounces+{token}@news.example", (b"other",)).read(address) is None
    changed = address.replace(id, id[::-1])
    assert changed == address or bounces.read(changed) is None
    EmailMessage()["To"] = address


@given(st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True))
def test_a_mark_is_good_for_its_message_and_key(id: str) -> None:
    mark = mark_of(KEY, id)
    assert len(f"CFBL-Feedback-ID: {mark}") <= 998
    assert read_mark((b"new", KEY), mark) == id
    assert read_mark((b"new",), mark) is None
    assert read_mark((KEY,), f"x{mark}") is None
    assert read_mark((KEY,), id) != id


@pytest.mark.parametrize(
    "bad", ["", "-", "o-1", "o-1-", "o-1-" + "a" * 15, "a b-" + "a" * 16, "o-1-" + "ä" * 16]
)
def test_what_is_no_mark_names_nothing(bad: str) -> None:
    assert read_mark((KEY,), bad) is None


def test_ids_that_are_no_part_of_an_address_are_left_out() -> None:
    bounces = BounceAddress.parse("bounces+{token}@news.example", (KEY,))
    for id in ("a:b", "A", "a..b", "x" * 31, "a b"):
        assert bounces.of(id) == "bounces@news.example"
    assert bounces.read("bounces@news.example") is None
    assert bounces.read("bounces+x@news.example") is None
    plain = BounceAddress.parse("bounces@news.example", (KEY,))
    assert plain.of("abc") == "bounces@news.example"
    assert plain.read("bounces@news.example") is None


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("bounces", "one address"),
        ("a b@news.example", "one address"),
        ("bounces+{token}@news.example\r\nBcc: x", "one address"),
        ("bounces@{token}.example", "before the @"),
        ("bounces-of-our-newsletter+{token}@news.example", "more than 20 characters"),
    ],
)
def test_a_bad_setting_says_why(setting: str, why: str) -> None:
    with pytest.raises(BounceAddressError, match=why):
        BounceAddress.parse(setting, (KEY,))
    with pytest.raises(ValueError, match=why):
        EmailSettings(bounce_address=setting)
