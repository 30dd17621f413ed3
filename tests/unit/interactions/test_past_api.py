"""``?at=TIME`` and consents over HTTP, on a real store."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from services.interactions import person_store

from .test_service import NOW, logged, tell, told

YESTERDAY = NOW - timedelta(days=1)


def when(minutes: float) -> str:
    return (YESTERDAY + timedelta(minutes=minutes)).isoformat()


def consent(customer: str, channel: str, granted: bool, minutes: float) -> dict[str, Any]:
    data = {"purpose": "marketing", "channel": channel, "granted": granted, "evidence": f"form {minutes}"}
    return told("consent.changed", customer, data, minutes)


def history(api: TestClient, customer: str) -> None:
    tell(
        api,
        told("customer.updated", customer, {"segment": "gold"}, 20),
        told("customer.registered", customer, {"name": "Ann", "segment": "new"}, 0),
        consent(customer, "email", True, 5),
        consent(customer, "email", False, 15),
        *(logged(customer, n) for n in range(30)),
    )


def test_a_customer_as_they_were(api: TestClient, customer: str) -> None:
    history(api, customer)
    tell(api, logged(f"{customer}0", 1), told("customer.registered", f"{customer}0", {"name": "Bob"}, 0))

    def then(minutes: float) -> Any:
        answer = api.get(f"/customers/{customer}", params={"at": when(minutes)})
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert then(-1) | {"at": ""} == {
        "customer_id": customer,
        "at": "",
        "profile": {},
        "consents": [],
        "loyalty": None,
    }
    assert then(0)["profile"] == {"name": "Ann", "segment": "new"}
    assert then(19.9)["profile"] == {"name": "Ann", "segment": "new"}
    assert then(20)["profile"] == {"name": "Ann", "segment": "gold"}
    assert [(c["channel"], c["granted"]) for c in then(14)["consents"]] == [("email", True)]
    assert [(c["channel"], c["granted"]) for c in then(15)["consents"]] == [("email", False)]
    (word,) = then(14)["consents"]
    assert word["evidence"] == "form 5"
    assert word["source"].startswith("/")
    assert datetime.fromisoformat(then(3)["at"]) == YESTERDAY + timedelta(minutes=3)
    now = api.get(f"/customers/{customer}").json()
    late = then(60 * 24)
    assert (late["profile"], late["consents"]) == (now["profile"], now["consents"])


def test_the_past_is_read_in_pages(api: TestClient, customer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_store, "PAST_ROWS", 2)
    history(api, customer)
    past = api.get(f"/customers/{customer}", params={"at": when(30)}).json()
    assert past["profile"] == {"name": "Ann", "segment": "gold"}
    assert [(c["channel"], c["granted"]) for c in past["consents"]] == [("email", False)]


def test_consents_then_and_now_in_pages(api: TestClient, customer: str) -> None:
    tell(
        api,
        *(consent(customer, f"c-{n}", n % 2 == 0, n) for n in range(5)),
        consent(customer, "c-0", False, 9),
    )
    path = f"/customers/{customer}/consents"

    def channels(**query: Any) -> list[str]:
        seen: list[str] = []
        cursor = None
        while True:
            page = api.get(path, params=query | ({"cursor": cursor} if cursor else {})).json()
            seen += [c["channel"] for c in page["items"]]
            if (cursor := page["cursor"]) is None:
                return seen

    assert channels() == channels(limit=2) == ["c-0", "c-4", "c-3", "c-2", "c-1"]
    assert channels(at=when(2), limit=1) == ["c-2", "c-1", "c-0"]
    first = api.get(path, params={"at": when(3)}).json()["items"][-1]
    assert (first["channel"], first["granted"]) == ("c-0", True)


def test_times_that_cannot_be_asked_for(api: TestClient, customer: str) -> None:
    tell(api, consent(customer, "email", True, 0))
    for path in (f"/customers/{customer}", f"/customers/{customer}/consents"):
        far = (datetime.now(UTC) + timedelta(hours=25)).isoformat()
        answer = api.get(path, params={"at": far})
        assert (answer.status_code, answer.json()["code"]) == (422, "ahead")
        soon = (datetime.now(UTC) + timedelta(hours=23)).isoformat()
        assert api.get(path, params={"at": soon}).status_code == 200
        for bad in ("yesterday", "2026-01-01", "2026-01-01T00:00:00"):
            answer = api.get(path, params={"at": bad})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    for path in ("/customers/nobody", "/customers/nobody/consents"):
        answer = api.get(path, params={"at": when(0)})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


def test_an_offset_whose_plus_nobody_escaped(api: TestClient, customer: str) -> None:
    tell(api, told("customer.registered", customer, {"name": "Ann"}, 0))
    time = quote(when(1), safe=":+")
    assert "+00:00" in time
    answer = api.get(f"/customers/{customer}?at={time}")
    assert (answer.status_code, answer.json()["profile"]) == (200, {"name": "Ann"})


def test_the_360_has_open_conversations(api: TestClient, customer: str) -> None:
    talk = {"channel": "chat", "direction": "inbound", "kind": "question", "summary": "where is it?"}
    tell(
        api,
        *(told("interaction.logged", customer, talk | {"conversation_id": f"v-{n}"}, n) for n in (1, 2, 3)),
        told("conversation.closed", customer, {"conversation_id": "v-2", "outcome": "solved"}, 4),
    )
    page = api.get(f"/customers/{customer}").json()
    assert [(c["conversation_id"], c["status"]) for c in page["open_conversations"]] == [
        ("v-3", "queued"),
        ("v-1", "queued"),
    ]
    assert page["next_due"] is None


def test_the_360_has_products_and_what_is_planned(api: TestClient, customer: str) -> None:
    bought = when(-600)
    tell(
        api,
        told(
            "product.registered", customer, {"product_id": "p-1", "sku": "kettle", "purchased_at": bought}, 1
        ),
    )
    page = api.get(f"/customers/{customer}").json()
    (product,) = page["products"]
    assert (product["product_id"], product["sku"], product["maintenance_every_days"]) == (
        "p-1",
        "kettle",
        None,
    )
    assert datetime.fromisoformat(product["purchased_at"]) == YESTERDAY - timedelta(minutes=600)
    assert page["planned"] == []
