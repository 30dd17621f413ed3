"""The desk's queries on a real store."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent
from starlette.testclient import TestClient

from services.interactions.desk.queries import DeskStore
from services.interactions.domain.people import CustomerRow, SearchRow
from services.interactions.domain.rows import ComplaintRow, TimelineRow, sort_key
from services.interactions.domain.search import keys, samples
from services.interactions.routes.desk import customer as page
from services.interactions.store import InteractionsStore
from shared.facts.profile import profile_told
from shared.runtime.settings import Settings
from shared.schemas.customers import CustomerUpdated
from shared.schemas.times import micros

from ..inline_worker import InlineWorker
from ..test_service import NOW, complaint, logged, purchase, tell


@pytest.fixture(scope="module")
def worker(settings: Settings) -> InlineWorker:
    return InlineWorker(settings, wall=True)


class Questions(CommandListener):
    """What the store is asked, by the collection."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in ("find", "aggregate", "count"):
            self.asked.append(event.command[event.command_name])

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...


def asked(settings: Settings, ask: Any, of: Any = DeskStore, questions: Questions | None = None) -> Any:
    async def run() -> Any:
        heard = [] if questions is None else [questions]
        async with AsyncMongoClient[dict[str, Any]](
            settings.mongo, tz_aware=True, event_listeners=heard
        ) as client:
            return await ask(of(client["rapport_interactions"]))

    return asyncio.run(run())


def test_the_board_in_pages(api: TestClient, settings: Settings, customer: str) -> None:
    ids = {
        severity: complaint(api, customer, severity=severity)
        for severity in ("low", "critical", "normal", "high")
    }
    for severity, who in (("low", "ann"), ("high", "ann"), ("critical", "bo")):
        answer = api.post(f"/complaints/{ids[severity]}/acknowledge", json={"assignee": f"{who}-{customer}"})
        assert answer.status_code == 200, answer.text
    every: list[ComplaintRow] = asked(settings, lambda store: store.board(limit=500))
    mine = [row for row in every if row.customer_id == customer]
    assert [row.due for row in every] == sorted(row.due or "" for row in every)
    assert {row.complaint_id for row in mine} == set(ids.values())
    page: list[ComplaintRow] = asked(settings, lambda store: store.board(after=mine[0].due, limit=500))
    assert [row for row in page if row.customer_id == customer] == mine[1:]
    ann: list[ComplaintRow] = asked(settings, lambda store: store.board(assignee=f"ann-{customer}", limit=5))
    assert [row.complaint_id for row in ann] == [ids["high"], ids["low"]]
    assert mine[0].next_due is not None
    until = mine[0].next_due
    soon: list[ComplaintRow] = asked(settings, lambda store: store.board(until=until, limit=500))
    assert mine[0] in soon
    assert mine[-1] not in soon
    for id in ids.values():
        api.post(f"/complaints/{id}/resolve", json={"resolution": "sent again"})
    left: list[ComplaintRow] = asked(settings, lambda store: store.board(limit=500))
    assert [row for row in left if row.customer_id == customer] == []


def test_what_happened_of_some_types(api: TestClient, settings: Settings, customer: str) -> None:
    tell(api, *(logged(customer, n) for n in range(5)), purchase(customer, 2.5))
    tell(api, logged(f"{customer}0", 1), logged(customer, 9, channel="email"))

    def happened(*types: str, **more: Any) -> list[TimelineRow]:
        found: list[TimelineRow] = asked(
            settings, lambda store: store.happened((customer,), types, **{"limit": 50} | more)
        )
        return found

    assert len(happened()) == 7
    (bought,) = happened("rapport.purchase.made.v1")
    assert [row.summary[-3:] for row in happened("rapport.interaction.logged.v1", limit=2)] == ["t 9", "t 4"]
    assert len(happened(before=bought.place)) == 3
    assert len(happened(channel="email")) == 1
    asked_at = micros(NOW - timedelta(days=1) + timedelta(minutes=2.5))
    assert asked(settings, lambda store: store.at((customer,), asked_at, ["rapport.purchase.made.v1"])) == [
        bought
    ]
    assert asked(settings, lambda store: store.at((customer,), asked_at + 1, [bought.type])) == []


def test_what_nobody_has_is_counted_in_the_same_question(
    api: TestClient, settings: Settings, customer: str
) -> None:
    for n in range(4):
        one = logged(f"{customer}-{n}", n)
        one["data"] |= {"conversation_id": f"{customer}-{n}-c", "kind": "message"}
        tell(api, one)
    questions = Questions()
    some = asked(settings, lambda store: store.queued(nobodys=True, limit=2), InteractionsStore, questions)
    assert len(some.rows) == 2
    assert some.number >= 4 or some.more
    assert questions.asked == ["conversations"]
    every = asked(settings, lambda store: store.queued(nobodys=True, limit=500), InteractionsStore).rows
    assert every[:2] == some.rows
    assert [row.order for row in every] == sorted(row.order for row in every)


MANY = 600


def popular(settings: Settings, customer: str) -> str:
    """So many customers of one first name, each seen a minute after the other; the name."""
    name = "q" + "".join(chr(ord("a") + int(c, 16)) for c in customer[-8:])
    people, rows = [], []
    for number in range(MANY):
        id = f"{customer}-{number}"
        order = sort_key(number * 60_000_000, id)
        people.append(CustomerRow(id, order, id.casefold(), f"{name.title()} X{number}").document())
        own = keys(profile_told({}, CustomerUpdated(name=f"{name} x{number}"), 0))
        told = own | samples(id, own)
        rows += [SearchRow(f"{id} {slot}", id, order, key).document() for slot, key in told.items()]

    async def write(database: Any) -> None:
        await database["customers"].insert_many(people)
        await database["search"].insert_many(rows)

    asked(settings, write, lambda database: database)
    return name


def test_of_very_many_some_are_found_and_few_rows_are_read(settings: Settings, customer: str) -> None:
    name = popular(settings, customer)

    def some(text: str, limit: int = 13) -> list[str]:
        rows: list[CustomerRow] = asked(
            settings, lambda store: store.some(text, limit=limit), InteractionsStore
        )
        return [row.customer_id for row in rows]

    def all_of(text: str) -> list[str]:
        rows = asked(settings, lambda store: store.search(text, before=None, limit=MANY), InteractionsStore)
        return [row.customer_id for row in rows]

    every = all_of(name)
    assert len(every) == MANY
    drawn = [id for id in every if samples(id, {})]
    assert 13 <= len(drawn) < MANY / 8
    assert some(name) == drawn[:13]
    assert some(f"{name} x59") == all_of(f"{name} x59"), "few are found whole"
    assert some(name, len(drawn) + 1) == every[: len(drawn) + 1], "too few are drawn"
    one = next(id for id in every if not samples(id, {}))
    assert some(one.upper())[0] == one
    assert some(f"{customer}-")[:13] == drawn[:13]
    assert some("nobody of that name") == []


@pytest.mark.parametrize(("lines", "group"), [(1, "purchases"), (2, "purchases"), (2, "interactions")])
def test_what_was_read_already_is_not_asked_for_again(
    lines: int,
    group: str,
    api: TestClient,
    settings: Settings,
    customer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [purchase(customer, n) if n % 3 == 0 else logged(customer, n) for n in range(9)]
    tell(api, *told)

    def narrowed(known: int, before: str | None = None) -> list[TimelineRow]:
        async def ask(store: DeskStore) -> list[TimelineRow]:
            recent = await store.happened((customer,), (), limit=max(known, lines + 1))
            monkeypatch.setattr(page, "RECENT", known)
            return await page.narrowed(
                store, (customer,), recent, of=group, by="", before=before, limit=lines + 1
            )

        found: list[TimelineRow] = asked(settings, ask)
        return found

    whole = narrowed(50)
    assert len(whole) == lines + 1
    for known in (1, 2, 3, 4, 8, 9, 10):
        assert narrowed(known) == whole
        assert narrowed(known, whole[0].place)[:lines] == whole[1:]
