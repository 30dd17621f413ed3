"""What is remembered spares reading and changes no answer: lists whose beginnings were read before, on the
embedded store; teams by their version."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandListener, CommandStartedEvent, CommandSucceededEvent

from services.interactions.desk.queries import DeskStore
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.routing.state import Team
from services.interactions.domain.rows import TimelineRow, conversation_row
from services.interactions.remembered import MOST_REST_S, STRIDE, Latest, Reach, Remembered, Strides
from services.interactions.store import InteractionsStore
from services.interactions.team_store import TeamStore
from shared.journal.later import state_text
from shared.runtime.mongo import Document
from shared.runtime.settings import Settings
from shared.schemas.interactions import InteractionLogged

T = TypeVar("T")


class Found(CommandListener):
    """The questions, and what came of each."""

    def __init__(self) -> None:
        self.asked: list[Document] = []
        self.rows: list[int] = []
        """How many each found."""

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.asked.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name == "find":
            self.rows.append(len(event.reply["cursor"]["firstBatch"]))

    def failed(self, event: object) -> None: ...


def on_store(settings: Settings, ask: Callable[[AsyncDatabase[Document], Found], Awaitable[T]]) -> T:
    async def run() -> T:
        found = Found()
        async with AsyncMongoClient[Document](settings.mongo, event_listeners=[found]) as client:
            return await ask(client["remembered"], found)

    return asyncio.run(run())


def place(n: int) -> str:
    return f"{n:018d} row"


@pytest.mark.parametrize("index", ["order", "-order"])
@pytest.mark.parametrize("seed", range(3))
def test_a_list_read_again_is_what_all_of_it_begins_with(settings: Settings, index: str, seed: int) -> None:
    chance = random.Random(seed)
    direction = -1 if index.startswith("-") else 1

    async def ask(database: AsyncDatabase[Document], _: Found) -> None:
        rows = database[f"rows{seed}{direction}"]
        await rows.create_index([("team", 1), ("order", direction)])
        reach, known = Reach(), set[int]()
        for _round in range(25):
            some = {chance.randrange(400) for _ in range(chance.choice((0, 1, 40)))} - known
            if some:
                of = ("a", None)
                await rows.insert_many(
                    [{"_id": n, "team": of[n % 2], "order": place(n), "gone": n % 7 == 0} for n in some]
                )
            known |= some
            over = set(chance.sample(sorted(known), len(known) // chance.choice((2, 3, 50, 90))))
            await rows.delete_many({"_id": {"$in": [*over]}})
            known -= over
            team, wanted = chance.choice(("a", None)), chance.choice((2, 20))
            until = chance.choice((None, place(chance.randrange(400))))
            found = await reach.first(
                rows,
                {"team": team},
                "order",
                wanted=wanted,
                after=None if direction < 0 else "",
                before=until,
                keep=lambda row: not row["gone"],
            )
            right = [n for n in sorted(known) if n % 2 == (team is None) and n % 7]
            right = [n for n in right if until is None or place(n) < until]
            assert [row["_id"] for row in found] == right[:wanted]

    on_store(settings, ask)


def test_a_list_read_again_asks_for_no_more_than_it_needs(settings: Settings) -> None:
    async def ask(database: AsyncDatabase[Document], found: Found) -> None:
        rows = database["many"]
        await rows.create_index([("team", 1), ("order", 1)])
        await rows.insert_many([{"_id": n, "team": "a", "order": place(n)} for n in range(1_000)])
        reach = Reach()
        for _ in range(3):
            read = await reach.first(rows, {"team": "a"}, "order", wanted=20, after="")
            assert [row["_id"] for row in read] == [*range(20)]
        far = [question["filter"]["order"]["$lte"] for question in found.asked]
        assert len(far) == 3
        assert far[1:] == [place(34)] * 2

    on_store(settings, ask)


@pytest.mark.parametrize("index", ["order", "-order"])
@pytest.mark.parametrize("seed", range(3))
def test_all_of_a_list_is_read_by_and_by(settings: Settings, index: str, seed: int) -> None:
    """Nobody's question is behind one that finds thousands; what comes and goes meanwhile is seen."""
    chance = random.Random(seed)
    direction = -1 if index.startswith("-") else 1
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    async def ask(database: AsyncDatabase[Document], found: Found) -> None:
        rows = database[f"strides{seed}{direction}"]
        await rows.create_index([("status", 1), ("order", direction)])
        strides, known = Strides(rest), set[int]()
        for _round in range(8):
            some = {chance.randrange(9_000) for _ in range(chance.choice((0, 20, 700)))} - known
            if some:
                documents = [{"_id": n, "status": "ab"[n % 2], "order": place(n), "n": n} for n in some]
                await rows.insert_many(documents)
            known |= some
            over = chance.sample(sorted(known), len(known) // chance.choice((2, 50, 1_000)))
            await rows.delete_many({"_id": {"$in": over}})
            known -= {*over}
            right = [{"order": place(n), "n": n} for n in sorted(known) if n % 2]
            for again in (False, True):
                found.rows.clear()
                rests.clear()
                read = await strides.all(rows, {"status": "b"}, "order", "n")
                assert sorted(read, key=lambda row: row["n"]) == right
                assert not again or max(found.rows) <= STRIDE
                assert len(rests) == len(found.rows) - 1, "whoever waits for the store comes in between"
                assert sum(rests) <= MOST_REST_S

    on_store(settings, ask)


def test_what_the_desk_has_on_hand_is_read_by_and_by(settings: Settings) -> None:
    async def ask(database: AsyncDatabase[Document], found: Found) -> None:
        talks = database["conversations"]
        await talks.create_index([("status", 1), ("order", -1)])
        kinds = (("queued", None), ("assigned", None), ("closed", None), ("queued", "another"))
        rows = [
            {"_id": n, "order": place(n), "team": "care", "status": status, "into": into, "since": 5}
            for n, (status, into) in enumerate(kinds * 300)
        ]
        await talks.insert_many(rows)
        remembered = Remembered()
        remembered.strides = Strides(lambda seconds: asyncio.sleep(0))
        for again in (False, True):
            found.rows.clear()
            on_hand = await TeamStore(database, remembered).on_hand(["care"], 9)
            assert on_hand.teams["care"].conversations == {"queued": 300, "assigned": 300}
            assert not again or max(found.rows) <= STRIDE

    on_store(settings, ask)


def test_a_queue_is_counted_as_far_as_it_is_told(settings: Settings) -> None:
    async def ask(database: AsyncDatabase[Document], found: Found) -> None:
        talks = [
            conversation_row(f"c-{n}", Conversation(conversation_id="t", opened_at=n, updated_at=n))
            for n in range(300)
        ]
        await database["conversations"].insert_many(
            [row.document() | {"status": "queued"} for row in talks[:200]]
        )
        store = InteractionsStore(database, Remembered())
        for _ in range(2):
            queued = await store.queued(nobodys=True, limit=10)
            assert [row.customer_id for row in queued.rows] == [f"c-{n}" for n in range(10)]
            assert (queued.number, queued.more) == (99, True)
        assert max(found.rows) < 2 * 99, "no more is read than is told"
        await database["conversations"].delete_many({"customer": {"$nin": [f"c-{n}" for n in range(99)]}})
        queued = await store.queued(nobodys=False, limit=10)
        assert (queued.number, queued.more) == (99, False)

    on_store(settings, ask)


def test_a_team_is_taken_apart_when_it_was_written(settings: Settings) -> None:
    async def ask(database: AsyncDatabase[Document], found: Found) -> None:
        states, name = database["state"], "team/service"
        store = TeamStore(database, Remembered())
        assert await store.team("service") is None
        await states.insert_one(
            {"_id": name, "version": 1, "data": state_text(Team(team_id="service", next_at=1))}
        )
        first = await store.team("service")
        assert first == Team(team_id="service", next_at=1)
        assert await store.team("service") is first
        assert found.asked[-1]["projection"] == {"version": 1}
        changed = {"version": 2, "data": state_text(Team(team_id="service", next_at=2))}
        await states.update_one({"_id": name}, {"$set": changed})
        assert await store.team("service") == Team(team_id="service", next_at=2)
        assert await TeamStore(database).team("service") == Team(team_id="service", next_at=2)
        await states.delete_one({"_id": name})
        assert await store.team("service") is None

    on_store(settings, ask)


def test_what_was_said_is_found_again_by_its_name(settings: Settings) -> None:
    def said(uid: str, customer: str, at: int) -> TimelineRow:
        place = f"{customer} {at + 62_135_596_800_000_000:018d} {uid}"
        type, source = InteractionLogged.event_type, "/chat"
        return TimelineRow(uid, place, customer, at, type, "a line", "{}", source, uid)

    async def ask(database: AsyncDatabase[Document], found: Found) -> None:
        rows = [said(f"e-{n}", f"c-{n}", n) for n in range(5)]
        await database["timeline"].insert_many([row.document() for row in rows])
        store = DeskStore(database, Remembered())
        places = {f"talk {n}": (f"c-{n}", n) for n in range(5)}
        wanted = {f"talk {n}": rows[n] for n in range(5)}
        assert await store.said_at({"of nobody": ("c-9", 9), **places}) == wanted
        found.asked.clear()
        assert await store.said_at(places) == wanted
        assert len(found.asked) == 1
        await database["timeline"].delete_one({"_id": "e-3"})
        assert await store.said_at(places) == {name: row for name, row in wanted.items() if row.uid != "e-3"}

    on_store(settings, ask)


def test_names_of_many_are_asked_for_in_parts(settings: Settings) -> None:
    async def ask(database: AsyncDatabase[Document], found: Found) -> None:
        ids = [f"c-{n:03d}" for n in range(100)]
        await database["customers"].insert_many(
            [{"_id": id, "order": f"{n % 7} {id}", "id_key": id} for n, id in enumerate(ids)]
        )
        rows = await InteractionsStore(database).customer_rows([*ids, "nobody"])
        assert [*rows] == sorted(ids, key=lambda id: f"{int(id[2:]) % 7} {id}", reverse=True)
        assert max(len(one["filter"]["_id"]["$in"]) for one in found.asked) <= 30
        assert await InteractionsStore(database).customer_rows([]) == {}

    on_store(settings, ask)


def test_those_used_last_are_kept() -> None:
    kept: Latest[str, Any] = Latest(2)
    kept.keep("a", 1)
    kept.keep("b", 2)
    assert kept.get("a") == 1
    kept.keep("c", 3)
    assert [kept.get(name) for name in "abc"] == [1, None, 3]
    kept.drop("c")
    kept.drop("c")
    assert kept.get("c") is None
