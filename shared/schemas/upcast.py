"""Old versions of events, turned into today's on read, for ever.

A version's data changes shape only under a new type suffix. The old type then leaves its topic's
module and gets an upcaster here, a step to the next version; steps chain. An upcaster moves what it
recognises and leaves the rest: the new version's model says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import msgspec

_CENT = Decimal("0.01")

# Decimals keep each number as it was written; a float would not keep 1.10 or big integers with exponents.
_reader = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_writer = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Upcaster:
    """One step: ``convert`` gives the data of type ``target`` from that of the old type.

    ``convert`` is pure, owns the dict it gets, sees fractions as Decimal and never raises on bad data.
    """

    target: str
    convert: Callable[[dict[str, Any]], dict[str, Any]]


def _euros(value: object) -> dict[str, object]:
    """Money of an amount in euros; what is not a number is passed on for the model to refuse."""
    amount: object = value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        try:
            amount = int(Decimal(value).quantize(_CENT, ROUND_HALF_UP).scaleb(2))
        except InvalidOperation:
            amount = value
    return {"amount": amount, "currency": "EUR"}


def _purchase_made_v0(data: dict[str, Any]) -> dict[str, Any]:
    """Version 0 had euros as decimal fractions and at most one voucher."""
    if "total_eur" in data:
        data["total"] = _euros(data.pop("total_eur"))
    if "voucher" in data:
        code = data.pop("voucher")
        data["voucher_codes"] = [] if code is None else [code]
    items = data.get("items")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and "unit_price_eur" in item:
            item["unit_price"] = _euros(item.pop("unit_price_eur"))
    return data


def _renamed(data: dict[str, Any]) -> dict[str, Any]:
    """Only the type has another name."""
    return data


UPCASTERS: dict[str, Upcaster] = {
    "rapport.purchase.made.v0": Upcaster("rapport.purchase.made.v1", _purchase_made_v0),
    "rapport.followup.delivery.requested.v1": Upcaster("rapport.followup.delivery.reported.v1", _renamed),
    "rapport.loyalty.enrol.requested.v1": Upcaster("rapport.loyalty.member_enrol.requested.v1", _renamed),
}
"""Old type -> its step."""


def current_type(event_type: str, registry: Mapping[str, Upcaster] = UPCASTERS) -> str:
    """The type that ``event_type`` is read as: itself unless it is an old one."""
    while (step := registry.get(event_type)) is not None:
        event_type = step.target
    return event_type


def upcast(
    event_type: str, data: bytes | msgspec.Raw, registry: Mapping[str, Upcaster] = UPCASTERS
) -> tuple[str, bytes]:
    """The newest type and its data as JSON, from an old type's.

    Raises msgspec.DecodeError or RecursionError where ``data`` is no JSON object.
    """
    fields = _reader.decode(data)
    while (step := registry.get(event_type)) is not None:
        event_type, fields = step.target, step.convert(fields)
    return event_type, _writer.encode(fields)


__all__ = ["UPCASTERS", "Upcaster", "current_type", "upcast"]
