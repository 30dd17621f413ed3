"""States that are no customer's (ADR 31): they meet no customer, and have the key's one writer."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from shared.domain import Context, Effects, Handler, Kind, SetTimer
from shared.journal.documents import writes_of
from shared.journal.plan import Plan, StoredState, Timer
from shared.journal.planner import Planner
from shared.journal.testing import InMemoryWorker
from shared.kafka.keys import key_hash
from shared.schemas.base import Data, Open
from shared.schemas.event import Event, key_of
from shared.schemas.timer import TimerFired

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Called(Data):
    event_type: ClassVar[str] = "rapport.test.called.v1"
    topic: ClassVar[str] = "calls"


class TeamCalled(Called):
    event_type: ClassVar[str] = "rapport.test.team_called.v1"
    entity: ClassVar[str] = "team"

    def state_id(self, subject: str) -> str:
        return f"team/{subject}"


class Calls(Open):
    count: int = 0


class Team(Open):
    id: str
    calls: int = 0
    rang: int = 0


def customer(state: Calls, event: Event, context: Context) -> Effects[Calls]:
    assert type(event.data) is Called
    return Effects(Calls(count=state.count + 1))


def team(state: Team, event: Event, context: Context) -> Effects[Team]:
    if isinstance(event.data, TimerFired):
        return Effects(state.model_copy(update={"rang": state.rang + 1}))
    timer = SetTimer("ring", context.now + timedelta(hours=1))
    return Effects(state.model_copy(update={"calls": state.calls + 1}), timers=(timer,))


HANDLER: Handler[Calls] = Handler(
    "calls",
    (Called, TeamCalled),
    Calls,
    lambda id: Calls(),
    customer,
    kinds={"team": Kind(Team, lambda id: Team(id=id), team)},
)


@pytest.mark.parametrize(
    ("state_id", "key"), [("x", "x"), ("team/x", "x"), ("task/x/t-1", "x"), ("a:b.c-d", "a:b.c-d")]
)
def test_the_key_of_a_state(state_id: str, key: str) -> None:
    assert key_of(state_id) == key


def test_a_team_and_a_customer_of_one_id_do_not_meet() -> None:
    worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=NOW)
    worker.send_batch([Event("e-1", "/test", "x", NOW, data) for data in (Called(), TeamCalled())])
    assert worker.states == {"x": Calls(count=1), "team/x": Team(id="team/x", calls=1)}


def test_a_teams_timer_is_the_teams() -> None:
    worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=NOW)
    worker.tell("x", TeamCalled())
    assert [(t.subject, t.name) for t in worker.timers("team/x")] == [("team/x", "ring")]
    worker.advance(timedelta(hours=2))
    assert worker.states == {"team/x": Team(id="team/x", calls=1, rang=1)}


def test_its_timer_is_found_by_the_keys_partition_and_fires_under_the_key() -> None:
    timer = Timer("team/x", "ring", NOW)
    plan: Plan[Any] = Plan(timers={timer.key: timer}, states={"team/x": Team(id="team/x")})
    stored = {"team/x": StoredState(Team(id="team/x"), 0)}
    writes = writes_of(plan, stored, partition=0, attempt=1, watermark=None)
    (row,) = writes.changes["timers"]
    assert row._doc["key_hash"] == key_hash(b"x")
    fired = Planner(HANDLER, b"k", stream=False).fire(timer).event
    assert (fired.subject, fired.state_id) == ("x", "team/x")
