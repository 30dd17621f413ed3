"""A merged id answers as the survivor on every route that reads, and writes act on that one."""

import uuid
from typing import Any

import pytest
from starlette.testclient import TestClient

from ..test_service import logged, tell, told


@pytest.fixture
def pair() -> tuple[str, str]:
    """Two ids of whom nothing has been heard: the old one, and the survivor."""
    name = uuid.uuid4().hex[:8]
    return f"old-{name}", f"here-{name}"


def order(customer: str, id: str, minutes: float) -> dict[str, Any]:
    money = {"amount": 1000, "currency": "EUR"}
    items = [{"sku": "mug", "quantity": 1, "unit_price": money}]
    data = {"order_id": id, "channel": "web", "items": items, "total": money}
    return told("purchase.made", customer, data, minutes)


def known(api: TestClient, old: str, here: str) -> str:
    """Something of both; the id of a complaint of the old one's."""
    tell(
        api,
        told("customer.registered", old, {"name": f"Zoe {old}", "email": f"{old}@example.com"}, 0),
        told("customer.registered", here, {"name": f"Zoe {here}"}, 1),
        order(old, f"o-{old}", 2),
        order(here, f"o-{here}", 3),
        *(logged(one, n) for n in range(3) for one in (old, here)),
        told(
            "interaction.logged",
            old,
            {
                "channel": "chat",
                "direction": "inbound",
                "kind": "message",
                "summary": "hi",
                "conversation_id": f"t-{old}",
            },
            20,
        ),
    )
    body = {"customer_id": old, "channel": "web", "category": "x", "severity": "low", "description": "d"}
    return str(api.post("/complaints", json=body).json()["complaint_id"])


def merge(api: TestClient, old: str, here: str) -> Any:
    return api.post(f"/customers/{old}/merge", json={"into": here, "reason": "one phone"})


def get(api: TestClient, path: str, **query: Any) -> Any:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_merged_id_answers_as_the_survivor(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    complaint = known(api, old, here)
    answer = merge(api, old, here)
    assert (answer.status_code, answer.json()) == (200, {"customer_id": old, "into": here})
    person = get(api, f"/customers/{old}")
    assert person == get(api, f"/customers/{here}")
    assert (person["customer_id"], person["merged_from"]) == (here, [old])
    assert (person["profile"]["name"], person["profile"]["email"]) == (f"Zoe {here}", f"{old}@example.com")
    assert person["purchases"]["count"] == 2
    assert [one["complaint_id"] for one in person["open_complaints"]] == [complaint]
    assert get(api, f"/customers/{old}/consents") == get(api, f"/customers/{here}/consents")
    one = get(api, f"/complaints/{complaint}")
    assert one["customer_id"] == here
    assert [step["type"] for step in one["history"]][:1] == ["rapport.complaint.opened.v1"]
    assert get(api, f"/complaints/{complaint}", customer_id=old)["customer_id"] == here
    talk = get(api, f"/conversations/t-{old}")
    assert (talk["customer_id"], len(talk["messages"])) == (here, 1)
    assert get(api, f"/conversations/t-{old}", customer_id=old)["customer_id"] == here


def test_the_timeline_is_of_both_in_pages(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    known(api, old, here)
    alone = [get(api, f"/customers/{id}/timeline", limit=100)["items"] for id in (old, here)]
    merge(api, old, here)
    all = get(api, f"/customers/{here}/timeline", limit=100)["items"]
    (merged,) = [one for one in all if one["type"] == "rapport.customer.merged.v1"]
    assert merged["summary"] == f"Merged into customer {here}: one phone"
    rest = [one for one in all if one is not merged]
    assert sorted(rest, key=str) == sorted((one for rows in alone for one in rows), key=str)
    assert [one["time"] for one in all] == sorted((one["time"] for one in all), reverse=True)
    paged: list[Any] = []
    cursor = None
    while cursor is not None or not paged:
        page = get(
            api, f"/customers/{old}/timeline", limit=3, **({} if cursor is None else {"cursor": cursor})
        )
        paged += page["items"]
        cursor = page["cursor"]
    assert paged == all
    bought = get(api, f"/customers/{old}/timeline", type="purchase.made")["items"]
    assert len(bought) == 2


def test_search_finds_the_person_once(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    known(api, old, here)
    merge(api, old, here)
    for query in (old, here, f"{old}@example.com", f"o-{old}", f"Zoe {here}"):
        assert [one["customer_id"] for one in get(api, "/customers", query=query)["items"]] == [here], query
    assert get(api, "/customers", query=f"Zoe {old}")["items"] == []


def test_writes_act_on_the_survivor(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    complaint = known(api, old, here)
    merge(api, old, here)
    answer = api.post(f"/complaints/{complaint}/acknowledge", json={})
    assert (answer.status_code, answer.json()["status"]) == (200, "acknowledged")
    body = {"customer_id": old, "channel": "web", "category": "y", "severity": "low", "description": "d"}
    again = api.post("/complaints", json=body)
    assert again.status_code == 201, again.text
    assert get(api, f"/complaints/{again.json()['complaint_id']}")["customer_id"] == here
    said = api.post(
        f"/conversations/t-{old}/messages", json={"text": "Hello", "agent_id": "ann", "author": "agent"}
    )
    assert said.status_code == 201, said.text
    assert len(get(api, f"/conversations/t-{old}")["messages"]) == 2


def test_merging_is_asked_for_once(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    known(api, old, here)
    assert merge(api, old, here).json() == merge(api, old, here).json() == {"customer_id": old, "into": here}
    for one, into in ((here, old), (here, here), (old, old)):
        answer = merge(api, one, into)
        assert (answer.status_code, answer.json()["code"]) == (409, "merge_cycle"), (one, into)
    for one, into in (("nobody", here), (here, "nobody")):
        answer = merge(api, one, into)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


def test_nobody_has_to_say_why(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    known(api, old, here)
    assert api.post(f"/customers/{old}/merge", json={"into": here}).status_code == 200
    answer = api.post(f"/customers/{old}/unmerge", json={})
    assert (answer.status_code, answer.json()) == (200, {"customer_id": old, "into": old})


def test_unmerged_both_answer_for_themselves(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    complaint = known(api, old, here)
    before = [get(api, f"/customers/{id}") for id in pair]
    merge(api, old, here)
    wrong = api.post(f"/customers/{old}/unmerge", json={"into": "nobody"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "not_merged")
    answer = api.post(f"/customers/{old}/unmerge", json={"reason": "a brother"})
    assert (answer.status_code, answer.json()) == (200, {"customer_id": old, "into": old})
    after = [get(api, f"/customers/{id}") for id in pair]
    for one in (*before, *after):
        one["open_conversations"].sort(key=str)
    assert after == before
    assert get(api, f"/complaints/{complaint}")["customer_id"] == old
    assert [one["customer_id"] for one in get(api, "/customers", query=f"Zoe {old}")["items"]] == [old]
    told = [one["type"] for one in get(api, f"/customers/{old}/timeline")["items"]]
    assert told[:2] == ["rapport.customer.unmerged.v1", "rapport.customer.merged.v1"]
    again = api.post(f"/customers/{old}/unmerge", json={})
    assert (again.status_code, again.json()["code"]) == (409, "not_merged")
