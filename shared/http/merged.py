"""Which customer an id means by now."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from shared.merging.rows import MERGED

MOST_STEPS = 50
"""Of a chain of merges that is followed."""


async def survivor(database: AsyncDatabase[dict[str, Any]], customer_id: str) -> str:
    """The customer whose things ``customer_id``'s are: mostly itself, for one read. Ask it beside what you
    read for the id, and read again where it is another."""
    known = {customer_id}
    here = customer_id
    for _ in range(MOST_STEPS):
        row = await database[MERGED.name].find_one({"_id": here}, {"into": 1})
        into = row and row.get("into")
        if not into or into in known:  # two merges that make a circle: one of them is about to go
            return here
        known.add(into)
        here = into
    return here
