"""The search for customers, on a real store: what people type finds whom they mean."""

from typing import Any

from starlette.testclient import TestClient

from .test_service import complaint, logged, purchase, tell, told


def found(api: TestClient, query: str, **more: Any) -> list[str]:
    page = api.get("/customers", params={"query": query, **more}).json()
    return [item["customer_id"] for item in page["items"]]


def test_search(api: TestClient) -> None:
    for number, name in enumerate(["Søren Fox", "søren Bear", "Anna"]):
        tell(
            api,
            told(
                "customer.registered", f"Find-{number}", {"name": name, "email": f"{number}@fox.org"}, number
            ),
        )
    tell(api, logged("find-9", 9))

    assert found(api, "SØREN") == ["Find-1", "Find-0"]
    assert found(api, "find-") == ["find-9", "Find-2", "Find-1", "Find-0"]
    assert found(api, "2@FOX") == ["Find-2"]
    assert found(api, "ox") == []
    assert found(api, ".*") == []
    first = api.get("/customers", params={"query": "find-", "limit": 3}).json()
    assert found(api, "find-", limit=3, cursor=first["cursor"]) == ["Find-0"]
    assert api.get("/customers", params={"query": " "}).status_code == 422
    assert api.get("/customers").status_code == 422


def test_search_finds_what_people_type(api: TestClient, customer: str) -> None:
    profile = {"name": "Zoë-Marie O’Müller", "email": "Zoë@Exämple.org", "phone": "+49 (0)170 / 765 43 21"}
    tell(api, told("customer.registered", customer, profile))
    bought = purchase(customer, 1)
    bought["data"]["order_id"] = f"SO:{customer}"
    tell(api, bought)
    complaint_id = complaint(api, customer)
    at_home = f"{customer}-b"
    tell(api, told("customer.registered", at_home, {"name": "Zo\u0065\u0308 Li", "phone": "0170 7654321"}))
    both = [at_home, customer]
    for query in ("zoë", "zoe\u0308", "ZOE"):
        assert sorted(found(api, query)) == sorted(both), query
    for query in ("Müller", "o'muller", "OMÜLLER", "omu", "marie", "Zoë-Marie", "omüller, zoë", "o muller"):
        assert found(api, query) == [customer], query
    assert found(api, "zoe@exa") == [customer]
    for query in ("+49 170 7654321", "0049 170 7654321", "491707654321", "0170-765 43 21", "170 7654321"):
        assert sorted(found(api, query)) == sorted(both), query
    assert sorted(found(api, "0170765")) == sorted(both), "how a number begins"
    assert found(api, "+43 170 7654321") == [at_home]
    assert found(api, f"so:{customer}") == found(api, complaint_id.upper()) == [customer]
    assert found(api, f"so:{customer}"[:-1]) == []
    tell(api, told("customer.updated", customer, {"name": "Ann", "phone": None, "email": "ann@x.org"}, 5))
    assert found(api, "zoe") == [at_home]
    assert found(api, "+49 170 7654321") == [at_home]
    assert customer in found(api, "ann@x")


def test_search_pages_over_many_keys_of_one_customer(api: TestClient, customer: str) -> None:
    word = "q" + "".join(chr(ord("a") + int(c, 16)) for c in customer[-8:])
    ids = [f"{customer}-{n}" for n in range(4)]
    for n, id in enumerate(ids):
        tell(api, told("customer.registered", id, {"name": f"{word} {word}a {word}b {word}c"}, n))
    assert found(api, word) == ids[::-1]
    first = api.get("/customers", params={"query": word, "limit": 3}).json()
    assert [item["customer_id"] for item in first["items"]] == ids[:0:-1]
    assert found(api, word, limit=3, cursor=first["cursor"]) == ids[:1]
