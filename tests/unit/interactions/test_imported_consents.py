"""What an import says of consents, over HTTP, on a real store: whoever imports is told what has no effect."""

from typing import Any

from msgspec import structs
from starlette.testclient import TestClient

from services.interactions.domain.profile.consents import WITHDRAWN
from services.interactions.domain.rows import TimelineRow
from services.interactions.routes.events import BATCH
from shared.facts.consents import IMPORTED
from shared.journal.testing import InMemoryWorker
from shared.schemas.customers import ConsentChanged
from shared.schemas.times import micros

from .test_past import said
from .test_past_api import when
from .test_service import tell, told
from .told import CUSTOMER, HANDLER, at, event


def word(customer: str, granted: bool, minutes: float, **more: Any) -> dict[str, Any]:
    data = {"purpose": "marketing", "channel": "email", "granted": granted, **more}
    return told("consent.changed", customer, data, minutes)


def imported(event: dict[str, Any]) -> dict[str, Any]:
    return event | {IMPORTED: True}


def post(api: TestClient, *events: dict[str, Any]) -> Any:
    answer = api.post("/events", json=list(events), headers={"content-type": BATCH})
    assert answer.status_code == 202, answer.text
    return answer.json()


def consent(api: TestClient, customer: str, **query: Any) -> dict[str, Any]:
    (item,) = api.get(f"/customers/{customer}/consents", params=query).json()["items"]
    return dict(item)


def test_an_import_does_not_grant_what_the_person_withdrew(api: TestClient, customer: str) -> None:
    tell(api, word(customer, True, 1), word(customer, False, 2, evidence="unsubscribe link"))
    other = f"{customer}-2"
    answer = post(api, imported(word(other, True, 3)), imported(word(customer, True, 3)))
    assert answer == {
        "accepted": 2,
        "without_effect": [{"index": 1, "code": "withdrawn", "detail": WITHDRAWN}],
    }
    now = consent(api, customer)
    assert (now["granted"], now["at"][:19], now["evidence"]) == (False, when(2)[:19], "unsubscribe link")
    assert now["without_effect"]["at"][:19] == when(3)[:19]
    assert (now["without_effect"]["source"], now["without_effect"]["detail"]) == ("/till/9", WITHDRAWN)
    then = consent(api, customer, at=when(2))
    assert (then["granted"], then["without_effect"]) == (False, None)
    assert consent(api, other)["granted"] is True
    (latest, *_) = api.get(f"/customers/{customer}/timeline").json()["items"]
    assert latest["summary"].startswith("Without effect: ")
    assert latest["note"] == WITHDRAWN
    assert api.get(f"/customers/{customer}").json()["consents"][0]["granted"] is False


def test_told_again_with_evidence_it_holds() -> None:
    """Under the same id too, as the same file gives it once it is mended."""
    worker = InMemoryWorker(HANDLER, now=at(60))

    def send(granted: bool, minutes: float, id: str, evidence: str | None = None) -> bool:
        data = ConsentChanged(purpose="marketing", channel="email", granted=granted, evidence=evidence)
        marks = {IMPORTED: True} if granted else {}
        worker.send(structs.replace(event(data, id, minutes), extensions=marks))
        (consent,) = worker.state(CUSTOMER).consents
        return consent.granted

    assert send(False, 2, "no") is False
    assert send(True, 3, "yes") is False
    assert send(True, 3, "yes") is False
    assert send(True, 3, "yes", "form 2026-03") is True
    assert send(True, 3, "yes", "form 2026-04") is True
    rows = [row for row in TimelineRow.read(worker.rows("timeline")) if row.id == "yes"]
    assert [(row.note, "2026-03" in row.data) for row in rows] == [(None, True)]
    assert said(worker, 3)["consents"] == {("marketing", "email"): (True, micros(at(3)))}
    assert worker.dead_letters == []


def test_what_the_person_says_later_brings_back_what_had_no_effect(api: TestClient, customer: str) -> None:
    tell(api, word(customer, False, 2))
    post(api, imported(word(customer, True, 9)))
    tell(api, word(customer, True, 4), imported(word(customer, False, 6)))
    assert (consent(api, customer)["granted"], consent(api, customer, at=when(8))["granted"]) == (True, False)
    assert consent(api, customer, at=when(9))["granted"] is True


def test_a_merged_id_goes_by_all_that_the_person_said(api: TestClient, customer: str) -> None:
    old = f"{customer}-old"
    tell(api, word(customer, False, 2), word(old, True, 1))
    merge = api.post(f"/customers/{old}/merge", json={"into": customer, "reason": "the same"})
    assert merge.status_code in (200, 201, 202), merge.text
    answer = post(api, imported(word(old, True, 5)))
    assert [one["index"] for one in answer["without_effect"]] == [0]
    assert consent(api, customer)["granted"] is False
