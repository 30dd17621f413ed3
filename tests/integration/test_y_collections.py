"""What the services have written by now is what they declare: export and erasure go by the declarations."""

from importlib import import_module
from typing import Any

import pytest
from pymongo import MongoClient

from shared.domain import Collection
from shared.journal.store import COLLECTIONS
from shared.schemas.services import SERVICES
from tests.stack import Stack


@pytest.mark.parametrize("name", SERVICES)
def test_every_collection_is_declared_and_knows_its_owner(stack: Stack, name: str) -> None:
    own: tuple[Collection, ...] = import_module(f"services.{name}.domain.rows").COLLECTIONS
    declared = {c.name: c for c in (*COLLECTIONS, *own)}
    with MongoClient[dict[str, Any]](stack.env["RAPPORT_MONGO"]) as client:
        database = client[f"rapport_{name}"]
        written = {c for c in database.list_collection_names() if database[c].find_one() is not None}
        assert written, "the tests before have written something"
        assert written <= declared.keys()
        for collection in written:
            owner = declared[collection].owner
            ownerless = {owner: {"$exists": False}} if owner is not None else None
            assert ownerless is None or database[collection].find_one(ownerless) is None, collection
