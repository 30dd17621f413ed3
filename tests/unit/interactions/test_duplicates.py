"""Who may be one person: found as events come, rejected for good."""

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from services.interactions.domain.duplicates.names import close, compared
from services.interactions.domain.erasing.elsewhere import forgotten_pair
from services.interactions.domain.state import Customer
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.duplicates import DuplicateDecideRequested, pair_key
from shared.schemas.customers import AliasAdded, CustomerErased, CustomerRegistered, CustomerUpdated

from .told import HANDLER, START


def workers() -> InMemoryWorker[Customer]:
    return InMemoryWorker(HANDLER, now=START)


def suggested(worker: InMemoryWorker[Customer], status: str = "open") -> dict[tuple[str, str], list[str]]:
    rows = worker.rows("duplicates")
    return {(row["customer"], row["other"]): row["reasons"] for row in rows if row["status"] == status}


def person(name: str, **told: Any) -> CustomerRegistered:
    return CustomerRegistered.model_validate({"name": name, **told})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Ann Miller", "Miller, Ann", True),
        ("Ann Miller", "Anne Miller", True),
        ("Jon Smith", "John Smith", True),
        ("Renée Müller", "Renee Muller", True),
        ("Katherine Jones", "Catherine Jones", True),
        ("O'Neil, Pat", "Pat O Neil", True),
        ("Tim Meier", "Tom Meier", False),
        ("Ann Miller", "Bob Miller", False),
        ("Ann Miller", "Ann Smith", False),
    ],
)
def test_names_that_are_close(one: str, other: str, *, alike: bool) -> None:
    assert bool(close(compared(one), [("c", compared(other))])) is alike


def test_two_with_one_address_are_suggested() -> None:
    worker = workers()
    worker.tell("c-2", person("Ann", email="ann@example.com"))
    worker.tell("c-1", person("Bob", email="Ann@example.com"))
    assert suggested(worker) == {("c-1", "c-2"): ["email"]}
    worker.tell("c-2", AliasAdded(kind="phone", value="+491711234567"))
    worker.tell("c-1", AliasAdded(kind="phone", value="+49 171 1234567"))
    assert suggested(worker) == {("c-1", "c-2"): ["email", "phone"]}


def test_a_device_is_a_familys() -> None:
    worker = workers()
    for customer in ("c-1", "c-2"):
        worker.tell(customer, AliasAdded(kind="device", value="tablet"))
    assert suggested(worker) == {}


def test_an_address_of_very_many_suggests_nobody_for_ever() -> None:
    worker = workers()
    for nth in range(60):
        worker.tell(f"c-{nth}", AliasAdded(kind="email", value="none@example.com"))
    assert len(suggested(worker)) == 20


def test_close_names_with_one_birthday_or_postcode_are_suggested() -> None:
    worker = workers()
    worker.tell("c-1", person("Ann Miller", birthday="1980-02-29", preferences={"postcode": "10 115"}))
    worker.tell("c-2", person("Miller, Anne", birthday="1980-02-29"))
    worker.tell("c-3", person("Ann Miler", preferences={"postcode": "10115"}))
    worker.tell("c-4", person("Ann Miller", birthday="1981-02-28", preferences={"postcode": "20115"}))
    worker.tell("c-5", person("Bob Smith", birthday="1980-02-29", preferences={"postcode": "10115"}))
    assert suggested(worker) == {("c-1", "c-2"): ["birthday"], ("c-1", "c-3"): ["postcode"]}
    assert {row["score"] for row in worker.rows("duplicates")} == {94, 95}


def test_who_has_another_name_by_now_is_sought_by_that() -> None:
    worker = workers()
    worker.tell("c-1", person("Ann Miller", birthday="1980-02-29"))
    worker.tell("c-1", CustomerUpdated(name="Ann Smith"))
    worker.tell("c-2", person("Ann Miller", birthday="1980-02-29"))
    assert suggested(worker) == {}
    worker.tell("c-2", CustomerUpdated(name="Anne Smith"))
    assert suggested(worker) == {("c-1", "c-2"): ["birthday"]}


def test_rejected_is_for_good() -> None:
    worker = workers()
    key = pair_key("c-2", "c-1")
    unknown = worker.tell(key, DuplicateDecideRequested(verdict="rejected"))
    assert unknown.outcome is not None
    assert unknown.outcome.status == 404
    for customer in ("c-1", "c-2"):
        worker.tell(customer, person("Ann Miller", email="ann@example.com", birthday="1980-02-29"))
    assert suggested(worker) == {("c-1", "c-2"): ["birthday", "email"]}
    for _ in range(2):
        done = worker.tell(key, DuplicateDecideRequested(verdict="rejected"))
        assert done.outcome is not None
        assert done.outcome.status == 200
    for customer in ("c-1", "c-2"):
        worker.tell(customer, CustomerUpdated(phone="+491711234567", preferences={"postcode": "10115"}))
    assert suggested(worker) == {}
    assert suggested(worker, "rejected") == {("c-1", "c-2"): ["birthday", "email"]}
    late = worker.tell(key, DuplicateDecideRequested(verdict="confirmed"))
    assert late.outcome is not None
    assert (late.outcome.status, late.outcome.body["code"]) == (409, "duplicate_decided")


def test_nothing_of_an_erased_customer_is_left_where_others_are_sought() -> None:
    worker = workers()
    worker.tell("c-1", person("Ann Miller", birthday="1980-02-29", preferences={"postcode": "10115"}))
    worker.tell("c-1", CustomerErased())
    left = "".join(s.model_dump_json() for id, s in worker.states.items() if id.startswith("block/"))
    assert left
    assert "ann" not in left
    assert "c-1" not in left
    worker.tell("c-2", person("Ann Miller", birthday="1980-02-29"))
    assert suggested(worker) == {}


def test_a_suggestion_about_an_erased_customer_is_forgotten_and_may_be_made_anew() -> None:
    worker = workers()
    for who in ("c-1", "c-2"):
        worker.tell(who, person("Ann Miller", birthday="1980-02-29"))
    (row,) = worker.rows("duplicates")
    told = forgotten_pair(row)
    assert told.subject == row["_id"]
    worker.tell(told.subject, told.data)
    left = worker.states[f"pair/{row['_id']}"].model_dump_json()
    assert "c-1" not in left
    assert "c-2" not in left
    late = worker.tell(told.subject, DuplicateDecideRequested(verdict="confirmed"))
    assert late.outcome is not None
    assert (late.outcome.status, late.outcome.body["code"]) == (404, "unknown_duplicate")


PEOPLE = st.tuples(
    st.sampled_from(("c-1", "c-2", "c-3")),
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(("Ann Miller", "Anne Miller", "Bob Smith")),
            "birthday": st.sampled_from(("1980-02-29", "--02-29")),
            "email": st.sampled_from(("a@example.com", "b@example.com")),
        },
    ),
)


@given(st.lists(PEOPLE, max_size=12), st.randoms(use_true_random=False))
def test_all_who_are_alike_in_the_end_are_suggested_in_any_order(told: list[Any], random: Any) -> None:
    """More may be: whoever was alike on the way."""
    worker = workers()
    for customer, fields in told:
        worker.tell(customer, CustomerUpdated.model_validate(fields))
    found = suggested(worker)
    people = {id: worker.state(id) for id in ("c-1", "c-2", "c-3")}
    shown = {
        id: {field: known.value for field, known in state.profile.items()} for id, state in people.items()
    }
    for one, other in (("c-1", "c-2"), ("c-1", "c-3"), ("c-2", "c-3")):
        a, b = shown[one], shown[other]
        names = [compared(person.get("name") or "") for person in (a, b)]
        born = a.get("birthday") if a.get("birthday") == b.get("birthday") else None
        if born and all(names) and close(names[0], [("", names[1])]):
            assert "birthday" in found.get((one, other), [])
        if a.get("email") and a.get("email") == b.get("email"):
            third = ({"c-1", "c-2", "c-3"} - {one, other}).pop()
            assert "email" in found.get((one, other), []) or shown[third].get("email") == a["email"]


def two(api: TestClient) -> tuple[str, str]:
    """Two customers with one address, one birthday and one name, the one seen first first."""
    first, second = f"cust-2{uuid.uuid4().hex[:8]}", f"cust-1{uuid.uuid4().hex[:8]}"
    born = f"{1900 + uuid.uuid4().int % 100}-02-{1 + uuid.uuid4().int % 28:02d}"
    for day, customer in enumerate((first, second), 1):
        event = {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "/shop",
            "type": "rapport.customer.registered.v1",
            "subject": customer,
            "time": f"2025-01-0{day}T10:00:00Z",
            "data": {"name": "Ann Miller", "email": f"{first}@example.com", "birthday": born},
        }
        assert api.post("/events", json=event).status_code == 202
    return first, second


def test_over_http(api: TestClient) -> None:
    first, second = two(api)
    items = api.get("/duplicates", params={"customer_id": first}).json()["items"]
    (one,) = items
    assert [c["customer_id"] for c in one["customers"]] == sorted((first, second))
    assert {c["name"] for c in one["customers"]} == {"Ann Miller"}
    assert sorted(one["reasons"]) == ["birthday", "email"]
    assert one in api.get("/duplicates", params={"limit": 50}).json()["items"]
    answer = api.post(f"/duplicates/{one['duplicate_id']}/reject")
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert api.get("/duplicates", params={"customer_id": second}).json()["items"] == []
    rejected = api.get("/duplicates", params={"customer_id": second, "status": "rejected"}).json()["items"]
    assert [row["duplicate_id"] for row in rejected] == [one["duplicate_id"]]
    late = api.post(f"/duplicates/{one['duplicate_id']}/confirm")
    assert (late.status_code, late.json()["code"]) == (409, "duplicate_decided")
    assert api.post("/duplicates/pair:nobody/reject").json()["code"] == "unknown_duplicate"


def test_who_is_confirmed_is_merged_and_answers_by_either_alias(api: TestClient) -> None:
    first, second = two(api)
    (one,) = api.get("/duplicates", params={"customer_id": first}).json()["items"]
    path = f"/duplicates/{one['duplicate_id']}/confirm"
    refused = api.post(path, json={"into": "cust-else"})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_of_the_two")
    done = {"duplicate_id": one["duplicate_id"], "status": "confirmed", "customer_id": second, "into": first}
    for key in ("k-1", "k-1", "k-2"):
        answer = api.post(path, headers={"Idempotency-Key": key + first})
        assert (answer.status_code, answer.json()) == (200, done)
    page = api.get(f"/customers/{second}").json()
    assert (page["customer_id"], page["merged_from"]) == (first, [second])
    assert api.get("/duplicates", params={"customer_id": second}).json()["items"] == []
    alias = {"kind": "card", "value": second}
    fact = {
        "specversion": "1.0",
        "id": second,
        "source": "/till",
        "type": "rapport.alias.added.v1",
        "subject": second,
        "time": "2026-01-03T10:00:00Z",
        "data": alias,
    }
    assert api.post("/events", json=fact).status_code == 202
    found = api.get("/customers", params={"alias": f"card:{second}"}).json()["items"]
    assert [hit["customer_id"] for hit in found] == [first], "an alias of the old id is the survivor's"
    assert api.post(f"/customers/{second}/unmerge", json={"reason": "they are two"}).status_code == 200
    found = api.get("/customers", params={"alias": f"card:{second}"}).json()["items"]
    assert [hit["customer_id"] for hit in found] == [second], "once they are two again it is the old id's"
    called = {one["kind"] for one in api.get(f"/customers/{second}").json()["aliases"]}
    assert called == {"card", "email"}
