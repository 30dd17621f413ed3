"""Records for the codec's tests, good and bad, and how they are read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.schemas.codec import CODES, BadRecordError, decode, open_envelope
from shared.schemas.event import Event

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = b"cust-00042"
STRUCTURED = [("content-type", b"application/cloudevents+json")]
EUR = {"amount": 1299, "currency": "EUR"}


def purchase() -> dict[str, Any]:
    line = {"sku": "x", "quantity": 1, "unit_price": EUR}
    return cloudevent(
        "purchase.made",
        {"order_id": "o-1", "channel": "web", "total": dict(EUR), "items": [line], "voucher_codes": []},
    )


def cloudevent(kind: str, data: object) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "r-000123",
        "source": "/pos/store-17",
        "type": f"rapport.{kind}.v1",
        "subject": KEY.decode(),
        "time": "2026-11-22T10:00:00Z",
        "datacontenttype": "application/json",
        "data": data,
    }


def binary(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    names = ("specversion", "id", "source", "type", "subject", "time")
    headers = [(f"ce_{name}", str(event[name]).encode()) for name in names if name in event]
    return json.dumps(event["data"]).encode(), [("content-type", b"application/json"), *headers]


def read(value: bytes | None, headers: Any = STRUCTURED, key: bytes | None = KEY) -> Event:
    return decode(open_envelope(key, value, headers), wall_now=NOW)


def refused(
    value: bytes | None, headers: Any = STRUCTURED, key: bytes | None = KEY
) -> tuple[str, str | None]:
    with pytest.raises(BadRecordError) as caught:
        read(value, headers, key)
    assert caught.value.detail
    assert caught.value.code in CODES
    return caught.value.code, caught.value.field


def dumped(event: object) -> bytes:
    return json.dumps(event).encode()
