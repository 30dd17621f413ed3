"""What exactly-once rests on does not depend on the URI."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from bson import Binary, decode, encode
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.errors import ConfigurationError, ServerSelectionTimeoutError
from pymongo.read_concern import ReadConcern

from shared.http import app
from shared.runtime.mongo import connect, unfound
from shared.runtime.settings import Settings
from shared.runtime.transport import MongoSettings

URIS = [
    "mongodb://nowhere",
    "mongodb://nowhere/?w=0",
    "mongodb://nowhere/?w=1&journal=false&wtimeoutMS=5&readConcernLevel=local",
    "mongodb://nowhere/?readPreference=secondary&readPreferenceTags=dc:east&maxStalenessSeconds=120",
    "mongodb://nowhere/?uuidRepresentation=pythonLegacy&tz_aware=false",
]


@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("connecting", [connect, app.connect])
def test_promises_are_set_by_us(uri: str, connecting: Callable[[Settings], AsyncMongoClient[Any]]) -> None:
    settings = Settings(kafka="nowhere:1", mongo=uri, secret_key="0123456789abcdef")
    client = connecting(settings)
    database = client["rapport_loyalty"]
    assert database.write_concern == WriteConcern(w="majority", j=True, wtimeout=0)
    assert database.read_concern == ReadConcern("majority")
    assert database.read_preference == ReadPreference.PRIMARY
    options = database.codec_options
    assert options.tz_aware
    session = Binary(uuid.uuid4().bytes, 4)
    assert bytes(decode(encode({"id": session}), options)["id"]) == bytes(session)


def test_servers_that_dns_does_not_name_are_told_of_and_nothing_else_of_the_uri() -> None:
    named = MongoSettings(mongo="mongodb+srv://user:hunter2@shop.example/?authSource=admin")
    why = unfound(named, ConfigurationError("The DNS query name does not exist: _mongodb._tcp.shop.example."))
    records = "SRV records of _mongodb._tcp.shop.example"
    assert why == f"DNS names no servers for shop.example ({records}), or does not answer"
    assert unfound(named, ServerSelectionTimeoutError("shop-1.example:27017: timed out")) is None
    assert unfound(named, ConfigurationError("shop-1 reports wire version 5, but this needs 8")) is None
    assert unfound(MongoSettings(mongo="mongodb://shop.example"), ConfigurationError("wire version")) is None
