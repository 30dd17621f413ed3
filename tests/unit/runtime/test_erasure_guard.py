"""A store whose erased ids are of another key is served by no process."""

from typing import Any

import pytest

from shared import host
from shared.facts.erased import ERASED_IDS, ERASURE, KEYS, erased_hash, key_fingerprint
from shared.http import app
from shared.runtime.erasure_guard import keep_key, other_key
from shared.runtime.refusal import Refusal
from shared.runtime.settings import Settings
from tests.keys_kept import Kept

MINE, OTHER = b"m" * 16, b"o" * 16
SETTINGS = Settings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key="s" * 16, erasure_key="o" * 16)
"""Of the other key."""


def erase(database: Kept, key: bytes = MINE) -> None:
    hash = erased_hash(key, "ann")
    database[ERASED_IDS].documents[hash] = {"_id": hash}


async def test_the_first_start_keeps_the_fingerprint_and_the_same_key_may_always_serve() -> None:
    database = Kept()
    assert await keep_key(database.awaited, MINE) is None
    assert database[KEYS].documents == {ERASURE: {"_id": ERASURE, "fingerprint": key_fingerprint(MINE)}}
    erase(database)
    assert await keep_key(database.awaited, MINE) is None
    assert await other_key(database.awaited, MINE) is None


async def test_another_key_is_refused_once_somebody_was_erased_and_the_fingerprint_stays() -> None:
    database = Kept()
    await keep_key(database.awaited, MINE)
    erase(database)
    refusals = [await keep_key(database.awaited, OTHER), await other_key(database.awaited, OTHER)]
    assert refusals[0] == refusals[1]
    assert refusals[0] is not None
    assert refusals[0].code == "erasure_key"
    for named in (
        "RAPPORT_ERASURE_KEY", "RAPPORT_SECRET_KEY", "rapport_loyalty",
        key_fingerprint(MINE), key_fingerprint(OTHER),
    ):  # fmt: skip
        assert named in refusals[0].sentence
    assert await keep_key(database.awaited, MINE) is None, "the one that was is let in again"


async def test_as_long_as_nobody_was_erased_the_key_may_be_changed() -> None:
    database = Kept()
    await keep_key(database.awaited, MINE)
    assert await other_key(database.awaited, OTHER) is None
    assert await keep_key(database.awaited, OTHER) is None
    erase(database, OTHER)
    assert await keep_key(database.awaited, MINE) is not None


async def test_a_store_of_before_takes_the_key_that_is_set() -> None:
    database = Kept()
    erase(database)
    assert await other_key(database.awaited, MINE) is None
    assert database[KEYS].documents == {}, "who only reads writes nothing"
    assert await keep_key(database.awaited, MINE) is None
    assert await other_key(database.awaited, OTHER) is not None


async def test_of_two_that_start_together_under_two_keys_one_serves() -> None:
    """On a store of before, which tells neither that it is wrong."""
    database = Kept()
    erase(database)
    rows, own = database[KEYS], database[KEYS].update_one

    def update_one(*args: Any, **options: Any) -> None:
        own(*args, **options)
        own({"_id": ERASURE}, {"$set": {"fingerprint": key_fingerprint(OTHER)}})

    rows.update_one = update_one
    assert await keep_key(database.awaited, MINE) is not None
    assert await other_key(database.awaited, OTHER) is None


class Client:
    """Of one database."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.admin = self

    def __getitem__(self, name: str) -> Any:
        assert name == self._database.name
        return self._database

    async def command(self, name: str) -> None:
        assert name == "ping"


class EndedError(Exception):
    """Stands in for the end of the process."""


async def test_worker_and_api_end_at_their_start(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Kept()
    await keep_key(database.awaited, MINE)
    erase(database)

    def end(refusal: Refusal) -> None:
        raise EndedError(refusal.code)

    async def prepare() -> None:
        """There is nothing to make."""

    monkeypatch.setattr(host, "end_process", end)
    monkeypatch.setattr(app, "end_process", end)
    client: Any = Client(database.awaited)
    with pytest.raises(EndedError, match="erasure_key"):
        await host.meet(prepare, database.awaited, SETTINGS)
    with pytest.raises(EndedError, match="erasure_key"):
        await app.meet(client, "loyalty", SETTINGS)
    mine = SETTINGS.model_copy(update={"erasure_key": SETTINGS.erasure_key.__class__(MINE.decode())})
    await host.meet(prepare, database.awaited, mine)
    await app.meet(client, "loyalty", mine)
