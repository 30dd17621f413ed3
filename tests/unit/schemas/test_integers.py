"""An integer is what JSON Schema calls one, however it is written; what is none is refused by its name."""

import json
from typing import Any

import pytest

from shared.schemas.purchases import PurchaseMade
from tests.unit.schemas.codec_records import binary, cloudevent, dumped, purchase, read, refused

TWO_53 = 2**53


def with_amount(number: str) -> bytes:
    event = purchase()
    event["data"]["total"]["amount"] = "NUMBER"
    return dumped(event).replace(b'"NUMBER"', number.encode())


@pytest.mark.parametrize(
    ("number", "amount"),
    [
        ("1299.0", 1299),
        ("1299.000", 1299),
        ("1.299e3", 1299),
        ("1299E0", 1299),
        ("129900e-2", 1299),
        ("0.0", 0),
        ("-0.0", 0),
        (f"{TWO_53}.0", TWO_53),
        ("1299." + "0" * 60, 1299),
    ],
)
def test_a_number_without_a_fraction_is_an_integer(number: str, amount: int) -> None:
    data = read(with_amount(number)).data
    assert isinstance(data, PurchaseMade)
    assert (data.total.amount, type(data.total.amount)) == (amount, int)


@pytest.mark.parametrize(
    "number",
    [
        "1299.5",
        "1299.0000000000000000000000000000000000000001",
        "1e-3",
        "-1.0",
        f"{TWO_53 + 1}",
        f"{TWO_53 + 1}.0",
        f"{TWO_53}.00000000000000001",
        "1e16",
        "1e300",
        "1e999999999",
        "true",
        "false",
        '"1299.0"',
        "null",
        "[1299.0]",
    ],
)
def test_any_other_is_refused_by_its_name(number: str) -> None:
    assert refused(with_amount(number)) == ("field", "data.total.amount")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1299.", "01299", "+1299", ".5", "0x5"])
def test_what_json_has_no_number_for_is_no_json(number: str) -> None:
    assert refused(with_amount(number))[0] == "json"


DAY = "2026-01-01T00:00:00Z"
INTEGERS: list[tuple[str, dict[str, Any], tuple[str | int, ...]]] = [
    ("survey.answered", {"survey": "nps", "score": 9.0}, ("score",)),
    ("review.posted", {"sku": "x", "rating": 5.0}, ("rating",)),
    ("compensation.granted", {"complaint_id": "c", "kind": "points", "points": 50.0}, ("points",)),
    (
        "compensation.granted",
        {"complaint_id": "c", "kind": "refund", "money": {"amount": 5.0, "currency": "EUR"}},
        ("money", "amount"),
    ),
    (
        "product.registered",
        {
            "product_id": "p",
            "sku": "x",
            "purchased_at": "2026-01-01T00:00:00Z",
            "maintenance_every_days": 30.0,
        },
        ("maintenance_every_days",),
    ),
    (
        "purchase.returned",
        {
            "order_id": "o",
            "return_id": "r",
            "items": [{"sku": "x", "quantity": 2.0}],
            "refund": {"amount": 5, "currency": "EUR"},
        },
        ("items", 0, "quantity"),
    ),
]


@pytest.mark.parametrize(("kind", "data", "path"), INTEGERS)
def test_in_every_type(kind: str, data: dict[str, Any], path: tuple[str | int, ...]) -> None:
    event = cloudevent(kind, data)
    for told in (read(dumped(event)), read(*binary(event))):
        value: Any = told.data.model_dump(by_alias=True)
        for step in path:
            value = value[step]
        assert type(value) is int
    holder: Any = data
    for step in path[:-1]:
        holder = holder[step]
    for wrong in (holder[path[-1]] + 0.5, True):
        holder[path[-1]] = wrong
        assert refused(dumped(event)) == ("field", ".".join(map(str, ("data", *path))))


def test_other_numbers_stay_as_they_were_told() -> None:
    event = cloudevent("survey.answered", {"survey": "nps", "score": 9.0, "weight": 2.0, "share": 0.1})
    data = read(dumped(event)).data
    assert json.loads(data.model_dump_json()) | {} == {
        "survey": "nps", "score": 9, "weight": 2.0, "share": 0.1,
        "comment": None, "about": None, "reason": None, "outreach_id": None,
    }  # fmt: skip
    assert isinstance((data.model_extra or {})["weight"], float)


def test_two_faults_are_told_though_one_number_is_an_integer() -> None:
    event = purchase()
    event["data"]["total"]["amount"] = 1299.0
    event["data"]["items"][0]["quantity"] = 1.5
    assert refused(dumped(event)) == ("field", "data.items.0.quantity")
    event["data"]["items"][0]["quantity"] = 0.0
    assert refused(dumped(event)) == ("field", "data.items.0.quantity")


def test_euros_of_the_first_version_are_not_taken_for_integers() -> None:
    data = {"order_id": "o", "channel": "web", "total_eur": 12.99, "items": []}
    event = cloudevent("purchase.made", data) | {"type": "rapport.purchase.made.v0"}
    told = read(dumped(event)).data
    assert isinstance(told, PurchaseMade)
    assert told.total.amount == 1299
