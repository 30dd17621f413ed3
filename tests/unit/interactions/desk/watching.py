"""Pages that are open, over partitions, states and who is there in memory."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from pymongo.errors import AutoReconnect

from services.interactions.desk.live import Live, Page
from shared.kafka.keys import partition_of


class Found:
    def __init__(self, documents: Sequence[Mapping[str, Any]]) -> None:
        self._documents = documents

    async def to_list(self) -> list[Mapping[str, Any]]:
        return list(self._documents)

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        for one in self._documents:
            yield one


class Database:
    """Partitions, states and who is there, and how often each is asked for."""

    def __init__(self, partitions: int = 4) -> None:
        self.writes = dict.fromkeys(range(partitions), 1)
        self.versions: dict[str, int] = {}
        self.present: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()
        self.meanwhile: dict[str, Callable[[], None]] = {}
        """What happens as soon as a collection was read, once."""
        self.away = ""
        """A collection that cannot be read."""

    def write(self, key: str, state: str | None = None) -> None:
        self.versions[state or key] = self.versions.get(state or key, 0) + 1
        self.writes[partition_of(key.encode(), len(self.writes))] += 1

    def __getitem__(self, name: str) -> Any:
        return Collection(self, name)


class Collection:
    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    def find(self, query: Mapping[str, Any], fields: Any = None) -> Found:
        if self._database.away == self._name:
            raise AutoReconnect("away")
        found = self._found(query)
        self._database.meanwhile.pop(self._name, lambda: None)()
        return found

    def _found(self, query: Mapping[str, Any]) -> Found:
        database = self._database
        database.asked[self._name] += 1
        if self._name == "partitions":
            count = len(database.writes)
            return Found(
                [{"_id": p, "epoch": 1, "writes": n, "counts": [count]} for p, n in database.writes.items()]
            )
        if self._name == "presence":
            return Found([one for one in database.present if one["customer"] in query["customer"]["$in"]])
        wanted = query["_id"]["$in"]
        database.asked["ids"] += len(wanted)
        return Found(
            [{"_id": id, "version": database.versions[id]} for id in wanted if id in database.versions]
        )


class Watching:
    """Pages that are open, and what each was told."""

    def __init__(self) -> None:
        self.live, self.database = Live(), Database()
        self.now = 0.0
        self._open = ExitStack()
        """Pages stay open as long as this is there."""

    async def look(self) -> None:
        self.now += 0.3
        await self.live.look(self.database, self.now)

    def opens(self, mark: str, *names: str) -> Page:
        return self._open.enter_context(self.live.page(names, mark))

    async def opened(self, *names: str) -> Page:
        """A page that has been told all there was when it opened."""
        page = self.opens("", *names)
        await self.look()
        told(page)
        return page


def told(page: Page) -> list[str]:
    found, page.changed = sorted(page.changed), set()
    return found
