"""Retention and churn of a day, which follow from days long before it, leave what is usual too."""

from datetime import timedelta
from itertools import groupby

import pytest

from services.metrics.config import load
from services.metrics.domain.baseline import AGAIN_DAYS, Anomalies, Lives, known_latest, latest, turns
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.figures_store import FiguresStore
from services.metrics.journal import partition
from shared.schemas.event import Event
from shared.schemas.times import day_of, micros

from .story import answered, profile, purchase
from .test_watching import NOW, Client, Worker, at

QUIET = 7
POLICY = load().model_copy(
    update={
        "churn": ChurnPolicy.model_validate({"quiet": f"{QUIET}d", "contractual": None}),
        "anomalies": Anomalies(weeks=4),
    }
)
DAYS = 50
YESTERDAY = NOW - timedelta(days=1)


def bought(days_ago: int, *people: str) -> list[Event]:
    return [at(purchase(f"{one}-{days_ago}"), NOW - timedelta(days=days_ago), one) for one in people]


def history() -> list[Event]:
    """Each day ten buy once, and 20 buy every day; a week and a day before yesterday 60 of another segment
    came and stayed away; yesterday a quarter of the 20 bought."""
    regulars = [f"r{n}" for n in range(20)]
    told: list[Event] = []
    for ago in range(DAYS, 0, -1):
        told += bought(ago, *(f"once-{ago}-{n}" for n in range(10)), *(regulars if ago > 1 else regulars[:5]))
    promo = [f"promo-{n}" for n in range(60)]
    told += [at(profile("promo"), NOW - timedelta(days=40), one) for one in promo]
    return [*told, *bought(1 + QUIET + 1, *promo)]


async def until_loaded(worker: Worker) -> None:
    """A minute after the last of it, and the quiet after which it is decided what moved."""
    await worker.pass_on(4)
    worker.now += timedelta(minutes=1)
    await worker.pass_on(2)


async def test_retention_and_churn_are_judged_and_who_moved_them_is_named(
    client: Client, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is in the collections."""
    monkeypatch.setattr(partition, "FOLD_CELLS", 0)
    worker = Worker(client, database_name, policy=POLICY)
    await worker.begin()
    await worker.tell(*history())
    await until_loaded(worker)
    told = {(one.kpi, one.day): one for one in worker.anomalies}
    day = YESTERDAY.date().isoformat()
    churn = told["churn", day]
    usual = 10 / (8 * 10 + 20)
    assert (churn.direction, churn.usual, churn.value) == ("up", usual, 70 / (60 + 8 * 10 + 20))
    assert churn.moved_by == {"segment": "promo", "channel": "web"}
    voluntary = told["churn_voluntary", day]
    assert (voluntary.value, voluntary.moved_by) == (churn.value, churn.moved_by)
    retention = told["retention", day]
    assert (retention.direction, retention.usual, retention.value) == ("down", 20 / 30, 5 / 30)
    assert retention.moved_by == {"channel": "web"}, "who stayed away has no segment"
    assert not {kpi for kpi, *_ in worker.restated} & {"churn", "retention"}


async def test_a_purchase_heard_late_undoes_that_so_many_had_left(client: Client, database_name: str) -> None:
    """It moves a day long before the one on which they had left."""
    worker = Worker(client, database_name, policy=POLICY)
    await worker.begin()
    await worker.tell(*history())
    await until_loaded(worker)
    figures = FiguresStore(client[database_name])
    day = day_of(micros(YESTERDAY))

    async def standing() -> dict[str, dict[str, str]]:
        rows = await figures.anomalies(first=day, limit=50)
        return {row["figure"]: row["moved_by"] for row in rows if row["day"] == day}

    # By what is not folded yet.
    assert (await standing())["churn"] == {"segment": "promo", "channel": "web"}
    assert "retention" in await standing()
    await worker.tell(*bought(5, *(f"promo-{n}" for n in range(60))))
    await until_loaded(worker)
    assert "churn" not in await standing()
    assert "retention" in await standing()


async def test_history_that_is_loaded_is_judged_when_all_of_it_is_in(
    client: Client, database_name: str
) -> None:
    """The oldest first: meanwhile nobody seems to have come back."""
    worker = Worker(client, database_name, policy=POLICY)
    await worker.begin()
    by_day = groupby(sorted(history(), key=lambda event: event.time), key=lambda event: event.time.date())
    for _, events in by_day:
        await worker.tell(*events)
        await worker.pass_on(1)
    lives = ("churn", "churn_voluntary", "retention")
    assert not [one for one in worker.anomalies if one.kpi in lives]
    await until_loaded(worker)
    told = [(one.kpi, one.day) for one in worker.anomalies if one.kpi in lives]
    assert {*told} == {(kpi, YESTERDAY.date().isoformat()) for kpi in lives}
    assert len(told) == len(lives)
    judged = await FiguresStore(client[database_name]).latest_judged()
    yesterday = day_of(micros(YESTERDAY))
    assert judged["churn"] == yesterday
    assert judged["response_rate"] == yesterday - KPIS["response_rate"].ripe_days


async def test_nothing_is_usual_of_a_shop_so_young_that_nobody_could_leave(
    client: Client, database_name: str
) -> None:
    """On the day on which the first are away for long enough nobody had ever left."""
    quiet = {"churn": ChurnPolicy.model_validate({"quiet": "60d", "contractual": None})}
    worker = Worker(client, database_name, policy=load().model_copy(update=quiet))
    await worker.begin()
    # What is heard of before there were customers makes it no older.
    survey = at(answered("nps", 9), NOW - timedelta(days=400))
    once = (bought(ago, *(f"once-{ago}-{n}" for n in range(10))) for ago in range(62, 0, -1))
    await worker.tell(survey, *(event for events in once for event in events))
    await until_loaded(worker)
    assert not [one.kpi for one in worker.anomalies if one.kpi.startswith("churn")]


def test_what_moves_a_day_judges_the_days_that_it_decides() -> None:
    kpis = [KPIS["churn"], KPIS["nps"]]
    decides = ChurnPolicy.model_validate({"quiet": "30d", "contractual": {"grace": "4d"}}).decides
    found = turns(kpis, 100, 100, {100 - 31, 98, 60}, Lives(decides))
    assert found == {98: [*kpis], 99: [kpis[0]], 100: [kpis[0]]}
    assert AGAIN_DAYS == 7
    later = turns(kpis, None, 100, (), Lives(decides, ripe_days=3))
    assert [max(day for day, some in later.items() if kpi in some) for kpi in kpis] == [97, 100]


def test_while_history_is_loaded_no_lives_are_judged_and_then_those_of_the_last_days() -> None:
    kpis = [KPIS["churn"], KPIS["nps"]]
    moved = {60, 92, 98}
    loading = turns(kpis, 99, 100, moved, Lives(loading=True))
    assert loading == {98: kpis[1:], 100: kpis[1:]}
    assert latest({"churn": 99, "nps": 99}, loading) == {"churn": 99, "nps": 100}
    assert latest({"nps": 101}, loading) == {"nps": 101}, "what is judged anew is no later day"
    found = turns(kpis, 100, 100, (), Lives(loaded=True))
    assert found == dict.fromkeys(range(101 - AGAIN_DAYS, 101), kpis[:1])


def test_what_the_version_before_has_judged_is_judged() -> None:
    """It kept the last day alone; a late fact about a day before makes no old day the latest."""
    kpis = [KPIS["churn"], KPIS["nps"]]
    lives = Lives(ripe_days=3)
    known = known_latest({}, kpis, 100, lives)
    assert known == {"churn": 97, "nps": 100}
    late = turns(kpis, 100, 100, {95}, lives)
    assert 95 in late
    assert latest(known, late) == known
    assert known_latest({"nps": 99}, kpis, 100, Lives(loading=True)) == {"nps": 99}
    assert known_latest({}, kpis, None, lives) == {}
