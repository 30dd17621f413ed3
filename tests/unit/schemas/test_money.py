"""Money as people read it, by the decimal places of its currency."""

import pytest

from shared.schemas.money import figure, written


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
