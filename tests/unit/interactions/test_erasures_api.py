"""A person is forgotten over HTTP: 202, the same each time, and 410 wherever they are asked for."""

import uuid
from typing import Any

from starlette.testclient import TestClient

from shared.facts.erased import erased_hash, erasure_key

from .inline_worker import InlineWorker
from .merging.test_merged_api import known, merge, pair
from .test_service import tell, told

__all__ = ["pair"]

KEY = erasure_key(b"0123456789abcdef")


def erased(api: TestClient, customer: str, **headers: str) -> Any:
    return api.delete(f"/customers/{customer}", headers=headers)


def test_who_is_erased_is_gone_and_not_unknown(api: TestClient, customer: str) -> None:
    tell(api, told("customer.registered", customer, {"name": "Ann Marked"}, 0))
    first = erased(api, customer)
    assert first.status_code == 202
    erasure = erased_hash(KEY, customer)
    assert first.json() == {"status": "begun", "erasure": erasure, "location": f"/erasures/{erasure}"}
    assert first.headers["location"] == f"/erasures/{erasure}"
    assert (second := erased(api, customer)).status_code == 202
    assert second.json() == first.json()
    for path in ("", "/timeline", "/consents", "/export"):
        answer = api.get(f"/customers/{customer}{path}")
        assert (answer.status_code, answer.json()["code"]) == (410, "erased"), path
    written = api.post("/complaints", json={
        "customer_id": customer, "channel": "web", "category": "x", "severity": "low", "description": "d"
    })  # fmt: skip
    assert (written.status_code, written.json()["code"]) == (410, "erased")
    again = api.post("/events", json=told("customer.registered", customer, {"name": "Ann Again"}, 5))
    assert [one["code"] for one in again.json()["without_effect"]] == ["erased"]
    assert api.get(f"/customers/{customer}").status_code == 410
    assert api.get("/customers", params={"query": "Ann Again"}).json()["items"] == []


def test_nobody_is_404_and_the_same_key_is_the_same_wish(api: TestClient, customer: str) -> None:
    assert (erased(api, customer).status_code, erased(api, customer).json()["code"]) == (
        404,
        "unknown_customer",
    )
    assert api.get(f"/customers/{customer}").status_code == 404
    tell(api, told("customer.registered", customer, {"name": "Ann Marked"}, 0))
    key = uuid.uuid4().hex
    answers = [erased(api, customer, **{"Idempotency-Key": key}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()


def test_a_key_of_somebody_who_is_erased_by_now_is_good_for_nobody_else(
    api: TestClient, worker: InlineWorker, customer: str
) -> None:
    """Neither that of the wish itself, nor any other of theirs, nor one that was used after it."""
    other = f"{customer}-other"
    for id in (customer, other):
        tell(api, told("customer.registered", id, {"name": "Ann Marked"}, 0))

    def asked(route: str, id: str) -> Any:
        complaint = {"channel": "web", "category": "x", "severity": "low", "description": "d"}
        key = {"Idempotency-Key": f"{route}-{customer}"}
        if route == "erased":
            return erased(api, id, **key)
        return api.post("/complaints", json={"customer_id": id, **complaint}, headers=key)

    assert asked("before", customer).status_code == 201
    assert asked("erased", customer).status_code == 202
    assert asked("after", customer).status_code == 410
    worker.remove_erased()
    for route, status in (("before", 410), ("erased", 202), ("after", 410)):
        assert asked(route, customer).status_code == status
        answer = asked(route, other)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch"), route
    assert api.get(f"/customers/{other}").status_code == 200
    assert erased(api, other).status_code == 202


def test_a_key_stays_good_for_whom_it_was_used_for(
    api: TestClient, worker: InlineWorker, pair: tuple[str, str]
) -> None:
    """Merged ids each for itself, before the merge and after it, and states of another kind."""
    old, here = pair
    known(api, old, here)
    complaint = {"channel": "web", "category": "x", "severity": "low", "description": "d"}
    task = {"team": "t", "kind": "call", "text": "x", "customer_id": here}

    def asked(path: str, when: str, body: dict[str, str]) -> Any:
        return api.post(path, json=body, headers={"Idempotency-Key": f"{when}-{old}"})

    wishes = [
        ("/complaints", f"{when}-{id}", complaint | {"customer_id": id}) for when in "ab" for id in pair
    ]
    wishes.append(("/tasks", "a", task))
    first = [asked(*wish).status_code for wish in (*wishes[:2], wishes[-1])]
    merge(api, old, here)
    first += [asked(*wish).status_code for wish in wishes[2:4]]
    assert first == [201] * 5
    assert erased(api, here).status_code == 202
    for _ in range(2):  # the task hears of it by the first
        worker.remove_erased()
    assert [asked(*wish).status_code for wish in wishes] == [410] * 5


def test_all_ids_of_a_person_go(api: TestClient, pair: tuple[str, str]) -> None:
    old, here = pair
    known(api, old, here)
    merge(api, old, here)
    assert erased(api, old).status_code == 202
    for id in pair:
        assert api.get(f"/customers/{id}").status_code == 410


def test_who_tells_of_an_erased_id_hears_that_it_has_no_effect(api: TestClient, customer: str) -> None:
    address = f"email:{customer}@example.com"
    other, purchase = f"{customer}-2", {"order_id": "o-1", "channel": "web", "items": []}
    tell(api, told("customer.registered", customer, {"name": "Ann Marked"}, 0))
    assert erased(api, customer).status_code == 202
    answer = api.post("/events", json=[
        told("customer.registered", other, {"name": "Bob"}, 1),
        told("customer.registered", customer, {"name": "Ann Again"}, 1),
        told("purchase.made", customer, purchase | {"total": {"amount": 1250, "currency": "EUR"}}, 2),
        told("customer.erased", customer, {}, 3),
        told("consent.changed", customer, {"purpose": "marketing", "channel": "email", "granted": True}, 4)
        | {"imported": True},
        told("customer.updated", address, {"name": "Somebody"}, 5),
    ])  # fmt: skip
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 6,
        "without_effect": [
            {"index": index, "code": "erased", "detail": "The customer has been erased."}
            for index in (1, 2, 4)
        ],
    }
