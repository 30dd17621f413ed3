"""Mappings as the tests write them."""

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

from shared.mapping.file import MappingFile, load_mapping
from shared.mapping.mapping import Mapped

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

ORDERS = """
    source: /shops/old
    timezone: Europe/Berlin
    currency: EUR
    decimal: ","
    sample:
      order_no: 2024/0012
      email: Ann@Example.com
      status: paid
      total: 1.299,50
      at: 31.01.2026 12:30
      lines: [{sku: a, qty: "2", price: "649,75"}]
    events:
      - type: purchase.made
        when: row.status == "paid"
        subject: {email: row.email}
        id: '"order-" + row.order_no'
        time: {from: row.at, format: "%d.%m.%Y %H:%M"}
        data:
          order_id: {from: row.order_no, as: id}
          channel: {is: web}
          total: row.total
          items:
            each: row.lines
            fields:
              sku: item.sku
              quantity: item.qty
              unit_price: item.price
    """
ORDER = {
    "order_no": "2024/0013",
    "email": "bo@example.com",
    "status": "paid",
    "total": "20,00",
    "at": "01.02.2026 09:00",
    "lines": [{"sku": "a", "qty": "2", "price": "10,00"}],
}


def file(folder: Path, text: str) -> MappingFile:
    path = folder / "mapping.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_mapping(path)


def one_field(value: str, record: dict[str, Any], head: str = "") -> str:
    """A mapping whose only value of interest is the summary of an interaction, or what ``value`` says."""
    return f"{dedent(head)}\n" + dedent(f"""
    source: /tests
    events:
      - type: interaction.logged
        subject: {{is: c-1}}
        time: {{is: 2026-02-01T00:00:00Z}}
        id: {{is: i-1}}
        data:
          channel: {{is: chat}}
          direction: {{is: inbound}}
          kind: {{is: message}}
          summary: {{is: hello}}
          {value}
    """)


def mapped(folder: Path, text: str, record: Any, name: str | None = None) -> list[Mapped]:
    """What becomes of a record; the mapping is checked against it where it has no sample of its own."""
    found = file(folder, text)
    return found.over(found.seen_with([record])).events(record, NOW, name)
