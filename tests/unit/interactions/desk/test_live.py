"""What is told to open pages, and what it costs when nothing happens."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import AutoReconnect

from services.interactions.desk.live import ANYTHING, Live, Page
from services.interactions.desk.presence import PRESENT
from shared.kafka.keys import partition_of

from .watching import Watching, told

LATER = datetime.now(UTC) + timedelta(hours=1)


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


async def test_a_page_is_told_of_what_was_found_since_it_was_made_and_of_that_alone() -> None:
    watching = Watching()
    await watching.opened("c-1", "c-2")
    mark = watching.live.mark
    watching.database.write("c-1")
    await watching.look()
    page = watching.opens(mark, "c-1", "c-2", ANYTHING)
    assert told(page) == []
    await watching.look()
    assert told(page) == [ANYTHING, "c-1"]
    await watching.look()
    assert told(page) == []


@pytest.mark.parametrize("mark", ["", "another process.9", "no number", "."])
async def test_a_page_of_another_process_is_told_of_all_that_it_watches(mark: str) -> None:
    watching = Watching()
    await watching.opened("c-1")
    page = watching.opens(mark, "c-1", "c-2")
    await watching.look()
    assert told(page) == ["c-1", "c-2"]
    watching.database.write("c-2")
    await watching.look()
    assert told(page) == ["c-2"]


async def test_what_is_written_while_a_look_is_going_on_is_told_to_a_page_that_was_read_before_it() -> None:
    """The look knows the state as it is after the write, but not how often the partition was written."""
    watching = Watching()
    await watching.opened("c-1")
    watching.opens("", "c-2")  # asks for it in the next look, for the first time
    made = list[str]()

    def reads_and_then_it_is_written() -> None:
        made.append(watching.live.mark)
        watching.database.write("c-2")

    watching.database.meanwhile["partitions"] = reads_and_then_it_is_written
    await watching.look()
    page = watching.opens(*made, "c-2")
    await watching.look()
    assert told(page) == ["c-2"]


async def test_a_page_that_opens_while_a_look_is_going_on_is_told_of_what_is_written_before_the_next() -> (
    None
):
    watching = Watching()
    await watching.opened("c-1")
    page = list[Page]()
    watching.database.meanwhile["partitions"] = lambda: page.append(watching.opens("", "c-2"))
    await watching.look()
    told(*page)
    watching.database.write("c-2")
    await watching.look()
    assert told(*page) == ["c-2"]


async def test_of_two_pages_that_follow_each_other_during_a_look_the_second_misses_nothing() -> None:
    """What the first watched is forgotten by a look that began without either."""
    watching = Watching()
    await watching.opened("c-1")
    with watching.live.page(["c-2"], ""):
        await watching.look()
    page = list[Page]()

    def opens_and_then_it_is_written() -> None:
        page.append(watching.opens(watching.live.mark, "c-2"))
        watching.database.write("c-2")

    watching.database.meanwhile["partitions"] = opens_and_then_it_is_written
    await watching.look()
    await watching.look()
    assert told(*page) == ["c-2"]


@pytest.mark.parametrize("away", ["partitions", "state", "presence"])
async def test_a_look_that_fails_loses_nothing(away: str) -> None:
    watching = Watching()
    page = await watching.opened("c-1", PRESENT + "c-1", ANYTHING)
    watching.database.write("c-1")
    watching.database.away = away
    with pytest.raises(AutoReconnect):
        await watching.look()
    watching.database.away = ""
    await watching.look()
    assert told(page) == [ANYTHING, "c-1"]


async def test_who_comes_between_a_page_and_its_stream_is_told() -> None:
    watching = Watching()
    await watching.opened(PRESENT + "c-1")
    mark = watching.live.mark
    row = {"customer": "c-1", "conversation": "t-1", "agent": "ben", "name": "Ben"}
    watching.database.present = [{**row, "doing": "answering", "until": LATER}]
    await watching.look()
    page = watching.opens(mark, PRESENT + "c-1")
    await watching.look()
    assert told(page) == [PRESENT + "c-1"]


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
