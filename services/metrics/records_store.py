"""What is kept of customers, as the API reads it: of one who is another by now what is kept of that one."""

from collections.abc import Iterable

from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.merging.course import moved_into
from services.metrics.domain.state import Customer, decode
from shared.runtime.mongo import Document

MOST_STEPS = 50
"""Of a chain of merges that is followed."""


async def records_of(
    database: AsyncDatabase[Document], ids: Iterable[str]
) -> dict[str, tuple[str, Customer]]:
    """By the id that is asked for, whom it means by now, and what is kept of them; nothing of whom there is
    no record. One query, and one more for each step from a customer who is another by now."""
    here = {id: id for id in ids}
    known: dict[str, Customer] = {}
    wanted = {*here}
    for _ in range(MOST_STEPS):
        async for document in database["customers"].find({"_id": {"$in": sorted(wanted)}}):
            known[document["_id"]] = decode(bytes(document["record"]))
        wanted = set()
        for id, at in here.items():
            into = moved_into(known[at]) if at in known else None
            if into is not None:
                here[id] = into
                wanted |= {into} - known.keys()
        if not wanted:
            break
    return {id: (at, known[at]) for id, at in here.items() if at in known}
