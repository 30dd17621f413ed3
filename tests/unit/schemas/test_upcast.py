"""Old versions are read as today's, for ever."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.schemas.base import Data
from shared.schemas.codec import BadRecordError, data_class, parse_cloudevent
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.purchases import PurchaseMade
from shared.schemas.topics import TYPES
from shared.schemas.upcast import UPCASTERS, Upcaster, current_type, upcast

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
V0 = "rapport.purchase.made.v0"


def old_purchase(**data: Any) -> bytes:
    wire = {
        "specversion": "1.0",
        "id": "r-1",
        "source": "/till/9",
        "type": V0,
        "subject": "cust-1",
        "time": "2020-01-01T00:00:00Z",
        "data": {"order_id": "o-1", "channel": "store", "total_eur": 12.99, "items": [], **data},
    }
    return json.dumps(wire).encode()


def test_a_version_0_purchase_is_read_as_version_1() -> None:
    item = {"sku": "x", "quantity": 3, "unit_price_eur": 4.33, "shelf": 7}
    event = parse_cloudevent(old_purchase(items=[item], voucher="SUMMER", till=3.50), NOW)
    assert isinstance(event.data, PurchaseMade)
    assert event.type == "rapport.purchase.made.v1"
    assert (event.data.total.amount, event.data.total.currency) == (1299, "EUR")
    assert event.data.items[0].unit_price.amount == 433
    assert event.data.voucher_codes == ("SUMMER",)
    assert event.data.model_extra == {"till": 3.5}
    assert event.data.items[0].model_extra == {"shelf": 7}


@pytest.mark.parametrize(
    ("euros", "cents"),
    [
        (0, 0),
        (7, 700),
        (0.29, 29),
        (1.005, 101),
        (4.35, 435),
        (1e2, 10_000),
        (90071992547409, 9007199254740900),
    ],
)
def test_euros_become_exact_cents(euros: float, cents: int) -> None:
    data = parse_cloudevent(old_purchase(total_eur=euros), NOW).data
    assert isinstance(data, PurchaseMade)
    assert data.total.amount == cents


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"total_eur": "ten"}, "data.total.amount"),
        ({"total_eur": "10"}, "data.total.amount"),
        ({"total_eur": None}, "data.total.amount"),
        ({"total_eur": True}, "data.total.amount"),
        ({"total_eur": -0.01}, "data.total.amount"),
        ({"total_eur": 1e300}, "data.total.amount"),
        ({"items": 3}, "data.items"),
        ({"items": [3]}, "data.items.0"),
        ({"items": [{"sku": "x", "quantity": 1}]}, "data.items.0.unit_price"),
        ({"voucher": 5}, "data.voucher_codes.0"),
        ({"order_id": "a b"}, "data.order_id"),
    ],
)
def test_bad_old_data_names_the_field_of_the_new_version(data: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        parse_cloudevent(old_purchase(**data), NOW)
    assert (caught.value.code, caught.value.field) == ("field", field)


def test_a_null_voucher_is_none() -> None:
    data = parse_cloudevent(old_purchase(voucher=None), NOW).data
    assert isinstance(data, PurchaseMade)
    assert data.voucher_codes == ()


def test_old_data_that_is_no_object_is_a_bad_field() -> None:
    wire = json.loads(old_purchase()) | {"data": [1]}
    with pytest.raises(BadRecordError) as caught:
        parse_cloudevent(json.dumps(wire).encode(), NOW)
    assert (caught.value.code, caught.value.field) == ("field", "data")


@pytest.mark.parametrize(
    ("old", "today", "data"),
    [
        (
            "rapport.followup.delivery.requested.v1",
            DeliveryReported,
            {"outreach_id": "o-1", "status": "sent", "attempt": 2, "seen_by": "x"},
        ),
        ("rapport.loyalty.enrol.requested.v1", MemberEnrolRequested, {"desk": 3}),
    ],
)
def test_a_type_that_was_renamed_is_read_as_it_was_written(
    old: str, today: type[Data], data: dict[str, Any]
) -> None:
    wire = json.loads(old_purchase()) | {"type": old, "data": data}
    event = parse_cloudevent(json.dumps(wire).encode(), NOW)
    assert type(event.data) is today
    assert event.type == today.event_type
    assert event.type != old
    assert event.data.model_dump(exclude_none=True) == data


def test_steps_chain() -> None:
    registry = {
        "a.v1": Upcaster("a.v2", lambda data: {**data, "steps": [*data["steps"], 1]}),
        "a.v2": Upcaster("a.v3", lambda data: {**data, "steps": [*data["steps"], 2]}),
    }
    assert current_type("a.v1", registry) == "a.v3"
    assert current_type("b.v1", registry) == "b.v1"
    event_type, data = upcast("a.v1", b'{"steps":[],"price":1.10}', registry)
    assert event_type == "a.v3"
    assert json.loads(data) == {"steps": [1, 2], "price": 1.1}
    assert b"1.10" in data


@pytest.mark.parametrize("old", UPCASTERS)
def test_every_old_type_ends_at_a_type_of_today(old: str) -> None:
    assert old not in TYPES
    seen = {old}
    while old in UPCASTERS:
        old = UPCASTERS[old].target
        assert old not in seen
        seen.add(old)
    assert old in TYPES


def test_the_class_of_old_new_and_unknown_types() -> None:
    assert data_class(V0) is PurchaseMade
    assert data_class("rapport.purchase.made.v1") is PurchaseMade
    assert data_class("rapport.purchase.dreamt.v1") is None
