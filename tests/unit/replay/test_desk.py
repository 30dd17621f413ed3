"""The desk that is simulated: valid events, the same for a seed, weeks that are over, a day that is not."""

from collections import Counter
from datetime import UTC, datetime

from rapport.demo.desk import complainants
from rapport.replay import desk
from rapport.replay.record import Record
from rapport.replay.simulated import LABEL
from services.interactions.config import load_desk
from services.interactions.domain.conversations.course import course
from services.interactions.worker import handler
from shared.journal.testing import InMemoryWorker
from shared.runtime.settings import Settings
from shared.schemas.codec import parse_cloudevent
from shared.schemas.event import Event

NOW = datetime(2018, 7, 2, 14, 30, tzinfo=UTC)
CUSTOMERS = [f"hh-{n}" for n in range(60)]
SETTINGS = Settings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key="0123456789abcdef")


def everything(seed: int = 1) -> list[Record]:
    before = desk.weeks_before(CUSTOMERS, NOW, seed)
    return [*before, *desk.learnt(NOW), *desk.people(NOW), *desk.day(CUSTOMERS, NOW, seed)]


def events(records: list[Record]) -> list[Event]:
    return [parse_cloudevent(record.value, datetime(2026, 1, 1, tzinfo=UTC)) for record in records]


def test_every_event_is_valid_labelled_and_unique() -> None:
    told = events(everything())
    assert all(event.source.startswith(LABEL) for event in told)
    assert max(Counter(event.uid for event in told).values()) == 1
    assert all(event.time <= NOW for event in told)


def test_the_same_seed_tells_the_same() -> None:
    assert everything(7) == everything(7)
    assert everything(7) != everything(8)


def test_teams_and_trainings_are_those_of_the_desk_that_ships() -> None:
    ships = load_desk()
    teams = {person.team for person in desk.PEOPLE}
    assert teams == set(ships.by_id)
    skilled = {skill for person in desk.PEOPLE if person.team == "complaints" for skill in person.skills}
    assert skilled == {"complaints", "refunds"}
    told = {event.data.model_dump().get("training") for event in events([*desk.learnt(NOW)])}
    assert told - {None} == set(ships.learning.trainings)


def test_the_weeks_are_over_and_the_day_is_not() -> None:
    worker = InMemoryWorker(handler(SETTINGS), now=NOW)
    for record in (desk.weeks_before(CUSTOMERS, NOW, 1), desk.day(CUSTOMERS, NOW, 1)):
        for told in events(record):
            assert worker.send(told).accepted().status == "applied"
    assert worker.dead_letters == []
    rows = [row for row in worker.rows("conversations") if row["into"] is None]
    stand = Counter((row["conversation_id"].startswith("desk-today"), row["status"]) for row in rows)
    assert set(stand) <= {(False, "closed"), (True, "queued"), (True, "assigned")}
    assert stand[True, "queued"] + stand[True, "assigned"] == desk.TODAY
    by_day = sum(desk.BY_DAY) * desk.WEEKS
    assert by_day - 10 <= stand[False, "closed"] <= by_day
    silenced = [one for id in CUSTOMERS for one in course(worker.state(id).conversations).open.values()]
    assert all(one.silenced for one in silenced)


def test_those_who_complained_last_come_first() -> None:
    complaints = [one for one in desk.day(CUSTOMERS, NOW, 1) if one.topic == "complaints"]
    first = complainants(complaints, CUSTOMERS)
    assert sorted(first) == sorted(CUSTOMERS)
    assert first[0] == complaints[-1].key
    assert set(first[: len(complaints)]) == {one.key for one in complaints}
