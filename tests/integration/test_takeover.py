"""A writer that is gone in the middle of a transaction must not hold up its successor."""

import asyncio
from collections.abc import Iterator

import pytest
from pymongo import AsyncMongoClient

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from shared.journal.documents import Document
from shared.journal.sessions import Sessions


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_mongo(Home(tmp_path_factory.mktemp("takeover"))) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


async def test_the_successor_ends_what_the_writer_before_left_open(address: str) -> None:
    gone: AsyncMongoClient[Document] = AsyncMongoClient(address)
    heir: AsyncMongoClient[Document] = AsyncMongoClient(address)
    await gone["rapport_heir"]["state"].insert_one({"_id": "c", "n": 0})
    before = Sessions(gone, gone["rapport_heir"])
    session = gone.start_session()
    await before.announce(session, 2)
    await session.start_transaction()
    await gone["rapport_heir"]["state"].update_one({"_id": "c"}, {"$inc": {"n": 1}}, session=session)

    after = Sessions(heir, heir["rapport_heir"])
    await after.take_over(1)  # another partition's writer may live on
    assert session.in_transaction
    await after.take_over(2)
    async with heir.start_session() as mine:
        await after.announce(mine, 2)
        async with asyncio.timeout(10), await mine.start_transaction():
            await heir["rapport_heir"]["state"].update_one({"_id": "c"}, {"$inc": {"n": 10}}, session=mine)
    assert await heir["rapport_heir"]["state"].find_one({"_id": "c"}) == {"_id": "c", "n": 10}
    with pytest.raises(Exception, match="transaction"):
        await session.commit_transaction()

    # Its own sessions are left alone when it takes the same partition over again.
    await after.take_over(2)
    async with heir.start_session() as mine, await mine.start_transaction():
        await heir["rapport_heir"]["state"].update_one({"_id": "c"}, {"$inc": {"n": 10}}, session=mine)
        await after.take_over(2)
    assert await heir["rapport_heir"]["state"].find_one({"_id": "c"}) == {"_id": "c", "n": 20}
    await gone.close()
    await heir.close()
