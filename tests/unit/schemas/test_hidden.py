"""What an error of Pydantic says goes to logs as it is: it never shows what somebody sent."""

from itertools import chain
from typing import Any

import pytest
from pydantic import ValidationError

from services.followup.domain.rows import Delivery
from services.followup.domain.state import Customer
from services.interactions.domain.state import Customer as Known
from shared.journal.later import read_state
from shared.schemas.topics import TYPES

MARKED = "anna.marked@example.com"


@pytest.mark.parametrize(
    "cls", [*chain(TYPES.values(), (Delivery, Customer, Known))], ids=lambda c: c.__name__
)
def test_no_error_shows_its_input(cls: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        cls.model_validate(MARKED)
    assert MARKED not in str(raised.value)


def test_a_state_that_cannot_be_read_is_not_shown() -> None:
    with pytest.raises(ValidationError) as raised:
        read_state(Customer, f'{{"customer_id": ["{MARKED}"]}}')
    assert MARKED not in str(raised.value)
