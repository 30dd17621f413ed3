"""Counts, amounts and dates as people read them in other languages and countries."""

from zoneinfo import ZoneInfo

import pytest

from services.followup.config import load_templates
from shared.templates.speech import Speech
from shared.templates.wording import counted, date, moment, money, number

HARD = "\u00a0"
LANGUAGES = load_templates(None).languages


def speech(tag: str) -> Speech:
    return next(LANGUAGES.speeches(tag))


@pytest.mark.parametrize(
    ("tag", "zero", "one", "many"),
    [
        ("de", "0 Punkte", "1 Punkt", "1.250 Punkte"),
        ("es", "0 puntos", "1 punto", "1.250 puntos"),
        ("fr", "0 point", "1 point", f"1{HARD}250 points"),
        ("en-GB", "0 points", "1 point", "1,250 points"),
        ("de-CH", "0 Punkte", "1 Punkt", "1’250 Punkte"),
    ],
)
def test_counts_by_the_languages_own_plurals(tag: str, zero: str, one: str, many: str) -> None:
    assert [counted(n, "point", speech(tag)) for n in (0, 1, 1250)] == [zero, one, many]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("de", ["1", "zwei", "zwölf", "13"]),
        ("es", ["1", "dos", "doce", "13"]),
        ("fr", ["1", "deux", "douze", "13"]),
        ("en", ["one", "two", "twelve", "13"]),
    ],
)
def test_small_numbers_in_words(tag: str, words: list[str]) -> None:
    assert [number(n, speech(tag), words=True) for n in (1, 2, 12, 13)] == words


@pytest.mark.parametrize(
    ("tag", "amount", "currency", "text"),
    [
        ("de", 129950, "EUR", f"1.299,50{HARD}€"),
        ("de-AT", 129950, "EUR", f"€{HARD}1.299,50"),
        ("es", 129950, "EUR", f"1.299,50{HARD}€"),
        ("es-MX", 129950, "EUR", f"EUR{HARD}1,299.50"),
        ("fr", 129950, "EUR", f"1{HARD}299,50{HARD}€"),
        ("en", 129950, "EUR", "1,299.50 EUR"),
        ("en-US", 129950, "EUR", "€1,299.50"),
        ("en-GB", -5, "GBP", "-£0.05"),
        ("de", 12000, "JPY", f"12.000{HARD}¥"),
        ("de", 1234567, "KWD", f"1.234,567{HARD}KWD"),
        ("de", 5, "XTS", f"0,05{HARD}XTS"),
    ],
)
def test_amounts(tag: str, amount: int, currency: str, text: str) -> None:
    assert money({"amount": amount, "currency": currency}, speech(tag)) == text


@pytest.mark.parametrize(
    ("tag", "day", "time"),
    [
        ("en", "1 March 2026", "1 March 2026 at 00:30 CET"),
        ("en-GB", "1 March 2026", "1 March 2026 at 00:30 CET"),
        ("en-US", "March 1, 2026", f"March 1, 2026 at 12:30{HARD}AM CET"),
        ("de", "1. März 2026", "1. März 2026 um 00:30 Uhr (MEZ)"),
        ("es", "1 de marzo de 2026", "1 de marzo de 2026, 0:30 (CET)"),
        ("fr", "1er mars 2026", "1er mars 2026 à 00:30 (CET)"),
    ],
)
def test_dates_and_times(tag: str, day: str, time: str) -> None:
    told, berlin = "2026-02-28T23:30:00+00:00", ZoneInfo("Europe/Berlin")
    assert date(told, berlin, speech(tag)) == day
    assert moment(told, berlin, speech(tag)) == time


def test_a_zone_without_letters_is_written_by_its_distance() -> None:
    told = "2026-03-05T23:30:00+00:00"
    assert moment(told, ZoneInfo("Asia/Kathmandu"), speech("de")).endswith("05:15 Uhr (UTC+05:45)")
    assert moment(told, ZoneInfo("UTC"), speech("fr")).endswith("23:30 (UTC)")


def test_a_day_is_that_day_everywhere_and_a_time_without_a_zone_is_the_readers() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert date("2026-03-05", ZoneInfo(zone)) == "5 March 2026"
        assert moment("2026-03-05", ZoneInfo(zone), speech("de")) == "5. März 2026"
        assert date("2026-03-05T23:30:00", ZoneInfo(zone)) == "5 March 2026"


@pytest.mark.parametrize("tag", ["de", "es", "fr", "en-US"])
def test_what_is_none_and_what_is_not_there(tag: str) -> None:
    there, utc = speech(tag), ZoneInfo("UTC")
    assert (date("<day>", utc, there), money("<sum>", there), number("<n>", there)) == (
        "<day>",
        "<sum>",
        "<n>",
    )
    nothing = (date(None, utc, there), moment(None, utc, there), money(None, there), number(None, there))
    assert {*nothing, counted(None, "point", there)} == {""}


def test_fractions_have_the_languages_own_mark() -> None:
    assert [number(0.5, speech(tag)) for tag in ("en", "de", "fr", "en-US")] == ["0.5", "0,5", "0,5", "0.5"]
