"""What forms ask for in people's terms."""

import pytest
from babel import Locale
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from services.interactions.desk.views.asked import AskedError, compensation
from services.interactions.desk.words import speech_of
from shared.schemas.money import digits

CURRENCIES = ("EUR", "JPY", "KWD")


def cents(amount: str, language: str, currency: str = "EUR") -> int:
    """Minor units of a refund."""
    locale = speech_of([language]).locale
    assert locale is not None
    money = compensation("refund", "", amount, currency, "", locale).money
    assert money is not None
    return money.amount


@pytest.mark.parametrize(
    ("amount", "language", "found"),
    [
        ("1,250", "en", 125_000), ("1.250", "de", 125_000), ("1,250.00", "en-US", 125_000),
        ("1.250,50", "de", 125_050), ("1.234.567,8", "es", 123_456_780), ("1250", "en", 125_000),
        ("12,50", "en", 1_250), ("12.50", "de", 1_250), (" 12,5 ", "de", 1_250), ("0.01", "es", 1),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_its_page_writes_it(amount: str, language: str, found: int) -> None:
    assert cents(amount, language) == found


@pytest.mark.parametrize("language", ["en", "de", "es", "de-AT", "de-CH"])
@pytest.mark.parametrize("currency", CURRENCIES)
@given(minor=st.integers(1, 10**12 - 1))
def test_what_a_page_shows_may_be_typed(language: str, currency: str, minor: int) -> None:
    places = digits(currency)
    whole, rest = divmod(minor, 10**places)
    shown = f"{whole}.{rest:0{places}d}" if places else str(whole)
    locale = speech_of([language]).locale
    pattern = "#,##0" + ("." + places * "0" if places else "")
    assert cents(format_decimal(shown, pattern, locale=locale), language, currency) == minor


@pytest.mark.parametrize(
    ("amount", "language", "currency"),
    [
        ("1.250", "en", "EUR"), ("1,250", "de", "EUR"), ("12.345", "en", "EUR"), ("12.5", "en", "JPY"),
        ("12,00", "de", "JPY"), ("1.2505", "en", "KWD"), ("1.250.00", "de", "EUR"),
        ("1,25,000", "en", "EUR"), ("12,5000", "en", "EUR"), ("1 250", "en", "EUR"), ("1e3", "en", "EUR"),
        ("-5", "en", "EUR"), ("0", "en", "EUR"), ("0.00", "en", "EUR"), ("", "en", "EUR"),
        ("nan", "de", "EUR"), ("١٢", "en", "EUR"), (",", "en", "EUR"),
        ("9" * 5_000, "en", "EUR"), ("9" * 13, "en", "JPY"),
    ],
)  # fmt: skip
def test_what_could_be_another_amount_is_asked_again(amount: str, language: str, currency: str) -> None:
    with pytest.raises(AskedError):
        cents(amount, language, currency)


def test_points_are_whole() -> None:
    given = compensation("points", "1250", "", "EUR", "", Locale.parse("de"))
    assert given.points == 1_250
    for points in ("1.250", "1,250", "0", "-1", ""):
        with pytest.raises(AskedError):
            compensation("points", points, "", "EUR", "", Locale.parse("de"))
