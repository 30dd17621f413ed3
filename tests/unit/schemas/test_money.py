"""Money as people read it, by the decimal places of its currency."""

import pytest

from shared.schemas.money import figure, minor, written


@pytest.mark.parametrize(
    ("amount", "currency", "reads"),
    [
        (129_950, "EUR", "1,299.50"),
        (-5, "USD", "-0.05"),
        (1_500, "JPY", "1,500"),
        (1_234_567, "KWD", "1,234.567"),
    ],
)
def test_an_amount_has_the_places_of_its_currency(amount: int, currency: str, reads: str) -> None:
    assert figure(amount, currency) == reads
    assert written(amount, currency) == f"{reads} {currency}"


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.5", "EUR", 1_250),
        ("12.5", "JPY", 13),
        ("0.0005", "KWD", 1),
        ("-1e3", "EUR", -100_000),
        ("1e-99", "EUR", 0),
    ],
)
def test_an_amount_is_read_in_minor_units(text: str, currency: str, amount: int) -> None:
    assert minor(text, currency) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1_000",
        "1" * 300_000 + "x",  # read in one pass: each start tried anew would take hours
        "\uff11\uff12",
        "\u0663.5",
        "0x1",
        ".",
        "NaN",
        "sNaN",
        "-Infinity",
        "1e99",
        "1e999999999999",
        "-1e9999999",
    ],
)
def test_what_is_no_amount_is_a_value_error_whatever_its_exponent(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        minor(text, "EUR")
