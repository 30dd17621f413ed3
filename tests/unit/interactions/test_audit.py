"""``GET /audit``: whom requests were about, by customer, caller and time."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pymongo import AsyncMongoClient

from services.interactions.api import create_app
from services.interactions.settings import InteractionsSettings
from shared.facts.erased import erased_hash
from shared.journal.store import prepare
from shared.runtime.mongo import Document
from shared.runtime.trail import AUDIT
from tests.unit.http.conftest import FakeDatabase, FakePublisher

KEY = "an-api-key-for-tests"


@pytest.fixture
def settings(mongo: str) -> InteractionsSettings:
    return InteractionsSettings(kafka="nowhere:1", mongo=mongo, secret_key="0123456789abcdef", api_key=KEY)


def client(settings: InteractionsSettings) -> TestClient:
    app = create_app(settings, publisher=FakePublisher(FakeDatabase()))
    return TestClient(app, headers={"X-API-Key": KEY})


@pytest.fixture
def api(settings: InteractionsSettings) -> Iterator[TestClient]:
    with client(settings) as first:
        for n in (1, 2, 1):
            first.get(f"/customers/audited-{n}/timeline")
        first.get("/customers?alias=email:anna@example.com")
    with client(settings) as api:  # the first has written all as it stopped
        yield api


def test_pages_are_newest_first_and_by_customer(api: TestClient) -> None:
    seen = []
    cursor = ""
    while cursor is not None:
        answer = api.get(f"/audit?customer=audited-1&limit=1{cursor and f'&cursor={cursor}'}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        seen += body["items"]
        cursor = body["cursor"]
    assert [one["route"] for one in seen] == ["/customers/{customer_id}/timeline"] * 2
    assert {one["principal"] for one in seen} == {"api-key"}
    assert [one["at"] for one in seen] == sorted((one["at"] for one in seen), reverse=True)
    everything = api.get("/audit?principal=api-key").json()["items"]
    assert {one["customer"] for one in everything} >= {"audited-1", "audited-2", None}
    assert "anna" not in str(everything)
    assert api.get("/audit?customer=audited-1&to=2020-01-01").json()["items"] == []


def test_what_was_hidden_is_found_by_the_id_after_a_lift_too(
    settings: InteractionsSettings, api: TestClient
) -> None:
    """The wish to erase them was written with the hash; they have come back, and are written in clear."""

    async def hide() -> None:
        client: AsyncMongoClient[Document] = AsyncMongoClient(settings.mongo)
        async with client:
            hidden = {"$set": {"customer": erased_hash(settings.erased_by, "audited-2")}}
            await client["rapport_interactions"]["audit"].update_one({"customer": "audited-2"}, hidden)

    hash = erased_hash(settings.erased_by, "audited-2")
    # Those that there are; each question may add one soon after, as other tests of this store do.
    before = api.get("/audit?customer=audited-2").json()["items"]
    asyncio.run(hide())
    after = api.get("/audit?customer=audited-2").json()["items"]
    assert {one["at"] for one in after} >= {one["at"] for one in before} != set()
    assert hash in {one["customer"] for one in after}


def test_it_is_kept_for_400_days(mongo: str) -> None:
    async def run() -> None:
        client: AsyncMongoClient[Document] = AsyncMongoClient(mongo)
        async with client:
            database = client["rapport_kept"]
            for _ in range(2):  # safe to repeat
                await prepare(database, [AUDIT])
            indexes = await database["audit"].index_information()
        kept = [one["expireAfterSeconds"] for one in indexes.values() if "expireAfterSeconds" in one]
        assert kept == [400 * 24 * 3600]

    asyncio.run(run())


def test_bad_questions_name_the_field(api: TestClient) -> None:
    for query, field in (("customer=a/b", "customer"), ("from=now", "from"), ("cursor=eA", "cursor")):
        answer = api.get(f"/audit?{query}")
        assert (answer.status_code, field in answer.text) == (422, True)
