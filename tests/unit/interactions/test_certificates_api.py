"""What is known of erasures, and how one is lifted, over HTTP, on a real store."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from starlette.testclient import TestClient

from services.interactions.domain.rows import ERASURES
from shared.facts.certificate import checks, public_key, signing_seed
from shared.facts.erased import ERASING, erased_hash, erasure_key
from shared.journal.derived import record_of
from shared.runtime.settings import Settings
from shared.schemas.customers import ErasureCompleted
from shared.schemas.event import Event
from shared.schemas.services import SERVICES

from .conftest import KEY
from .inline_worker import InlineWorker
from .test_service import tell, told

ERASED_BY = erasure_key(b"0123456789abcdef")
READER = {"X-API-Key": "key of a reader"}


@pytest.fixture(scope="module")
def settings(mongo: str) -> Settings:
    reader = hashlib.sha256(READER["X-API-Key"].encode()).hexdigest()
    keys = {"reader": {"key_sha256": reader, "scopes": ["customers:read", "events:write", "desk"]}}
    given = {"kafka": "nowhere:1", "mongo": mongo, "secret_key": "0123456789abcdef", "api_key": KEY}
    return Settings.model_validate(given | {"api_keys": keys})


def erase(api: TestClient, customer: str) -> str:
    """Somebody who was heard of. Returns the erasure's name."""
    tell(api, told("customer.registered", customer, {"name": "Ann Marked"}, 0))
    answer = api.delete(f"/customers/{customer}")
    assert answer.status_code == 202, answer.text
    return str(answer.json()["erasure"])


def complete(api: TestClient, worker: InlineWorker, customer: str, *services: str) -> None:
    """These say that they have nothing left."""
    for service in services or SERVICES:
        data = ErasureCompleted(service=service, removed={"rows": 3})
        # Its own word a worker does not hear from outside.
        event = Event(uuid.uuid4().hex, f"/test/{service}", customer, datetime.now(UTC), data)
        assert api.portal is not None
        api.portal.call(worker.publish, [record_of(event)])


def listed(api: TestClient, **query: Any) -> list[Any]:
    """All pages, two at a time."""
    found, cursor = [], None
    while True:
        page = api.get("/erasures", params={"limit": 2, **query, **({"cursor": cursor} if cursor else {})})
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        cursor = page.json()["cursor"]
        if cursor is None:
            return found


def test_a_certificate_says_who_has_answered_and_holds(
    api: TestClient, worker: InlineWorker, customer: str
) -> None:
    erasure = erase(api, customer)
    assert erasure == erased_hash(ERASED_BY, customer)
    first = api.get(f"/erasures/{customer}").json()
    assert (first["complete"], first["services"], first["lifted"]) == (False, [], None)
    complete(api, worker, customer)
    answer = api.get(f"/erasures/{erasure}")
    assert answer.headers["cache-control"] == "no-store"
    certificate = answer.json()
    assert certificate == api.get(f"/erasures/{customer}").json()
    assert certificate["complete"]
    assert [(one["service"], one["removed"]) for one in certificate["services"]] == [
        (service, {"rows": 3}) for service in SERVICES
    ]
    key = api.get("/erasure-key").json()
    assert key == {"public_key": public_key(signing_seed(ERASED_BY))}
    assert [check for check in checks(certificate, key["public_key"]) if check.fault is not None] == []
    assert customer not in answer.text


def test_an_erasure_is_known_at_once_before_anything_is_noted_of_it(
    api: TestClient, mongo: str, customer: str
) -> None:
    erasure = erase(api, customer)
    with MongoClient[dict[str, Any]](mongo) as client:  # the first note is a command of its own, heard later
        assert client["rapport_interactions"][ERASURES].delete_one({"_id": erasure}).deleted_count == 1
    for named in (erasure, customer):
        answer = api.get(f"/erasures/{named}")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["erasure"], told["begun"], told["complete"]) == (erasure, None, False)
        assert (told["services"], told["entries"], told["lifted"]) == ([], [], None)
    assert [check.name for check in checks(told) if check.fault is not None] == ["format"], (
        "it proves nothing"
    )
    early = api.post(f"/erasures/{customer}/lift")
    assert (early.status_code, early.json()["code"]) == (409, "erasure_under_way")


def test_a_tombstone_that_was_imported_alone_can_be_lifted(
    api: TestClient, mongo: str, customer: str
) -> None:
    erasure = erase(api, customer)
    with MongoClient[dict[str, Any]](mongo) as client:
        for name in (ERASURES, ERASING):
            assert client["rapport_interactions"][name].delete_one({"_id": erasure}).deleted_count == 1
    told = api.get(f"/erasures/{customer}").json()
    assert (told["begun"], told["complete"], told["entries"]) == (None, False, [])
    assert api.post(f"/erasures/{customer}/lift").status_code == 200
    assert api.get(f"/customers/{customer}").status_code == 404


def test_of_nobody_there_is_no_certificate(api: TestClient, customer: str) -> None:
    for method, path in (("GET", ""), ("POST", "/lift")):
        answer = api.request(method, f"/erasures/{customer}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_erasure"), method
    tell(api, told("customer.registered", customer, {"name": "Ann"}, 0))
    assert api.get(f"/erasures/{customer}").status_code == 404
    for bad in ("no id", "a" * 200):
        assert api.get(f"/erasures/{bad}").status_code == 422, bad


def test_the_last_is_first_and_who_is_waited_for_can_be_asked_for(
    api: TestClient, worker: InlineWorker
) -> None:
    names = [f"cust-{uuid.uuid4().hex[:12]}" for _ in range(3)]
    erasures = [erase(api, name) for name in names]
    complete(api, worker, names[1])
    complete(api, worker, names[2], "loyalty")
    shown = {one["erasure"]: one for one in listed(api)}
    assert {*erasures} <= shown.keys()
    begun = [one["begun"] for one in shown.values()]
    assert begun == sorted(begun, reverse=True)
    assert (shown[erasures[1]]["complete"], shown[erasures[1]]["missing"]) == (True, [])
    assert shown[erasures[2]]["missing"] == [one for one in SERVICES if one != "loyalty"]
    waiting = [one["erasure"] for one in listed(api, waiting=True)]
    assert {*waiting} & {*erasures} == {erasures[0], erasures[2]}
    assert not any(name in str(shown) for name in names)
    assert api.get("/erasures", params={"cursor": "x"}).status_code == 422


def test_a_lift_waits_for_all_and_then_the_id_is_as_new(
    api: TestClient, worker: InlineWorker, customer: str
) -> None:
    erasure = erase(api, customer)
    complete(api, worker, customer, "loyalty", "metrics")
    early = api.post(f"/erasures/{customer}/lift")
    assert (early.status_code, early.json()["code"]) == (409, "erasure_under_way")
    assert "interactions" in early.text
    complete(api, worker, customer)
    assert api.post(f"/erasures/{erasure}/lift").status_code == 404  # the id itself: a hash leads nowhere
    key = {"Idempotency-Key": uuid.uuid4().hex}
    lifted = [api.post(f"/erasures/{customer}/lift", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in lifted] == [200, 200]
    assert lifted[0].json() == lifted[1].json() == {"status": "lifted", "erasure": erasure}
    certificate = api.get(f"/erasures/{erasure}").json()
    assert certificate["lifted"] is not None
    assert [entry["what"] for entry in certificate["entries"]][-1] == "lifted"
    assert api.get(f"/customers/{customer}").status_code == 404
    late = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    tell(api, told("customer.registered", customer, {"name": "Somebody Else"}, 5) | {"time": late})
    assert api.get(f"/customers/{customer}").json()["profile"]["name"] == "Somebody Else"


def test_admins_alone_see_and_lift(api: TestClient, worker: InlineWorker, customer: str) -> None:
    erasure = erase(api, customer)
    complete(api, worker, customer)
    for method, path in (
        ("GET", "/erasures"),
        ("GET", "/erasure-key"),
        ("GET", f"/erasures/{erasure}"),
        ("POST", f"/erasures/{customer}/lift"),
        ("DELETE", f"/customers/{customer}"),
    ):
        for headers, status in ((READER, 403), ({"X-API-Key": "nobody's"}, 401)):
            answer = api.request(method, path, headers=headers)
            assert answer.status_code == status, (method, path)
            assert erasure not in answer.text
    assert api.get(f"/customers/{customer}").status_code == 410
