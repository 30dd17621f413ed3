"""What agents learn: booked, passed, reminded of; in any order. And the wall."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.growth.learned import badges, skills, taken, together
from services.interactions.domain.growth.policy import Learning
from services.interactions.domain.growth.record import MAX_TRAININGS, Learnt, Record
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.growth import StoryTellRequested, TrainingBookRequested, TrainingPassRequested
from shared.schemas.teams import StoryTold, TaskDone, TaskOpened, TrainingBooked, TrainingPassed
from shared.schemas.times import DAY, micros
from tests.examples import examples

from .test_thanks import agent
from .told import HANDLER, START, at, event

TEAM = "returns"
ID = f"record/{TEAM}/ann"
LEARNING = Learning.model_validate(
    {
        "remind_before": "14d",
        "trainings": {
            "angry callers": {
                "kind": "role_play",
                "skill": "calm",
                "refresh_after": "365d",
                "badge": "Steady hand",
            }
        },
    }
)
DAY_MINUTES = 24 * 60


def fresh() -> InMemoryWorker[Any]:
    return InMemoryWorker(HANDLER, now=START)


def tell(worker: InMemoryWorker[Any], data: Data, minutes: float = 0, id: str | None = None) -> Any:
    source = "/api/interactions/me/growth" if data.topic == "commands" else "/test"
    return worker.send(event(data, id or f"{data.event_type}-{minutes}", minutes, source, TEAM))


def booked(training: str = "fit", days: float | None = None) -> TrainingBooked:
    return TrainingBooked(agent_id="ann", training=training, refresh_by=in_days(days))


def passed(training: str = "fit", days: float | None = None) -> TrainingPassed:
    return TrainingPassed(agent_id="ann", training=training, refresh_by=in_days(days))


def in_days(days: float | None) -> datetime | None:
    return None if days is None else START + timedelta(days=days)


def open_tasks(worker: InMemoryWorker[Any]) -> list[tuple[str, datetime]]:
    rows = [row for row in worker.rows("tasks") if row["status"] == "open"]
    return sorted((row["text"], datetime.fromtimestamp(row["due_at"] / 1e6, UTC)) for row in rows)


def test_booked_and_passed() -> None:
    worker = fresh()
    tell(worker, booked())
    (row,) = worker.rows("records")
    assert (row["_id"], row["agent_id"], row["team"]) == (f"ann {TEAM}", "ann", TEAM)
    assert [one["training"] for one in row["trainings"]] == ["fit"]
    tell(worker, passed(), 30)
    assert isinstance(worker.state(ID), Record)
    (learnt,) = worker.state(ID).trainings
    assert (learnt.is_booked, learnt.first_at, learnt.passed.at) == (False, micros(at(30)), micros(at(30)))
    assert (worker.timers(), worker.dead_letters) == ([], [])


def test_a_task_reminds_in_time_and_is_done_when_it_was_refreshed() -> None:
    worker = fresh()
    tell(worker, passed(days=60))
    (timer,) = worker.timers()
    assert (timer.subject, timer.due_at) == (ID, START + timedelta(days=46))
    worker.advance(timedelta(days=46))
    assert open_tasks(worker) == [("ann: fit", START + timedelta(days=60))]
    (opened,) = worker.facts(TaskOpened)
    assert opened.kind == "refresher"
    worker.advance(timedelta(days=3))
    assert len(worker.rows("tasks")) == 1
    tell(worker, passed(days=400), 49 * DAY_MINUTES)
    assert open_tasks(worker) == []
    assert [done.outcome for done in worker.facts(TaskDone)] == ["refreshed"]
    worker.advance(timedelta(days=400))
    assert open_tasks(worker) == [("ann: fit", START + timedelta(days=400))]


def test_a_reminder_that_was_done_by_hand_comes_once() -> None:
    worker = fresh()
    tell(worker, passed(days=60))
    worker.advance(timedelta(days=46))
    (opened,) = worker.facts(TaskOpened)
    tell(worker, TaskDone(task_id=opened.task_id, outcome="booked a place"), 47 * DAY_MINUTES)
    worker.advance(timedelta(days=300))
    tell(worker, booked(), 300 * DAY_MINUTES)
    assert [row["status"] for row in worker.rows("tasks")] == ["done"]


def test_who_has_gone_to_another_team_is_reminded_of_there() -> None:
    worker = fresh()
    tell(worker, passed(days=60))
    worker.send(event(agent("ann"), "a-1", 5, subject="fitting"))
    worker.advance(timedelta(days=46))
    ((task,),) = ([row for row in worker.rows("tasks") if row["status"] == "open"],)
    assert (task["team"], task["text"]) == ("fitting", "ann: fit")
    worker.send(event(passed(days=400), "p-2", 47 * DAY_MINUTES, subject="fitting"))
    assert open_tasks(worker) == []
    assert worker.state("record/fitting/ann").trainings[0].first_at == micros(START)


FACTS: list[tuple[Data, float]] = [
    (booked("fit", 20), 0),
    (passed("fit", 30), 10),
    (passed("fit", 90), 20),
    (passed("returns"), 5),
]


@pytest.mark.parametrize("order", list(permutations(FACTS)))
def test_every_order_of_arrival_ends_alike(order: tuple[tuple[Data, float], ...]) -> None:
    worker = fresh()
    for data, minute in order:
        tell(worker, data, minute)
        tell(worker, data, minute, "again")
    (row,) = worker.rows("records")
    learnt = {one["training"]: one for one in row["trainings"]}
    assert learnt["fit"]["first_at"] == micros(at(10))
    assert learnt["fit"]["passed"] == [micros(at(20)), micros(START) + 90 * DAY]
    assert learnt["returns"]["passed"] == [micros(at(5)), 0]
    assert open_tasks(worker) == []
    worker.advance(timedelta(days=80))
    assert open_tasks(worker) == [("ann: fit", START + timedelta(days=90))]


facts = st.tuples(
    st.sampled_from([booked, passed]),
    st.sampled_from(["fit", "diet"]),
    st.one_of(st.none(), st.integers(1, 60)),
    st.integers(0, 20 * DAY_MINUTES),
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(facts, max_size=12), st.randoms(use_true_random=False), st.integers(0, 90))
def test_any_order_has_the_same_record_and_reminds_of_the_same(
    told: list[Any], random: Any, days: int
) -> None:
    events = [event(make(name, by), f"e-{n}", m, "/t", TEAM) for n, (make, name, by, m) in enumerate(told)]
    ends = []
    for _ in range(2):
        worker = fresh()
        for one in events:
            worker.send(one)
        worker.advance(timedelta(days=days))
        bare = {
            (one.training, one.kind, one.booked, one.first_at, one.passed)
            for one in worker.state(ID).trainings
        }
        ends.append((bare, open_tasks(worker)))
        random.shuffle(events)
    assert ends[0] == ends[1]


def test_more_than_there_is_room_for() -> None:
    worker = fresh()
    for number in range(MAX_TRAININGS + 1):
        tell(worker, passed(f"t-{number}"), number)
    names = [one.training for one in worker.state(ID).trainings]
    assert (len(names), "t-0" in names) == (MAX_TRAININGS, False)


def test_commands_become_facts_without_the_feedback() -> None:
    worker = fresh()
    ask = TrainingBookRequested(agent_id="ann", training="fit", kind="case_study")
    answer = tell(worker, ask).accepted().outcome
    assert (answer.status, answer.body["status"]) == (201, "booked")
    ask2 = TrainingPassRequested(agent_id="ann", training="fit", feedback="c2VhbGVk")
    answer = tell(worker, ask2, 5).accepted().outcome
    assert (answer.status, answer.body["status"]) == (201, "passed")
    assert [(type(e.data), e.subject) for e in worker.emitted] == [
        (TrainingBooked, TEAM),
        (TrainingPassed, TEAM),
    ]
    assert all("feedback" not in e.data.model_dump() for e in worker.emitted)
    (row,) = worker.rows("feedback")
    assert (row["agent_id"], row["training"], row["sealed"]) == ("ann", "fit", "c2VhbGVk")


def test_the_wall_has_what_colleagues_and_others_tell() -> None:
    worker = fresh()
    told = StoryTold(agent_id="ann", text="<b>she</b> found my shoes", customer_id="c-7")
    tell(worker, told)
    tell(worker, told, id="again")
    ask = StoryTellRequested(agent_id="ann", text="took my late shift", told_by="bob")
    assert tell(worker, ask, 5).accepted().outcome.status == 201
    rows = sorted(worker.rows("stories"), key=lambda row: row["order"])
    assert [(r["agent_id"], r["team"], r["customer"], r["told_by"]) for r in rows] == [
        ("ann", TEAM, "c-7", None),
        ("ann", TEAM, "c-7", None),
        ("ann", TEAM, None, "bob"),
    ]
    assert rows[0]["text"] == "<b>she</b> found my shoes"
    (emitted,) = worker.facts(StoryTold)
    assert (emitted.told_by, emitted.customer_id) == ("bob", None)
    assert worker.states == {}, "a story is a row alone"


def learnt(name: str, passed_days_ago: float | None, **fields: Any) -> Learnt:
    now = micros(START)
    if passed_days_ago is None:
        return Learnt(training=name, booked=(now, 0), **fields)
    when = now - round(passed_days_ago * DAY)
    return Learnt(training=name, passed=(when, 0), first_at=when, **fields)


def test_how_trainings_stand() -> None:
    now = micros(START)
    stands = {
        days: taken(LEARNING, [learnt("angry callers", days)], now)[0].status for days in (1, 352, 365, 700)
    }
    assert stands == {1: "passed", 352: "due", 365: "overdue", 700: "overdue"}
    found = taken(LEARNING, [learnt("fit", None), learnt("angry callers", 1)], now)
    assert [(one.training, one.kind, one.skill, one.status) for one in found] == [
        ("angry callers", "role_play", "calm", "passed"),
        ("fit", "course", None, "booked"),
    ]


def test_badges_are_for_what_was_learnt_and_stay() -> None:
    known = [learnt("angry callers", 400), learnt("fit", 2), learnt("diet", None)]
    found = badges(LEARNING, known, micros(START))
    assert [(one.badge, one.fresh) for one in found] == [("fit", True), ("Steady hand", False)]


def test_skills_by_when_they_must_be_refreshed() -> None:
    known = [learnt("angry callers", 400), learnt("fit", 2), learnt("diet", 9)]
    found = skills(LEARNING, known, {"fit": 7, "returns": 3}, micros(START))
    assert [(one.skill, one.level, one.fresh) for one in found] == [
        ("calm", None, False),
        ("fit", 7, True),
        ("returns", 3, True),
    ]


def test_what_was_learnt_in_two_teams_is_one_record() -> None:
    one, other = learnt("fit", 30), learnt("fit", 2)
    (both,) = together([one, other])
    assert both.first_at == one.first_at
    assert both.passed == other.passed
    assert together([other, one]) == [both]
