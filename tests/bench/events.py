"""The records that both benchmarks use: purchases of one to three lines by many customers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


def purchases(count: int, customers: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and structured-mode value of ``count`` records, in time order."""
    for n in range(count):
        customer = f"cust-{n * 7919 % customers:06d}"
        yield purchase(customer, n, f"r-{n:09d}", f"o-{n:09d}", START + timedelta(seconds=n))


def purchase(customer: str, n: int, event_id: str, order_id: str, at: datetime) -> tuple[bytes, bytes]:
    """One record; ``n`` chooses what was bought."""
    price = {"amount": 250 + n % 400, "currency": "EUR"}
    lines = 1 + n % 3
    items = [
        {"sku": f"sku-{n % 97 + i}", "category": "grocery", "quantity": 1, "unit_price": price}
        for i in range(lines)
    ]
    value = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/pos/store-17",
        "type": "rapport.purchase.made.v1",
        "subject": customer,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "order_id": order_id,
            "channel": "in_store",
            "store_id": f"store-{n % 40}",
            "total": {"amount": price["amount"] * lines, "currency": "EUR"},
            "items": items,
            "voucher_codes": [],
        },
    }
    return customer.encode(), json.dumps(value, separators=(",", ":")).encode()
