"""That a theme was acted upon is told to each who had spoken of it, once, whoever dies; on a real store."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.metrics.api import create_app
from services.metrics.figures_store import FiguresStore
from services.metrics.journal import acting
from services.metrics.settings import MetricsSettings
from shared.runtime.digest import digest
from shared.schemas.commands.themes import ThemeActRequested
from shared.schemas.event import Event
from shared.schemas.feedback import About, SurveyAnswered
from shared.schemas.insights import FeedbackActed

from .story import opened
from .test_api import HEADERS, KEY, Broker
from .test_watching import Worker, at

Client = AsyncMongoClient[dict[str, Any]]
NOW = datetime(2026, 6, 18, 12, tzinfo=UTC)
THEME, TEXT = "late-delivery", "Parcels leave on Saturdays too."


def spoke(customer: str, *, words: str = "It is late.", days: float = 3, name: str = "") -> Event:
    data = opened(f"k-{name or customer}").model_copy(update={"description": words})
    return at(data, NOW - timedelta(days=days), customer)


def asked(id: str = "key-1", theme: str = THEME, text: str = TEXT) -> Event:
    return Event(id, "/api/metrics/ann/themes.acted", theme, NOW, ThemeActRequested(text=text))


def told(*workers: Worker) -> Counter[tuple[str, str, str]]:
    """Each event once: who, of which theme, in which words."""
    found = {e.id: e for worker in workers for e in worker.told if isinstance(e.data, FeedbackActed)}
    return Counter((e.subject, e.data.theme, e.data.text) for e in found.values())  # type: ignore[attr-defined]  # of FeedbackActed


async def started(client: Client, name: str, *events: Event) -> Worker:
    worker = Worker(client, name, NOW)
    await worker.begin()
    await worker.tell(*events)
    await worker.pass_on(3)
    return worker


CUSTOMERS = ["c1", "c1-a", "c1.b", "c10", "c2", "c2:x"]
"""In another order where a customer's rows have more behind the id."""


@pytest.mark.parametrize("most", [1, 2, 3, 2_000])
async def test_each_who_had_spoken_of_it_is_told_once(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(acting, "MOST_ROWS", most)
    log = [spoke(c) for c in CUSTOMERS] + [spoke(c, name=f"again-{c}", days=2) for c in CUSTOMERS[:3]]
    log += [spoke("other", words="Too expensive."), spoke("ahead", days=-0.01)]
    worker = await started(client, database_name, *log)
    await worker.tell(asked())
    await worker.pass_on(25)
    assert told(worker) == {(customer, THEME, TEXT): 1 for customer in CUSTOMERS}
    assert all(e.time == NOW for e in worker.told if isinstance(e.data, FeedbackActed))
    [act] = await FiguresStore(client[database_name]).acts(THEME, before=None, limit=5)
    assert (act.told, act.done) == (len(CUSTOMERS), True)


async def test_the_same_command_again_tells_nobody_twice(client: Client, database_name: str) -> None:
    worker = await started(client, database_name, spoke("c1"))
    for _ in range(3):
        await worker.tell(asked())
        await worker.pass_on(4)
    assert told(worker) == {("c1", THEME, TEXT): 1}
    await worker.tell(asked("key-2"))
    await worker.pass_on(4)
    assert told(worker) == {("c1", THEME, TEXT): 2}, "another act is told again"


async def test_who_takes_over_goes_on_where_the_other_ended(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "MOST_ROWS", 2)
    workers = [await started(client, database_name, *(spoke(c) for c in CUSTOMERS), asked())]
    for seconds in (1, 0, 2, 1, 30):
        workers.append(Worker(client, database_name, workers[-1].now))
        await workers[-1].begin()  # the one before loses its partitions without knowing
        await workers[-1].pass_on(seconds)
    assert told(*workers) == {(customer, THEME, TEXT): 1 for customer in CUSTOMERS}
    [act] = await FiguresStore(client[database_name]).acts(THEME, before=None, limit=5)
    assert (act.told, act.done) == (len(CUSTOMERS), True)


async def test_who_took_their_words_back_is_not_told(client: Client, database_name: str) -> None:
    about = About(kind="order", id="o1")
    log = [
        at(SurveyAnswered(survey="csat", score=score, comment=words, about=about), NOW - timedelta(days=days))
        for score, words, days in ((1, "It is late.", 3), (5, "It was here after all.", 2))
    ]
    worker = await started(client, database_name, *log)
    await worker.tell(asked())
    await worker.pass_on(4)
    assert told(worker) == {}


async def test_the_caller_is_answered(client: Client, database_name: str) -> None:
    worker = await started(client, database_name, asked())
    await worker.pass_on(3)
    entry = await client[database_name]["journal"].find_one({"_id": "/api/metrics/ann/themes.acted key-1"})
    assert entry is not None
    assert entry["digest"] == digest(THEME, ThemeActRequested(text=TEXT))
    assert entry["outcome"]["status"] == 201
    assert set(entry["outcome"]["body"]) == {"act_id", "theme", "text", "at"}


@pytest.fixture
def api(server: str) -> Any:
    settings = MetricsSettings(kafka="nowhere:1", mongo=server, secret_key="0123456789abcdef", api_key=KEY)
    with TestClient(create_app(settings, publisher=Broker())) as client:
        yield client


def post(api: TestClient, theme: str, body: Any, headers: Any = HEADERS) -> Any:
    return api.post(f"/themes/{theme}/acted", json=body, headers=headers)


def test_an_unknown_theme_is_404_with_the_list(api: TestClient) -> None:
    for answer in (post(api, "weather", {"text": TEXT}), api.get("/themes/weather/acted", headers=HEADERS)):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_theme")
        assert "late-delivery, damaged" in answer.json()["detail"]
        assert answer.json()["errors"][0]["field"] == "path.theme"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", None, 5, "x" * 1_001])
def test_an_empty_text_is_422(api: TestClient, text: Any) -> None:
    for body in ({"text": text}, {} if text is None else {"text": text, "more": 1}):
        answer = post(api, THEME, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
        assert answer.json()["errors"][0]["field"].startswith("body.")


def test_a_key_that_is_none_is_422_and_nobody_is_asked(api: TestClient) -> None:
    answer = post(api, THEME, {"text": TEXT}, {**HEADERS, "Idempotency-Key": "a b"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "header.Idempotency-Key")
    assert post(api, THEME, {"text": TEXT}, {}).status_code == 401


async def test_acts_are_listed_the_newest_first(client: Client, database_name: str) -> None:
    store = FiguresStore(client[database_name])
    events: Sequence[Event] = [asked(f"key-{n}") for n in range(3)]
    await started(client, database_name, *events, asked("x", "price"))
    first = await store.acts(THEME, before=None, limit=2)
    rest = await store.acts(THEME, before=(first[-1].at, first[-1].id), limit=2)
    assert len({act.id for act in (*first, *rest)}) == 3
    assert [act.id for act in (*first, *rest)] == sorted((act.id for act in (*first, *rest)), reverse=True)
