"""A fact that names another customer stays in the timeline of whom it is about when that one is erased."""

from typing import Any

import pytest

from services.interactions.domain.erasing.elsewhere import nameless
from services.interactions.domain.rows import TimelineRow
from services.interactions.domain.timeline import timeline_row
from shared.schemas.base import Data
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.times import micros
from tests.unit.journal.driver import START, purchase

BEN = "marked-ben"
REFERRED = ReferralMade.model_validate({"referred_customer": BEN, "campaign": "spring"})
APART = CustomerUnmerged.model_validate({"from": BEN, "reason": "two people"})


def row_of(data: Data) -> dict[str, Any]:
    return timeline_row(Event("e", "/shop", "ann", START, data), micros(START)).document()


@pytest.mark.parametrize(
    ("data", "summary", "left"),
    [
        (REFERRED, "Referred a friend", '{"campaign":"spring"}'),
        (
            CustomerMerged(into=BEN, reason="one address"),
            "Merged into another customer: one address",
            '{"reason":"one address"}',
        ),
        (APART, "No part of another customer any more: two people", '{"reason":"two people"}'),
    ],
)
def test_it_says_the_same_and_names_nobody(data: Data, summary: str, left: str) -> None:
    row = row_of(data)
    assert [*row["names"]] == [BEN]
    after = row | nameless(row, frozenset({BEN}))
    assert (after["summary"], after["data"], after["names"]) == (summary, left, [])
    assert BEN not in str(after)
    (read,) = TimelineRow.read([after])
    assert read.customer_id == "ann"


def test_most_rows_name_nobody_and_have_no_such_field() -> None:
    event = purchase(1, "ann", START, 5)
    assert "names" not in timeline_row(event, micros(START)).document()
