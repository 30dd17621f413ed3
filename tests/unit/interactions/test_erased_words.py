"""Whoever is erased is gone from what others' states did with their words, on a real store."""

import asyncio
from typing import Any

from pymongo import MongoClient
from starlette.testclient import TestClient

from services.interactions.accepting import Told, accept
from shared.runtime.settings import Settings
from shared.schemas.event import Event

from .inline_worker import InlineWorker
from .orders.test_orders import START, TEA, account
from .test_service import tell, told

WORDS = "Ann was marked-lovely"


def praised(api: TestClient, customer: str, agent: str) -> None:
    """By the customer, of whose conversation it was, and by a colleague; with a task for a team."""
    name = customer[::-1]  # which does not say who it is
    said = {"channel": "chat", "direction": "inbound", "kind": "question", "summary": "marked-where"}
    about = {"kind": "conversation", "id": name}
    answer = {"survey": "nps", "score": 10, "comment": WORDS, "about": about}
    tell(
        api,
        told("customer.registered", customer, {"name": "Marked", "email": f"{name}@example.com"}, 0),
        told("interaction.logged", customer, said | {"conversation_id": name}, 1),
        told("conversation.assigned", customer, {"conversation_id": name, "agent_id": agent}, 2),
        told("survey.answered", customer, answer, 3),
    )
    words = {"team": "marked", "text": WORDS, "customer_id": customer}
    assert api.post("/stories", json=words | {"agent_id": agent}).status_code == 201
    assert api.post("/tasks", json=words | {"kind": "call"}).status_code == 201


def kept(settings: Settings, word: str) -> dict[str, list[Any]]:
    """The ids of the documents in which it stands, by collection."""
    with MongoClient[dict[str, Any]](settings.mongo) as client:
        database = client["rapport_interactions"]
        found = {
            name: [one["_id"] for one in database[name].find() if word in str(one)]
            for name in database.list_collection_names()
        }
    return {name: ids for name, ids in found.items() if ids}


def test_their_words_are_exported_and_go(
    api: TestClient, worker: InlineWorker, settings: Settings, customer: str
) -> None:
    other = f"{customer}-other"
    for id in (customer, other):
        praised(api, id, "ann")
    entries = kept(settings, WORDS)["journal"]
    held = api.get(f"/customers/{customer}/held").text
    assert other not in held
    told_by = [id for id in entries if id in held]
    assert len(told_by) == len(entries) / 2 >= 4
    assert api.delete(f"/customers/{customer}").status_code == 202
    worker.remove_erased()
    assert api.delete(f"/customers/{other}").status_code == 202
    worker.remove_erased()
    assert kept(settings, WORDS) == {}


def test_the_journal_does_not_say_whose_an_alias_was(
    api: TestClient, worker: InlineWorker, settings: Settings, customer: str
) -> None:
    praised(api, customer, "bob")
    assert [id for id in kept(settings, customer)["journal"] if "/interactions " in id] != []
    assert api.delete(f"/customers/{customer}").status_code == 202
    worker.remove_erased()
    assert "journal" not in kept(settings, customer)


def entries_naming(settings: Settings, customer: str, subject: str) -> list[str]:
    with MongoClient[dict[str, Any]](settings.mongo) as client:
        theirs = client["rapport_interactions"]["journal"].find({"subject": subject})
        return [one["_id"] for one in theirs if customer in str(one)]


def test_another_customers_entries_name_them_no_more(
    api: TestClient, worker: InlineWorker, settings: Settings, customer: str
) -> None:
    """Who is told of an address that is theirs asks whether the two may be one."""
    other, address = f"beside-{customer[::-1]}", f"{customer[::-1]}@example.org"
    tell(api, told("customer.registered", customer, {"name": "Ann", "email": address}, 0))
    tell(api, told("customer.registered", other, {"name": "Bea", "email": address}, 1))
    assert entries_naming(settings, customer, other)
    assert api.delete(f"/customers/{customer}").status_code == 202
    worker.remove_erased()
    assert not entries_naming(settings, customer, other)


def test_a_shops_order_does_not_say_whose_it_was(
    api: TestClient, worker: InlineWorker, settings: Settings, customer: str
) -> None:
    key = f"shopify:{customer[::-1]}"

    def shop_tells(minutes: int) -> None:
        order = account(minutes, TEA, customer_id=customer, order_id=customer[::-1])
        told = accept([Told(Event(f"{key}-{minutes}", "/hooks/shopify", key, START, order))], worker)
        asyncio.run_coroutine_threadsafe(told, worker.loop).result()

    shop_tells(0)
    before = kept(settings, customer)
    assert (f"order/{key}" in before["state"], before["orders"]) == (True, [key])
    answer = api.delete(f"/customers/{customer}")
    assert answer.status_code == 202
    worker.remove_erased()
    entries = api.get(answer.json()["location"]).json()["entries"]
    (done,) = [one for one in entries if one["what"] == "completed"]
    assert done["removed"]["orders"] == 1
    shop_tells(5)
    assert kept(settings, customer).keys() <= {"audit"}  # which says who asked for it
