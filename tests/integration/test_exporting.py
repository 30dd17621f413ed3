"""All that is held of a person, asked of the running platform: rows of four services, as JSON and a page."""

import json
import re
import time
from typing import Any

from tests.stack import Answer, Stack, event, new_customer, purchase, until


def export(stack: Stack, customer: str, format: str) -> Answer:
    """Once it is made, however long that takes."""
    path = f"/customers/{customer}/export?format={format}"
    found: list[Answer] = []

    def made() -> bool:
        nonlocal path
        answer = stack.call("interactions", "GET", path)
        if answer.status == 202:
            path = answer.headers["Location"] + f"?format={format}"
            time.sleep(1)  # what it asks for is more
            return False
        found.append(answer)
        return True

    until(made, "the export")
    return found[0]


def test_an_export_has_the_rows_of_all_four_services(stack: Stack) -> None:
    customer = new_customer()
    name = f"Ada {customer}"
    stack.post_events(
        event("customer.registered", customer, {"name": name, "email": f"{customer}@example.com"}),
        event("consent.changed", customer, {"purpose": "marketing", "channel": "email", "granted": True}),
        purchase(customer, 10_000),
    )
    stack.settle()
    answer = export(stack, customer, "json")
    assert answer.status == 200, answer
    told: dict[str, Any] = answer.body
    assert (told["customer_id"], told["ids"], told["person"]["profile"]["name"]) == (
        customer,
        [customer],
        name,
    )
    assert [row["reason"] for row in told["points"]] == ["purchase"]
    assert {one["type"] for one in told["timeline"]} >= {
        "rapport.purchase.made.v1",
        "rapport.consent.changed.v1",
    }
    assert [(one["purpose"], one["granted"]) for one in told["consents"]] == [("marketing", True)]
    assert told["scores"]
    assert told["rows"].keys() == {"interactions", "loyalty", "followup", "metrics"}
    for service, rows in told["rows"].items():
        assert sum(rows.values()) > 0, service
    # Who read it is in the next one.
    until(lambda: any("export" in row for row in readers(export(stack, customer, "json"))), "who read it")


def readers(answer: Answer) -> list[str]:
    rows = answer.body["other"].get("interactions", {}).get("audit", [])
    return [json.dumps(row) for row in rows]


def test_an_export_is_a_page_too_and_a_stranger_has_none(stack: Stack) -> None:
    customer = new_customer()
    stack.post_events(event("customer.registered", customer, {"name": f"Grace {customer}"}))
    stack.settle()
    page = export(stack, customer, "html")
    assert page.status == 200
    assert f"Grace {customer}" in page.body
    assert not re.search(r"<script|(src|href)=[\"']https?:", page.body)  # it stands by itself
    nameless = new_customer()  # of whom no source has told more than that they bought
    stack.post_events(purchase(nameless, 100))
    stack.settle()
    assert nameless in export(stack, nameless, "html").body
    assert stack.call("interactions", "GET", f"/customers/{new_customer()}/export").status == 404
    reader = stack.caller("customers:read")
    assert stack.call("interactions", "GET", f"/customers/{customer}/export", headers=reader).status == 403
