"""Tasks over HTTP, on a real store."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from .test_service import NOW, tell, told


@pytest.fixture
def team() -> str:
    return f"team-{uuid.uuid4().hex[:8]}"


def soon(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def opened(api: TestClient, team: str, **more: Any) -> str:
    body = {"team": team, "kind": "call", "text": "ask <b>how</b> it went", **more}
    answer = api.post("/tasks", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["task_id"])


def listed(api: TestClient, **query: Any) -> list[str]:
    """All pages."""
    seen: list[str] = []
    cursor = None
    while True:
        page = api.get("/tasks", params=query | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["task_id"] for item in page["items"]]
        if (cursor := page["cursor"]) is None:
            return seen


def test_a_task_from_open_to_done(api: TestClient, team: str) -> None:
    due = soon(60)
    task = opened(api, team, customer_id="cust-7", due_at=due, outreach_id="o-1")
    (shown,) = api.get("/tasks", params={"team": team}).json()["items"]
    assert shown == api.get(f"/tasks/{task}").json()
    assert (shown["task_id"], shown["team"], shown["status"], shown["overdue"]) == (task, team, "open", False)
    assert (shown["customer_id"], shown["outreach_id"]) == ("cust-7", "o-1")
    assert shown["text"] == "ask <b>how</b> it went"
    assert datetime.fromisoformat(shown["due_at"]) == datetime.fromisoformat(due)
    answer = api.post(f"/tasks/{task}/done", json={"outcome": "reached"})
    assert (answer.status_code, answer.json()) == (200, {"task_id": task, "status": "done"})
    assert listed(api, team=team) == []
    (shown,) = api.get("/tasks", params={"team": team, "status": "done"}).json()["items"]
    assert (shown["status"], shown["outcome"], shown["overdue"]) == ("done", "reached", False)
    assert shown["done_at"] is not None
    answer = api.post(f"/tasks/{task}/done", json={"outcome": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "task_done")
    # A customer of that id, or the one whom it is about, is not known for that.
    for nobody in (team, "cust-7"):
        assert api.get(f"/customers/{nobody}").status_code == 404


def test_open_ones_by_due_time_in_pages(api: TestClient, team: str) -> None:
    other = opened(api, f"{team}-2", due_at=soon(1))
    free = opened(api, team)
    late, early = opened(api, team, due_at=soon(90)), opened(api, team, due_at=soon(30))
    over = opened(api, team, kind="letter", due_at=soon(-5))
    assert listed(api, team=team) == listed(api, team=team, limit=1) == [over, early, late, free]
    assert listed(api, team=team, overdue=True) == listed(api, team=team, overdue=True, limit=1) == [over]
    assert listed(api, team=team, overdue=False, limit=2) == [early, late, free]
    assert listed(api, team=team, kind="letter") == [over]
    assert [t for t in listed(api) if t in (other, early)] == [other, early]
    (shown,) = api.get("/tasks", params={"team": team, "overdue": True}).json()["items"]
    assert shown["overdue"] is True
    for task in (early, over):
        api.post(f"/tasks/{task}/done", json={"outcome": "done"})
    assert listed(api, team=team, status="done", limit=1) == [over, early]
    assert listed(api, team=team, status="done", overdue=True) == []
    assert listed(api, team=team) == [late, free]


def test_of_a_customer(api: TestClient, team: str, customer: str) -> None:
    task = opened(api, team, customer_id=customer)
    opened(api, team, customer_id=f"{customer}0")
    assert listed(api, customer_id=customer) == [task]


def test_facts_from_outside(api: TestClient, team: str) -> None:
    data = {"task_id": "t-1", "kind": "call_back", "text": "at ten", "due_at": soon(20)}
    tell(api, told("task.done", team, {"task_id": "t-1", "outcome": "reached"}, 9))
    assert listed(api, team=team, status="done") == []
    tell(api, told("task.opened", team, data, 0))
    (shown,) = api.get("/tasks", params={"team": team, "status": "done"}).json()["items"]
    assert (shown["kind"], shown["outcome"]) == ("call_back", "reached")
    assert datetime.fromisoformat(shown["done_at"]) == NOW - timedelta(days=1) + timedelta(minutes=9)


def test_two_teams_with_a_task_of_one_id(api: TestClient, team: str) -> None:
    task = f"t-{team}"
    for whose in (team, f"{team}-2"):
        tell(api, told("task.opened", whose, {"task_id": task, "kind": "call", "text": whose}))
    answer = api.post(f"/tasks/{task}/done", json={"outcome": "reached"})
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_task")
    assert api.get(f"/tasks/{task}").json()["code"] == "ambiguous_task"
    answer = api.post(f"/tasks/{task}/done", json={"outcome": "reached"}, params={"team": team})
    assert answer.status_code == 200
    assert api.get(f"/tasks/{task}", params={"team": f"{team}-2"}).json()["status"] == "open"


def test_the_same_key_is_the_same_task(api: TestClient, team: str) -> None:
    headers, body = {"Idempotency-Key": f"k-{team}"}, {"team": team, "kind": "call", "text": "x"}
    first, again = (api.post("/tasks", json=body, headers=headers).json() for _ in range(2))
    assert first == again
    answer = api.post("/tasks", json={**body, "text": "y"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert len(listed(api, team=team)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"team": "x", "kind": "call_back", "text": "promised, but for when?"},
        {"team": "x y", "kind": "call", "text": "x"},
        {"team": "x", "kind": "call", "text": ""},
        {"team": "x", "kind": "call", "text": "x", "due_at": "tomorrow"},
        {"team": "x", "kind": "call", "text": "x", "more": 1},
    ],
)
def test_bodies_that_are_not_valid(api: TestClient, body: dict[str, Any]) -> None:
    answer = api.post("/tasks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_task_that_is_not_there(api: TestClient) -> None:
    for answer in (api.get("/tasks/none"), api.post("/tasks/none/done", json={"outcome": "x"})):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_task")


def test_a_bad_review_is_answered_and_the_answer_is_a_contact(api: TestClient, customer: str) -> None:
    tell(api, told("review.posted", customer, {"sku": "mug", "rating": 2, "text": "Too small."}))
    query = {"customer_id": customer, "kind": "public_answer"}
    (shown,) = api.get("/tasks", params=query).json()["items"]
    assert (shown["text"], shown["status"]) == ("mug, 2/5: Too small.", "open")
    body = {"outcome": "We have a larger one.", "agent_id": "ann"}
    answer = api.post(f"/tasks/{shown['task_id']}/done", json=body)
    assert answer.status_code == 200, answer.text
    assert listed(api, **query) == []
    rows = api.get(f"/customers/{customer}/timeline").json()["items"]
    (contact,) = [row for row in rows if row["type"] == "rapport.interaction.logged.v1"]
    said = {"kind": "review_answer", "agent_id": "ann", "text": "We have a larger one."}
    assert contact["data"] | said == contact["data"]
