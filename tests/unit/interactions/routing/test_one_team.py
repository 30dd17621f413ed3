"""One team has an agent in the end, whatever teams were told and in whichever order: they stop telling each
other."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.routing.membership import Membership
from shared.schemas.commands.routing import AgentJoinRequested, AgentSeenRequested
from shared.schemas.commands.teams import AgentChangeRequested
from shared.schemas.event import Event

from .bus import Bus
from .floor import START, agent

TEAMS = ("aid", "care", "night")
AGENTS = ("ann", "bob")


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def told(bus: Bus, team: str, minutes: int, agent_id: str = "ann") -> None:
    """The fact that an agent is in a team."""
    bus.worker.tell(team, agent(agent_id), at=at(minutes)).accepted()
    bus._heard()


def membership(bus: Bus, agent_id: str = "ann") -> Membership:
    found = bus.worker.state(f"agent/{agent_id}")
    assert isinstance(found, Membership)
    return found


def has(bus: Bus, agent_id: str = "ann") -> list[str]:
    """Teams that have them."""
    return [team.team_id for team in bus.teams if agent_id in team.agents if team.agents[agent_id].lease]


def believes(bus: Bus, agent_id: str = "ann") -> list[str]:
    """Teams that show them as theirs."""
    return [team.team_id for team in bus.teams if agent_id in team.agents if not team.agents[agent_id].left]


def test_two_teams_of_one_time_settle_by_name() -> None:
    bus = Bus()
    told(bus, "night", 1)
    bus.settle()
    told(bus, "care", 2)
    bus.deliver(0)  # care is hers by now, and night is to let her go
    told(bus, "night", 2)  # which night was told of meanwhile, of the same time
    bus.settle()
    assert has(bus) == believes(bus) == ["night"]
    assert membership(bus).lease == 2, "she was let go once"


def test_a_team_that_is_asked_while_it_is_to_let_an_agent_go_has_them_back() -> None:
    bus = Bus()
    told(bus, "care", 1)
    bus.settle()
    told(bus, "night", 600)
    bus.deliver(0)
    asked = AgentChangeRequested.model_validate(agent("ann").model_dump(exclude_none=True))
    bus.tell("care", asked)
    bus.settle()
    assert has(bus) == believes(bus) == ["care"]


def test_a_team_that_knows_nothing_of_an_agent_is_not_asked_for_ever() -> None:
    bus = Bus()
    bus.worker.tell("ann", AgentSeenRequested(team="care", at=at(1)))
    bus._heard()
    bus.settle()
    assert (has(bus), membership(bus).holder, membership(bus).lease) == ([], None, 1)
    told(bus, "care", 1)
    bus.settle()
    assert has(bus) == ["care"], "heard of later, she is given to it"


def joins(bus: Bus) -> list[Event]:
    return [one for one in bus.worker.emitted if isinstance(one.data, AgentJoinRequested)]


FACTS = st.tuples(st.sampled_from(TEAMS), st.sampled_from(AGENTS), st.integers(0, 3))
STEPS = st.lists(
    st.one_of(FACTS, st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans())), max_size=30
)


@settings(deadline=None)
@given(STEPS, st.booleans())
def test_it_ends_and_the_latest_team_has_them(steps: list[tuple[str, str | int, int]], asks: bool) -> None:
    """Any facts, any order and duplicates of what they tell each other; times are often the same."""
    bus, latest, number = Bus(), dict[str, tuple[int, str]](), 0
    for first, second, third in steps:
        if first == "deliver":
            assert isinstance(second, int)
            bus.deliver(second, again=bool(third))
            continue
        assert isinstance(second, str)
        told(bus, first, third, second)
        latest[second] = max(latest.get(second, (0, "")), (third, first))
        number += 1
    if asks:  # they are put elsewhere by a person, amid all of it
        asked = AgentChangeRequested.model_validate(agent("ann").model_dump(exclude_none=True))
        bus.tell("care", asked)
        latest["ann"] = (9, "care")
    bus.settle()
    for agent_id, (_, team) in latest.items():
        assert len(has(bus, agent_id)) == 1
        assert membership(bus, agent_id).holder == membership(bus, agent_id).team
        assert has(bus, agent_id) == [membership(bus, agent_id).holder]
        assert believes(bus, agent_id) == has(bus, agent_id)
        if not asks:
            assert has(bus, agent_id) == [team]
    assert len(joins(bus)) <= 2 * number + 2
