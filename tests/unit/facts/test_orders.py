"""A refund that rounding made a little too large counts up to what was paid."""

import pytest

from shared.facts.orders import counted_refund
from shared.facts.text import voucher_code


@pytest.mark.parametrize(
    ("left", "refund", "lines", "counted"),
    [
        (17925, 17926, 1, 17925),
        (17925, 17925, 1, 17925),
        (17925, 100, 3, 100),
        (17925, 17927, 1, None),
        (17925, 17927, 2, 17925),
        (0, 1, 1, 0),
        (0, 1, 0, 0),
        (0, 2, 1, None),
    ],
)
def test_a_refund_counts_up_to_what_was_paid(left: int, refund: int, lines: int, counted: int | None) -> None:
    assert counted_refund(left, refund, lines) == counted


def test_a_code_is_the_same_in_lower_case_and_with_spaces() -> None:
    assert voucher_code(" spring-10 ") == voucher_code("SPRING-10") == "SPRING-10"
