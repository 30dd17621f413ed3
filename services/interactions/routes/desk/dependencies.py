"""What the desk's pages are given, beside what interactions' routes are."""

from typing import Annotated

from fastapi import Depends

from services.interactions.desk.queries import DeskStore
from services.interactions.routes.dependencies import Memory
from shared.http.dependencies import Database


async def get_queries(database: Database, remembered: Memory) -> DeskStore:
    return DeskStore(database, remembered)


DeskQueries = Annotated[DeskStore, Depends(get_queries)]
