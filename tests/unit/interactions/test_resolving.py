"""Subjects written ``kind:value``: resolved at the door to one customer, who is made if there is none."""

import json
import uuid
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions import resolving

ONE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


@pytest.fixture
def address() -> str:
    return f"{uuid.uuid4().hex[:8]}@example.com"


def written(subject: str, id: str = "", **data: Any) -> dict[str, Any]:
    said = {"channel": "email", "direction": "inbound", "kind": "question", "summary": "Hello"} | data
    return {
        "specversion": "1.0",
        "id": id or uuid.uuid4().hex,
        "source": "/shop",
        "type": "rapport.interaction.logged.v1",
        "subject": subject,
        "time": "2026-01-01T10:00:00Z",
        "data": said,
    }


def post(api: TestClient, *events: dict[str, Any]) -> Any:
    kind, body = (ONE, events[0]) if len(events) == 1 else (BATCH, list(events))
    return api.post("/events", content=json.dumps(body), headers={"content-type": kind})


def whose(api: TestClient, alias: str) -> list[str]:
    answer = api.get("/customers", params={"alias": alias})
    assert answer.status_code == 200, answer.text
    return [hit["customer_id"] for hit in answer.json()["items"]]


def test_one_read_finds_whose_it_is_and_the_next_is_remembered(api: TestClient, address: str) -> None:
    assert post(api, written(f"email:{address}")).status_code == 202
    (customer,) = whose(api, f"email:{address.upper()}")
    assert post(api, written(f"email: {address.title()} ")).status_code == 202
    page = api.get(f"/customers/{customer}").json()
    assert page["profile"]["email"] == address, "who was made by an address can be written to"
    timeline = api.get(f"/customers/{customer}/timeline").json()["items"]
    assert sorted(item["type"] for item in timeline) == [
        "rapport.alias.added.v1",
        "rapport.customer.updated.v1",
        "rapport.interaction.logged.v1",
        "rapport.interaction.logged.v1",
    ]


def test_one_event_again_has_no_second_effect(api: TestClient, address: str) -> None:
    event = written(f"email:{address}")
    assert [post(api, event).status_code for _ in range(3)] == [202] * 3
    (customer,) = whose(api, f"email:{address}")
    timeline = api.get(f"/customers/{customer}/timeline", params={"type": "interaction.logged"}).json()
    assert len(timeline["items"]) == 1


def test_a_batch_is_resolved_together(api: TestClient, address: str) -> None:
    """Two spellings are one customer; ids stay as they are."""
    other = f"2{address}"
    answer = post(
        api,
        written(f"email:{address}"),
        written("cust-plain"),
        written(f"email:{address.upper()}"),
        written(f"email:{other}"),
    )
    assert (answer.status_code, answer.json()) == (202, {"accepted": 4})
    (first,), (second,) = whose(api, f"email:{address}"), whose(api, f"email:{other}")
    assert first != second
    timeline = api.get(f"/customers/{first}/timeline", params={"type": "interaction.logged"}).json()
    assert len(timeline["items"]) == 2


def test_an_event_in_binary_mode(api: TestClient, address: str) -> None:
    event = written(f"email:{address}")
    headers = {
        f"ce-{name}": event[name] for name in ("specversion", "id", "source", "type", "subject", "time")
    }
    answer = api.post("/events", json=event["data"], headers=headers)
    assert answer.status_code == 202, answer.text
    assert len(whose(api, f"email:{address}")) == 1


def test_an_alias_that_the_profile_told_is_found(api: TestClient, customer: str, address: str) -> None:
    registered = written(customer) | {
        "type": "rapport.customer.registered.v1",
        "data": {"name": "Ann", "email": address, "phone": "+49 171 1234567"},
    }
    assert post(api, registered).status_code == 202
    assert post(api, written(f"email:{address}")).status_code == 202
    assert whose(api, f"email:{address}") == [customer]
    called = api.get(f"/customers/{customer}").json()["aliases"]
    assert {(one["kind"], one["value"]) for one in called} == {
        ("email", address),
        ("phone", "+491711234567"),
    }


def test_nothing_is_made_where_one_of_a_batch_is_bad(api: TestClient, address: str) -> None:
    bad = written("email:no-address")
    answer = post(api, written(f"email:{address}"), bad, written("card:-"))
    assert answer.status_code == 422
    assert [(e["index"], e["code"], e["field"]) for e in answer.json()["errors"]] == [
        (1, "invalid_alias", "subject"),
        (2, "invalid_alias", "subject"),
    ]
    assert "no-address" not in answer.text
    assert whose(api, f"email:{address}") == []


def test_a_team_is_no_alias(api: TestClient) -> None:
    story = written("device:7") | {
        "type": "rapport.story.told.v1",
        "data": {"agent_id": "ann", "text": "Thank you"},
    }
    assert post(api, story).status_code == 202
    assert whose(api, "device:7") == []
    assert post(api, story | {"subject": "email:ann@example.com"}).json()["errors"][0]["code"] == "envelope"


@pytest.mark.parametrize("alias", ["ann@example.com", "email:", "email:ann", "shoe:44", "phone:0171 1234567"])
def test_what_is_no_alias_is_not_asked_for(api: TestClient, alias: str) -> None:
    answer = api.get("/customers", params={"alias": alias})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_alias")


def test_plus_may_come_as_a_space(api: TestClient, customer: str) -> None:
    """``?alias=phone:+49…`` as people type it: a plus in a query is a space."""
    number = f"+4917{uuid.uuid4().int % 10**8:08d}"
    fact = {"type": "rapport.alias.added.v1", "data": {"kind": "phone", "value": number}}
    assert post(api, written(customer) | fact).status_code == 202
    answer = api.get(f"/customers?alias=phone:{number}")
    assert [hit["customer_id"] for hit in answer.json()["items"]] == [customer]


def test_either_a_query_or_an_alias(api: TestClient) -> None:
    assert api.get("/customers").status_code == 422
    assert api.get("/customers?query=ann&alias=email:ann@example.com").status_code == 422


def test_an_erased_customers_alias_is_nobodys_soon(
    api: TestClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a second: what is remembered of the time before an erasure counts no more."""
    monkeypatch.setattr(resolving, "LOOK_S", 0.0)  # whatever was looked at for the test before
    monkeypatch.setattr(resolving, "AWAY_S", 60.0)  # how busy the machine is decides nothing
    assert post(api, written(f"email:{address}")).status_code == 202
    (customer,) = whose(api, f"email:{address}")
    assert api.delete(f"/customers/{customer}", headers={"Idempotency-Key": customer}).status_code < 300
    assert whose(api, f"email:{address}") == []
    assert "without_effect" not in post(api, written(f"email:{address}")).json()
    (other,) = whose(api, f"email:{address}")
    assert other != customer
