"""A figure to which late facts belong is not held against whole days before they are in."""

from datetime import timedelta

from .story import answered
from .test_outreach import answer, went
from .test_watching import NOW, Client, Worker, at

PEOPLE = [f"p{n}" for n in range(40)]


async def test_a_day_that_is_not_ripe_is_not_flagged(client: Client, database_name: str) -> None:
    """Each Wednesday 40 are asked and 30 answer; of the last one nobody has so far."""
    worker = Worker(client, database_name)
    await worker.begin()
    wednesday = NOW - timedelta(days=1)
    for week in range(9):
        sent = wednesday - timedelta(days=7 * week)
        await worker.tell(*(at(went(f"m{week}", asks="nps"), sent, p) for p in PEOPLE))
        if week:
            await worker.tell(*(at(answer(f"m{week}"), sent, p) for p in PEOPLE[:30]))
    await worker.pass_on(10)
    assert [one for one in worker.anomalies if one.kpi == "response_rate"] == []
    for _ in range(6):
        worker.now += timedelta(days=1)
        await worker.pass_on(10)
    assert [one for one in worker.anomalies if one.kpi == "response_rate"] == []
    worker.now += timedelta(days=1)
    await worker.pass_on(10)
    (found,) = (one for one in worker.anomalies if one.kpi == "response_rate")
    assert (found.day, found.direction, found.value, found.usual) == ("2026-06-17", "down", 0.0, 0.75)


async def test_one_that_ripens_as_usual_is_not_flagged_at_all(client: Client, database_name: str) -> None:
    worker = Worker(client, database_name)
    await worker.begin()
    wednesday = NOW - timedelta(days=1)
    for week in range(9):
        sent = wednesday - timedelta(days=7 * week)
        await worker.tell(*(at(went(f"m{week}", asks="nps"), sent, p) for p in PEOPLE))
        if week:
            await worker.tell(*(at(answer(f"m{week}"), sent, p) for p in PEOPLE[:30]))
    for day in range(9):
        if day == 3:
            await worker.tell(*(at(answer("m0"), worker.now, p) for p in PEOPLE[:30]))
        await worker.pass_on(10)
        worker.now += timedelta(days=1)
    await worker.tell(at(answered("ces", 7), worker.now))
    await worker.pass_on(10)
    assert [one for one in worker.anomalies if one.kpi == "response_rate"] == []
