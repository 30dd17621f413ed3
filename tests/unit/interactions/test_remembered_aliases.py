"""What a process remembers of aliases: who was erased and who was merged costs others nothing."""

from collections import Counter
from typing import Any

import pytest

from services.interactions import resolving
from services.interactions.domain.aliases.state import AliasState
from services.interactions.erasure_store import ErasedIds
from services.interactions.resolving import SETTLED_S, Resolver
from shared.facts.aliases import Identity
from shared.facts.erased import ERASED_IDS, erased_hash
from shared.schemas.commands.aliases import alias_state
from shared.schemas.customers import AliasKind

KEY = b"an erasure key of tests"
IDENTITY = Identity(b"a secret of tests")


class Rows:
    """A collection that counts how often it is read."""

    def __init__(self, name: str, reads: Counter[str]) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._name, self._reads = name, reads

    def put(self, id: str, **row: Any) -> None:
        self.rows[id] = {"_id": id, **row}

    def find(self, query: Any, batch_size: int = 0) -> Any:
        wanted = query["_id"]
        ids = wanted["$in"] if isinstance(wanted, dict) else [wanted]
        self._reads[self._name] += 1
        return Found([self.rows[id] for id in ids if id in self.rows])

    async def find_one(self, query: Any, fields: Any = None) -> Any:
        self._reads[self._name] += 1
        return self.rows.get(query["_id"]) if query else next(iter(self.rows.values()), None)

    async def estimated_document_count(self) -> int:
        return len(self.rows)


class Found:
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    async def to_list(self) -> list[dict[str, Any]]:
        return self._rows


class Process:
    """A resolver, and the store that it reads, at a time of the test's own."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.reads: Counter[str] = Counter()
        self.now = 100.0
        patch.setattr(resolving, "monotonic", lambda: self.now)
        self.store = {name: Rows(name, self.reads) for name in ("state", "merged", "journal", ERASED_IDS)}
        database: Any = self.store
        nothing: Any = None
        erased = ErasedIds(database, KEY)
        self.resolver = Resolver(IDENTITY, database, nothing, nothing, erased, timeout=1)

    def has(self, customer: str | None, value: str, kind: AliasKind = "card") -> None:
        key = IDENTITY.key(IDENTITY.alias(kind, value))
        state = AliasState(key=key, owner=customer, known=True)
        self.store["state"].put(alias_state(key), data=state.model_dump_json())

    def erase(self, customer: str) -> None:
        self.store[ERASED_IDS].put(erased_hash(KEY, customer))

    async def whose(self, card: str, after: float = 0.1) -> tuple[str | None, dict[str, int]]:
        """The owner some seconds later, and what was read for that."""
        self.now += after
        self.reads.clear()
        return await self.resolver.resolve("card", card), dict(self.reads)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(monkeypatch)


async def test_an_erasure_makes_only_those_forgotten_who_were_erased(process: Process) -> None:
    process.has("ann", "1")
    process.has("bob", "2")
    await process.whose("1")
    await process.whose("2")
    assert await process.whose("2") == ("bob", {})
    process.erase("ann")
    process.has(None, "1")
    assert await process.whose("1", after=1.1) == (None, {ERASED_IDS: 1, "state": 1})
    assert await process.whose("2") == ("bob", {ERASED_IDS: 1}), "no state is read"
    assert await process.whose("2") == ("bob", {})


async def test_an_alias_that_hears_of_an_erasure_late_is_not_remembered_as_it_was(
    process: Process,
) -> None:
    process.has("ann", "1")
    process.has("bob", "2")
    await process.whose("1")
    process.erase("ann")
    assert (await process.whose("1", after=1.1))[0] == "ann", "the alias has not heard of it"
    process.has(None, "1")
    assert (await process.whose("1"))[0] is None
    await process.whose("2")
    assert await process.whose("2", after=SETTLED_S) == ("bob", {ERASED_IDS: 1})
    assert await process.whose("2") == ("bob", {})


async def test_a_survivor_is_remembered_as_long_as_the_two_are_one(process: Process) -> None:
    process.has("old", "1")
    process.has("bob", "2")
    process.store["merged"].put("old", into="new")
    await process.whose("1")
    assert await process.whose("1") == ("new", {"merged": 1})
    await process.whose("2")
    assert await process.whose("2") == ("bob", {})
    process.store["merged"].put("new", into="last")
    assert (await process.whose("1"))[0] == "last"
    process.store["merged"].put("old", into=None)
    assert (await process.whose("1"))[0] == "old"


@pytest.mark.parametrize(
    "typed", ["email:ann+shop+1@home.example", "email: ann shop 1@home.example ", "phone: 49 171 1234567"]
)
async def test_a_plus_may_have_become_a_space_in_a_query(process: Process, typed: str) -> None:
    process.has("ann", "ann+shop+1@home.example", "email")
    process.has("ann", "+491711234567", "phone")
    assert await process.resolver.whose(typed) == "ann"
