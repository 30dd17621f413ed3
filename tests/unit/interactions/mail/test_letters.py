"""What is read of a mail: who writes, what is new in it, and in answer to what."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from services.interactions.mail.events import name_of
from services.interactions.mail.html import text_of
from services.interactions.mail.letter import Party, read
from services.interactions.mail.quoting import Said, split
from services.interactions.mail.words import decoded, header

from .recorded import recorded


def test_gmail() -> None:
    letter = read(recorded("gmail"))
    assert letter.sender == Party("juergen.mueller@gmail.example", "Jürgen Müller")
    assert letter.message_id == "CAF7oQ=yR2bKxk1m0Zv9qfYH4cX1Pz6nLw@mail.gmail.example"
    assert letter.answers == ("4f6b0a1c2d3e4f5061728394@shop.example",)
    assert letter.subject == "Re: Your order 4711"
    assert letter.said.text == (
        "Hallo,\n\ndie Lampe ist leider noch nicht da. Können Sie nachsehen?\n\nViele Grüße\nJürgen"
    )
    assert letter.said.quoted.startswith(
        "Am Do., 26. Nov. 2026 um 10:02\N{NARROW NO-BREAK SPACE}Uhr schrieb Shop"
    )
    assert "> Your order 4711 is on its way." in letter.said.quoted
    assert letter.taken_at == datetime(2026, 11, 26, 10, 14, 31, tzinfo=UTC)
    assert letter.addressed == ("service@shop.example",)


def test_outlook_and_its_picture() -> None:
    letter = read(recorded("outlook"))
    assert letter.sender == Party("jane.doe@contoso.example", "Doe, Jane")
    assert letter.said.text == "The box arrived crushed, see the picture. I paid £50 for it…\n\nJane"
    assert letter.said.quoted.splitlines()[1] == "From: Shop <service@shop.example>"
    assert letter.message_id is not None
    assert letter.message_id.startswith("DB9PR03MB1234F00DCAFE")
    [picture] = letter.files
    data = bytes.fromhex("ffd8ffe000104a4649460001")
    assert (picture.name, picture.type, picture.size) == ("box.jpg", "image/jpeg", 12)
    assert picture.sha256 == sha256(data).hexdigest()
    assert picture.content_id == "f_box0"


def test_html_alone_becomes_text() -> None:
    letter = read(recorded("outlook_html"))
    assert letter.subject == "Commande annulée"
    assert letter.said.text == "Bonjour,\n\nMa commande est annulée — pourquoi ?"
    assert letter.said.quoted.startswith("De : Shop <service@shop.example>")
    assert "alert" not in letter.said.text + letter.said.quoted


def test_apple_mail_flows() -> None:
    letter = read(recorded("apple"))
    assert letter.said.text == (
        "It was good, but the zip broke after a week and I would like another one.\n\nSent from my iPhone"
    )
    assert (
        letter.said.quoted
        == "> On 26 Nov 2026, at 09:12, Shop <service@shop.example> wrote:\n>\n> How was it?"
    )


def test_answers_between_the_lines_stay_with_them() -> None:
    letter = read(recorded("mutt"))
    assert letter.answers == ("two@shop.example", "one@shop.example")
    assert letter.said.quoted == ""
    assert "> Did you get the invoice?\n\nYes." in letter.said.text
    assert letter.taken_at == datetime(2026, 11, 26, 10, 40, tzinfo=UTC)


def test_an_answer_below_what_it_quotes() -> None:
    letter = read(recorded("thunderbird"))
    assert letter.said == Said(
        "Danke, aber der Code geht nicht. Die Kasse sagt, er sei schon\nverbraucht.",
        "Am 26.11.26 um 09:00 schrieb Shop:\n> Ihr Gutschein läuft bald ab.",
    )


@pytest.mark.parametrize(
    "above",
    [
        "On Mon, Nov 23, 2026 at 10:00 AM Shop <s@shop.example> wrote:",
        "Am 23.11.2026 um 10:00 schrieb Shop:",
        "Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb Shop <\ns@shop.example>:",
        "Le lun. 23 nov. 2026 à 10:00, Shop <s@shop.example> a écrit :",
        "El lun, 23 nov 2026 a las 10:00, Shop (<s@shop.example>) escribió:",
        "Il giorno lun 23 nov 2026 alle ore 10:00 Shop <s@shop.example> ha scritto:",
        "Op ma 23 nov 2026 om 10:00 schreef Shop <s@shop.example>:",
        "Em seg., 23 de nov. de 2026 às 10:00, Shop <s@shop.example> escreveu:",
        "-----Original Message-----\nFrom: Shop",
        "-----Ursprüngliche Nachricht-----\nVon: Shop",
        "________________________________\nVon: Shop <s@shop.example>\nGesendet: Montag, 23. November 2026",
        "From: Shop <s@shop.example>\nSent: Monday",
        "*From:* Shop <s@shop.example>\n*Sent:* Monday",
        "Shop <s@shop.example> schrieb am Mo., 23. Nov. 2026, 10:00:",
        "2026-11-23 10:00, Shop wrote:",
    ],
)
def test_who_is_quoted_is_said_in_many_ways(above: str) -> None:
    for mark in ("> ", ""):
        quoted = f"{above}\n\n{mark}Your order is on its way."
        assert split(f"Thanks!\n\n{quoted}") == Said("Thanks!", quoted)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks!",
        "",
        "On Monday I wrote:\nnothing, and I am sorry.\n\nFrom: me",
        "> all of it is quoted\n> and no more",
        "--\nAnn",
    ],
)
def test_nothing_is_cut_where_nothing_is_quoted(text: str) -> None:
    assert split(text).text == text.strip("\n")


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("5 € “now”".encode("cp1252"), "iso-8859-1", "5 € “now”"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        ("こんにちは".encode("iso2022_jp"), "ISO-2022-JP", "こんにちは"),
        ("Grüße".encode(), "x-unknown", "Grüße"),
        (b"abc", "zlib", "abc"),
        (b"abc-", "punycode", "abc-"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"abc", "\x00", "abc"),
        (b"abc", None, "abc"),
    ],
)
def test_charsets_that_are_told_and_those_that_are_true(data: bytes, charset: str | None, text: str) -> None:
    assert decoded(data, charset) == text


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?b?R3LD?=\r\n =?utf-8?b?vMOfZQ==?=", "Grüße"),
        ("Re: =?iso-8859-1*de?Q?Gr=FC=DFe?= an alle", "Re: Grüße an alle"),
        ("=?x?q?a?=", "a"),
        ("=?utf-8?b?!!!?=", ""),
        ("=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        ("a\x00b\r\n c", "ab c"),
        ("Gr\udcc3\udcbc\udcc3\udc9fe", "Grüße"),
    ],
)
def test_words_of_headers(raw: str, words: str) -> None:
    assert header(raw) == words


def test_html_is_read_as_people_see_it() -> None:
    html = (
        "<h1>Hello</h1><p>one<br>two</p><ul><li>a<li>b</ul><table><tr><td>x<td>y</table>"
        "<blockquote><p>old</p></blockquote><style>p{}</style><script>x()</script><a href=data:x>link</a>"
        "<img src=x onerror=alert(1)><!-- c --><pre>  as\n  is</pre>&lt;b&gt;"
    )
    assert text_of(html) == ("Hello\n\none\ntwo\n\n- a\n- b\n\nx y\n\n> old\n>\nlink\n\n  as\n  is\n\n<b>")


def test_the_same_mail_has_one_name() -> None:
    raw = recorded("gmail")
    again = b"Received: from elsewhere; Fri, 27 Nov 2026 10:00:00 +0000\r\n" + raw
    assert name_of(read(raw)) == name_of(read(again))
    unnamed = raw.replace(b"Message-ID:", b"X-Was:")
    assert name_of(read(unnamed)) == name_of(read(b"Return-Path: <a@b.example>\r\n" + unnamed))
    assert name_of(read(unnamed)) != name_of(read(unnamed.replace(b"Lampe", b"Leuchte")))
    assert name_of(read(raw)) != name_of(read(raw.replace(b"Message-ID: <CAF", b"Message-ID: <CAG")))


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("Ann <ann@home.example>", "ann@home.example"),
        ("ANN@Home.example", "ann@home.example"),
        ('"ann@bank.example" <thief@home.example>', "thief@home.example"),
        ("=?utf-8?q?ann=40bank=2Eexample=2C?= <thief@home.example>", "thief@home.example"),
        ("ann@home.example, bob@home.example", "ann@home.example"),
        ("undisclosed-recipients:;", None),
        ("Ann", None),
        ("<>", None),
        ("", None),
    ],
)
def test_who_it_is_from(told: str, address: str | None) -> None:
    sender = read(f"From: {told}\r\n\r\nx".encode()).sender
    assert (None if sender is None else sender.address) == address
    assert sender is None or "@" not in (sender.name or "")


@pytest.mark.parametrize(
    ("told", "address", "name"),
    [
        ("ann@home.example <eve@other.example>", "eve@other.example", None),
        ("Ann Lee ann@home.example <eve@other.example>", "eve@other.example", None),
        ("ann@home.example (Ann) <Eve@other.example>", "eve@other.example", None),
        ('"ann@home.example" <eve@other.example>', "eve@other.example", None),
        ('"Lee, <ann@home.example>" <eve@other.example>', "eve@other.example", None),
        ("Lee, Eve <eve@other.example>", "eve@other.example", "Eve"),
        ("Eve <eve@other.example>, ann@home.example", "eve@other.example", "Eve"),
        ("eve@other.example, Ann <ann@home.example>", "eve@other.example", None),
        ("<@relay.example:eve@other.example>", "eve@other.example", None),
        ("Eve <eve@other.example", "eve@other.example", "Eve"),
    ],
)
def test_an_address_before_the_one_in_brackets_is_nobody(told: str, address: str, name: str | None) -> None:
    """What lets a mail in (DMARC) judges the address in brackets: the other may be anybody's."""
    for header_name in ("From", "Reply-To"):
        letter = read(f"{header_name}: {told}\r\n\r\nx".encode())
        assert (letter.sender or letter.reply_to) == Party(address, name)


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("m-1@shop.example", ("m-1@shop.example",)),
        ("<m-1@shop.example>", ("m-1@shop.example",)),
        ("Your message of Monday, ann@home.example", ()),
        ("m-1", ()),
    ],
)
def test_what_is_answered_may_be_named_without_brackets(told: str, names: tuple[str, ...]) -> None:
    assert read(f"From: a@b.example\r\nIn-Reply-To: {told}\r\n\r\nx".encode()).answers == names
