"""What is told to open pages, and what it costs when nothing happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.interactions.desk.live import ANYTHING, Live, Page
from services.interactions.desk.presence import PRESENT
from shared.kafka.keys import partition_of

LATER = datetime.now(UTC) + timedelta(hours=1)


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

    def write(self, key: str, state: str | None = None) -> None:
        self.versions[state or key] = self.versions.get(state or key, 0) + 1
        self.writes[partition_of(key.encode(), len(self.writes))] += 1

    def __getitem__(self, name: str) -> Any:
        return Collection(self, name)


class Collection:
    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    def find(self, query: Mapping[str, Any], fields: Any = None) -> Found:
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

    async def opened(self, *names: str) -> Page:
        """A page that has been told all there was when it opened."""
        page = self._open.enter_context(self.live.page(names, ""))
        await self.look()
        told(page)
        return page


def told(page: Page) -> list[str]:
    found, page.changed = sorted(page.changed), set()
    return found


async def test_a_page_is_told_of_what_it_watches_and_of_nothing_else() -> None:
    watching = Watching()
    one, other = await watching.opened("c-1", "team/t"), await watching.opened("c-2")
    watching.database.write("c-1")
    await watching.look()
    assert (told(one), told(other)) == (["c-1"], [])
    watching.database.write("t", "team/t")
    await watching.look()
    assert (told(one), told(other)) == (["team/t"], [])
    watching.database.write("c-3")
    await watching.look()
    assert (told(one), told(other)) == ([], [])


async def test_a_state_that_comes_to_be_is_told() -> None:
    watching = Watching()
    page = await watching.opened("c-new")
    watching.database.write("c-new")
    await watching.look()
    assert told(page) == ["c-new"]


async def test_what_may_have_changed_before_it_opened_is_told_by_the_next_look() -> None:
    watching = Watching()
    await watching.opened("c-1")
    mark = watching.live.mark
    with watching.live.page(["c-1"], mark) as same:
        assert told(same) == []
    with watching.live.page(["c-2", ANYTHING], mark) as unknown:
        assert told(unknown) == []
        await watching.look()
        assert told(unknown) == [ANYTHING, "c-2"]
        # The page is made again now, as it stands at that look: what is written after it is told.
        watching.database.write("c-2")
        await watching.look()
        assert "c-2" in told(unknown)
    watching.database.write("c-1")
    await watching.look()
    with watching.live.page(["c-1"], mark) as older:
        await watching.look()
        assert told(older) == ["c-1"]


async def test_when_nothing_happens_two_hundred_pages_cost_what_one_does() -> None:
    watching = Watching()
    for n in range(200):
        await watching.opened(f"c-{n}", PRESENT + f"c-{n}")
    watching.database.asked.clear()
    for _ in range(10):
        await watching.look()
    assert watching.database.asked == {"partitions": 10, "presence": 10}


async def test_a_write_asks_for_the_states_of_its_partition_alone() -> None:
    watching = Watching()
    for n in range(200):
        await watching.opened(f"c-{n}")
    watching.database.asked.clear()
    watching.database.write("c-7")
    await watching.look()
    same = [n for n in range(200) if partition_of(f"c-{n}".encode(), 4) == partition_of(b"c-7", 4)]
    assert watching.database.asked["ids"] == len(same) < 100


async def test_nothing_is_asked_while_no_page_is_open() -> None:
    watching = Watching()
    await watching.look()
    with watching.live.page(["c-1"], ""):
        await watching.look()
    watching.database.asked.clear()
    await watching.look()
    assert not watching.database.asked


@pytest.mark.parametrize(("pages", "looks"), [(1, 2), (16, 2), (50, 5), (100, 10), (500, 10)])
async def test_anything_is_told_soon_and_to_many_pages_seldom(pages: int, looks: int) -> None:
    """Within a second to few, however much is written; and no more to many than can be made anew."""
    watching = Watching()
    (page, *_others) = [await watching.opened(ANYTHING) for _ in range(pages)]
    silent, most = 0, 0
    for n in range(60):
        watching.database.write(f"c-{n}")
        await watching.look()
        silent = 0 if told(page) else silent + 1
        most = max(most, silent + 1)
    assert looks <= most <= looks + 1


async def test_after_a_pause_anything_is_told_at_once() -> None:
    watching = Watching()
    page = await watching.opened(ANYTHING)
    for _ in range(10):
        await watching.look()
    told(page)
    watching.database.write("c-1")
    await watching.look()
    assert told(page) == [ANYTHING]


async def test_who_comes_and_goes_is_told() -> None:
    watching = Watching()
    page = await watching.opened(PRESENT + "c-1")
    row = {"customer": "c-1", "conversation": "t-1", "agent": "ben", "name": "Ben"}
    for doing, until in (
        ("reading", LATER),
        ("answering", LATER),
        ("answering", datetime(2020, 1, 1, tzinfo=UTC)),
    ):
        watching.database.present = [{**row, "doing": doing, "until": until}]
        await watching.look()
        assert told(page) == [PRESENT + "c-1"]
        await watching.look()
        assert told(page) == []


async def test_pages_end_with_their_session_and_with_the_process() -> None:
    live = Live()
    with live.page(["c-1"], "") as page:
        page.tell(["c-1"])
        seen = [name async for name in page.changes(datetime.now(UTC) + timedelta(seconds=0.05))]
        assert seen == ["c-1"]
        waiting = asyncio.create_task(_all(page))
        await asyncio.sleep(0)
        live.close()
        assert await waiting == []


async def _all(page: Page) -> list[str]:
    return [name async for name in page.changes(LATER)]
