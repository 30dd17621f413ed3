"""``GET /events`` on a real store."""

from typing import Any

from starlette.testclient import TestClient

from .test_past_api import when
from .test_service import tell, told


def listed(api: TestClient, **query: Any) -> list[Any]:
    found, cursor = [], None
    while True:
        answer = api.get("/events", params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= query.get("limit", 50)
        found += page["items"]
        if (cursor := page["cursor"]) is None:
            return found


def answer(customer: str, score: int, minutes: float) -> dict[str, Any]:
    return told("survey.answered", customer, {"survey": "nps", "score": score}, minutes)


def test_events_of_some_types_of_all_customers(api: TestClient, customer: str) -> None:
    """Newest first; ``from`` is in it, ``to`` is not. Some of one instant are on two pages, each once."""
    mine = [answer(f"{customer}{n % 3}", n, 10 if 2 <= n <= 6 else n) for n in range(10)]
    joined = [told("customer.registered", f"{customer}{n}", {"name": "Ann"}, 4 + n) for n in range(3)]
    tell(api, *mine, *joined)
    both = ["survey.answered", "rapport.customer.registered.v1"]

    def ids(**query: Any) -> list[str]:
        found = listed(api, **{"type": both, "from": when(0), "to": when(60), **query})
        return [item["id"] for item in found if item["customer_id"].startswith(customer)]

    want = sorted([*mine, *joined], key=lambda e: (e["time"], f"{e['source']} {e['id']} {e['subject']}"))
    assert ids() == ids(limit=1) == ids(limit=4) == [e["id"] for e in reversed(want)]
    some = {joined[0]["id"], joined[1]["id"], joined[2]["id"], mine[7]["id"], mine[8]["id"]}
    assert set(ids(**{"from": when(4), "to": when(9)})) == some
    assert len(ids(type="survey.answered")) == 10


def test_an_event_tells_whose_it_is_and_why_it_has_no_effect(api: TestClient, customer: str) -> None:
    data = {"complaint_id": f"k-{customer}", "channel": "email", "category": "a", "severity": "low"}
    opening = told("complaint.opened", customer, {**data, "description": "x"}, 1)
    other = told("complaint.opened", customer, {**data, "description": "x"}, 1)
    tell(api, opening, other)
    window = {"from": when(0), "to": when(60)}
    found = [i for i in listed(api, type="complaint.opened", **window) if i["customer_id"] == customer]
    assert {i["id"] for i in found} == {other["id"], opening["id"]}
    notes = {i["id"]: i["note"] for i in found}
    assert notes[opening["id"]] is None
    assert notes[other["id"]]
    assert found[1]["data"]["description"] == "x"


def test_what_cannot_be_asked_for(api: TestClient) -> None:
    for query, field in (
        ({}, "query.type"),
        ({"type": "nothing.known"}, "query.type"),
        ({"type": ["survey.answered"] * 21}, "query.type"),
        ({"type": "survey.answered", "from": when(5), "to": when(5)}, "query.from"),
        ({"type": "survey.answered", "from": "yesterday"}, "query.from"),
    ):
        refused = api.get("/events", params=query)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), query
        assert refused.json()["errors"][0]["field"].startswith(field)
    refused = api.get("/events", params={"type": "survey.answered", "cursor": "nonsense"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor")
    assert (
        api.get("/events", params={"type": "survey.answered"}, headers={"X-API-Key": "no"}).status_code == 401
    )
