"""What the desk's pages are given, beside what interactions' routes are."""

from typing import Annotated

from fastapi import Depends

from services.interactions.desk.queries import DeskStore
from shared.http.dependencies import Database


def get_queries(database: Database) -> DeskStore:
    return DeskStore(database)


DeskQueries = Annotated[DeskStore, Depends(get_queries)]
