"""Baskets become purchases: every one, exact to the cent, in the order of the log."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rapport.replay.completejourney import Basket, CompleteJourney, coupons_by_basket
from shared.schemas.codec import parse_cloudevent
from shared.schemas.purchases import PurchaseMade

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def purchases(folder: Path, households: int | None = None) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in CompleteJourney(households, folder).purchases()]


def usd(cents: int) -> dict[str, object]:
    return {"amount": cents, "currency": "USD"}


def by_id(folder: Path) -> dict[str, dict[str, Any]]:
    return {event["id"]: event for event in purchases(folder)}


def test_a_purchase_a_basket_by_time_then_basket(folder: Path) -> None:
    numbers = [event["data"]["order_id"] for event in purchases(folder)]
    assert numbers == ["1001", "1003", "1004", "1005", "1002", "1006"]


def test_every_purchase_is_valid_and_keyed_by_its_household(folder: Path) -> None:
    for record in CompleteJourney(None, folder).purchases():
        event = parse_cloudevent(record.value, NOW)
        assert isinstance(event.data, PurchaseMade)
        assert (record.topic, record.key, record.at) == ("purchases", event.subject, event.time)


def test_the_event_carries_what_was_recorded(folder: Path) -> None:
    event = by_id(folder)["b-1001"]
    assert event["source"] == "/datasets/completejourney"
    assert event["subject"] == "hh-7"
    assert event["time"] == "2017-01-02T10:00:00Z"
    assert event["data"] == {
        "order_id": "1001",
        "channel": "in_store",
        "store_id": "store-30",
        "total": usd(799),
        "items": [
            {"sku": "50", "category": "MILK", "quantity": 1, "unit_price": usd(299)},
            {"sku": "51", "category": "BREAD", "quantity": 3, "unit_price": usd(167)},
        ],
        "voucher_codes": ["555"],
    }


def test_cents_are_rounded_not_cut(folder: Path) -> None:
    # 0.29 * 100 and 0.57 * 100 are 28.999... and 56.999... in binary.
    assert [by_id(folder)[key]["data"]["total"]["amount"] for key in ("b-1004", "b-1005")] == [29, 57]


def test_quantities_that_are_no_pieces_become_one(folder: Path) -> None:
    fuel, free = by_id(folder)["b-1002"]["data"], by_id(folder)["b-1003"]["data"]
    assert (fuel["items"][0]["quantity"], fuel["items"][0]["unit_price"]["amount"]) == (1, 2000)
    assert (free["items"][0]["quantity"], free["total"]["amount"]) == (1, 0)


def test_a_category_falls_back_to_the_department_or_is_left_out(folder: Path) -> None:
    assert by_id(folder)["b-1002"]["data"]["items"][0]["category"] == "FUEL"
    assert "category" not in by_id(folder)["b-1005"]["data"]["items"][0]


def test_households_are_those_with_the_lowest_ids(folder: Path) -> None:
    data = CompleteJourney(2, folder)
    assert data.households == [3, 7]
    assert {basket.household for basket in data.baskets} == {3, 7}
    assert sum(basket.cents for basket in data.baskets) == 799 + 2000 + 29 + 57


def test_segments_come_from_the_survey_of_households(folder: Path) -> None:
    assert CompleteJourney(None, folder).segments() == {7: "families", 9: "singles"}


def test_a_coupon_goes_to_the_basket_of_its_day_else_the_next_else_nowhere(folder: Path) -> None:
    events = by_id(folder)
    assert events["b-1001"]["data"]["voucher_codes"] == ["555"]
    assert events["b-1002"]["data"]["voucher_codes"] == ["777"]
    assert events["b-1006"]["data"]["voucher_codes"] == []


def test_a_coupon_used_twice_on_a_day_is_named_once() -> None:
    basket = Basket(1, 2, datetime(2017, 1, 1, 9, tzinfo=UTC), 100)
    day = basket.at.date()
    assert coupons_by_basket([basket], [(2, day, 5), (2, day, 5), (2, day, 6)]) == {1: ["5", "6"]}
