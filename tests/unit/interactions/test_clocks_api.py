"""``GET /complaints/{id}/clocks`` on a real store: the same clocks as the complaint's own page, explained."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from shared.schemas.times import micros, moment


def tell(api: TestClient, kind: str, customer: str, time: datetime, **data: Any) -> None:
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "/desk",
        "type": f"rapport.complaint.{kind}.v1",
        "subject": customer,
        "time": time.isoformat(),
        "data": {"complaint_id": f"x-{customer}", **data},
    }
    answer = api.post("/events", json=event, headers={"Content-Type": "application/cloudevents+json"})
    assert answer.status_code == 202, answer.text


def opened(api: TestClient, customer: str, time: datetime, **data: Any) -> None:
    said = {"channel": "web", "category": "price", "severity": "critical", "description": "Too dear."}
    tell(api, "opened", customer, time, **(said | data))


def test_each_clock_comes_with_the_sum_of_its_used_time(api: TestClient, customer: str) -> None:
    began = moment(micros(datetime.now(UTC))) - timedelta(hours=30)
    opened(api, customer, began)
    tell(api, "acknowledged", customer, began + timedelta(minutes=20))
    tell(api, "waiting", customer, began + timedelta(hours=2), reason="A photo.")
    tell(api, "resumed", customer, began + timedelta(hours=10, minutes=30))
    found = api.get(f"/complaints/x-{customer}/clocks").json()
    assert (found["complaint_id"], found["customer_id"]) == (f"x-{customer}", customer)
    clocks = {clock["clock"]: clock for clock in found["clocks"]}
    assert list(clocks) == ["first_response", "update", "resolution"]
    resolution = clocks["resolution"]
    assert (resolution["state"], resolution["calendar"], resolution["timezone"]) == (
        "running",
        "always",
        "UTC",
    )
    assert (resolution["duration_s"], resolution["promised_by"]) == (86_400, None)
    assert [(row["kind"], row["counted_s"]) for row in resolution["rows"]][:2] == [
        ("open", 7_200),
        ("paused", 0),
    ]
    assert resolution["rows"][-1]["total_s"] == resolution["used_s"]
    assert sum(row["counted_s"] for row in resolution["rows"]) == resolution["used_s"]
    detail = api.get(f"/complaints/x-{customer}").json()
    for shown in detail["clocks"]:
        same = clocks[shown["clock"]]
        assert {name: same[name] for name in shown if name != "used_s"} == {
            name: value for name, value in shown.items() if name != "used_s"
        }


def test_an_unknown_complaint_and_one_of_two_customers_are_refused(api: TestClient, customer: str) -> None:
    answer = api.get("/complaints/nobodys/clocks")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_complaint")
    now, shared = datetime.now(UTC), f"both-{customer}"
    for one in (customer, f"{customer}-2"):
        opened(api, one, now, complaint_id=shared)
    answer = api.get(f"/complaints/{shared}/clocks")
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_complaint")
    named = api.get(f"/complaints/{shared}/clocks", params={"customer_id": customer})
    assert (named.status_code, named.json()["customer_id"]) == (200, customer)
    assert api.get(f"/complaints/{shared}/clocks", headers={"X-API-Key": "no"}).status_code == 401


def test_a_complaint_from_before_the_first_version_has_none(api: TestClient, customer: str) -> None:
    opened(api, customer, datetime(2009, 12, 31, 23, 59, tzinfo=UTC))
    assert api.get(f"/complaints/x-{customer}/clocks").json()["clocks"] == []
