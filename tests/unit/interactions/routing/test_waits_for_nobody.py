"""What waits where nobody can take it. It is there for as long as its customer wants somebody, though it was
told of hours late and is over since; and a team that the desk's file has no more keeps nobody waiting."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.interactions.config import parse_desk
from services.interactions.domain.desk.policy import Desk
from shared.schemas.base import Data
from shared.schemas.commands.routing import RoutingOfferRequested, RoutingOverflowRequested
from shared.schemas.commands.teams import AgentChangeRequested
from shared.schemas.customers import CustomerErased, CustomerMerged
from shared.schemas.interactions import ConversationAssigned, ConversationClosed, ConversationReturned
from tests.examples import examples
from tests.unit.interactions.talk import escalated

from .bus import Bus
from .floor import TEAM, Floor, agent, chats, handler
from .test_any_order import TEAMS, TOTALS, always
from .test_told_late import LATE, closed, kept


def needs_law(bus: Bus, who: str, team: str = TEAM) -> None:
    """Which nobody knows."""
    bus.tell(who, chats(conversation_id=who))
    bus.tell(who, escalated(who, team=team, skills=["law"]))


def hours(bus: Bus) -> None:
    """What is over is forgotten by then, of whatever the team hears of something else."""
    bus.after(LATE)
    for team in TEAMS:
        needs_law(bus, "c-9", team)
        bus.tell("c-9", closed("c-9"))
        bus.settle()


@pytest.mark.parametrize("comes", ["late", "again"])
@pytest.mark.parametrize("end", ["closed", "erased", "merged", "other team", "by hand"])
def test_an_offer_that_is_hours_late_waits_for_nobody(comes: str, end: str) -> None:
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    needs_law(bus, "c-0")
    offer = kept(bus, RoutingOfferRequested)
    if comes == "again":
        bus.worker.send(offer)
    bus.settle()
    ends: dict[str, Data] = {
        "closed": closed("c-0"),
        "erased": CustomerErased(),
        "merged": CustomerMerged(into="c-1", reason="r"),
        "other team": escalated("c-0", team="night", skills=["law"]),
        "by hand": ConversationAssigned(conversation_id="c-0", agent_id="ann", manual=True),
    }
    bus.tell("c-0", ends[end])
    bus.settle()
    hours(bus)
    bus.pending.append(offer)
    bus.settle()
    bus.agree()
    if end == "erased":
        assert "c-0 " not in str(bus.teams)


def test_one_that_waits_still_is_asked_of_and_keeps_its_place() -> None:
    bus = Bus()
    needs_law(bus, "c-0")
    offer = kept(bus, RoutingOfferRequested)
    hours(bus)
    bus.pending.append(offer)
    bus.deliver(len(bus.pending) - 1)
    (team,) = [one for one in bus.teams if one.team_id == TEAM]
    before = team.waiting["c-0 c-0"]
    (asks,) = [event for event in bus.pending if isinstance(event.data, RoutingOverflowRequested)]
    assert (asks.subject, asks.data.to) == ("c-0", TEAM)
    bus.settle()
    (team,) = [one for one in bus.teams if one.team_id == TEAM]
    assert team.waiting["c-0 c-0"] == before
    bus.tell(TEAM, agent("ann", skills={"law": 5}))
    bus.settle()
    assert [event.subject for event in bus.decided] == ["c-0"]


PEOPLE = ("c-0", "c-1", "c-2")
DELIVERED = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([False, False, True])), max_size=5)
late_histories = st.lists(
    st.tuples(
        st.sampled_from(("law", "law", "closed", "queue", "by hand", "merged")),
        st.sampled_from(PEOPLE),
        st.sampled_from(TEAMS),
        DELIVERED,
        st.sampled_from([0, 0, 3, LATE, 150]),
    ),
    min_size=4,
    max_size=20,
)


@settings(max_examples=examples(60), deadline=None)
@given(late_histories)
def test_in_the_end_a_team_has_those_who_wait_and_nobody_else(history: list[Any]) -> None:
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    merged = set[str]()
    for kind, who, team, deliveries, minutes in history:
        if who in merged:
            continue
        facts: dict[str, Data] = {
            "law": escalated(who, team=team, skills=["law"]),
            "closed": closed(who),
            "queue": ConversationReturned(conversation_id=who, to="queue", reason="no"),
            "by hand": ConversationAssigned(conversation_id=who, agent_id="ann", manual=True),
            "merged": CustomerMerged(into="c-3", reason="r"),
        }
        if kind == "law":
            bus.tell(who, chats(conversation_id=who))
        if kind == "merged":
            merged.add(who)
        bus.tell(who, facts[kind])
        for place, again in deliveries:
            bus.deliver(place, again=again)
            always(bus)
        bus.after(minutes)
    bus.settle()
    bus.agree()
    assert bus.worker.dead_letters == []


# --- a team that is taken out of the file

LISTED = """
teams:
  - {id: care, default: true}
  - {id: night}
  - {id: law, skills: [law]}
"""
OTHERS, ONLY = "only_these_teams: false", "only_these_teams: true"
WITHOUT = "teams: [{id: care, default: true}, {id: law, skills: [law]}]"
BEFORE = parse_desk(LISTED)


def reads(worker: Any, text: str) -> Desk:
    """It was started again, with this file."""
    desk = parse_desk(text)
    worker.restart(handler(desk))
    return desk


@pytest.mark.parametrize("mode", [OTHERS, ONLY])
def test_who_waits_in_a_team_that_is_no_more_goes_on_though_nothing_happens(mode: str) -> None:
    floor = Floor(BEFORE)
    floor.wants("c-1", team="night")
    floor.wants("c-2", team="night", skills=["law"])
    reads(floor.worker, f"{mode}\n{WITHOUT}")
    floor.after(61)
    assert floor.team("night").waiting == {}
    # Of a team that there may be, its conversations are its overflow's; of another they are asked for anew.
    law = {"c-2 c-2"} if mode == ONLY else set[str]()
    assert {*floor.team("law").waiting} == law if law else "team/law" not in floor.worker.states
    assert {*floor.team("care").waiting} == {"c-1 c-1", "c-2 c-2"} - law


@pytest.mark.parametrize("mode", [OTHERS, ONLY])
def test_who_came_from_the_default_team_goes_back_to_it(mode: str) -> None:
    floor = Floor(
        parse_desk(LISTED.replace("default: true}", "default: true, overflow: {to: night, after: 10m}}"))
    )
    floor.wants("c-1")
    floor.after(11)
    assert [*floor.team("night").waiting] == ["c-1 c-1"]
    reads(floor.worker, f"{mode}\n{WITHOUT}")
    floor.after(61)
    assert floor.team("night").waiting == {}
    assert [*floor.team("care").waiting] == ["c-1 c-1"]


def test_whoever_is_in_a_team_that_is_no_more_keeps_what_they_have_and_may_go() -> None:
    floor = Floor(BEFORE)
    floor.tell("night", agent("ann", total=3))
    floor.wants("c-1", team="night")
    assert floor.assigned == [("c-1", "ann")]
    reads(floor.worker, f"{ONLY}\n{WITHOUT}")
    floor.wants("c-2", team="night")
    assert [*floor.team("care").waiting] == ["c-2 c-2"]
    assert floor.conversation("c-1").agent_id == "ann"
    asked = AgentChangeRequested.model_validate
    floor.tell("night", asked(agent("ann", total=3, on_break=True).model_dump(exclude_none=True)))
    assert floor.agent("ann", "night").on_break
    # Nobody comes to it.
    refused = floor.worker.tell("night", asked(agent("bob").model_dump(exclude_none=True)))
    assert refused.outcome.status == 404
    floor.tell("care", asked(agent("ann", total=3).model_dump(exclude_none=True)))
    assert floor.agent("ann", "night").left
    assert {*floor.agent("ann").carries} == {"c-1 c-1", "c-2 c-2"}
    refused = floor.worker.tell("night", asked(agent("ann").model_dump(exclude_none=True)))
    assert refused.outcome.status == 404, "once they have left it, they do not come back"


def test_what_the_file_says_of_a_team_holds_for_what_waits_already() -> None:
    floor = Floor(BEFORE)
    floor.wants("c-1", team="night")
    floor.after(30)
    assert [*floor.team("night").waiting] == ["c-1 c-1"]
    reads(floor.worker, LISTED.replace("{id: night}", "{id: night, overflow: {to: care, after: 20m}}"))
    floor.after(61)
    assert [*floor.team("care").waiting] == ["c-1 c-1"]


file_histories = st.lists(
    st.tuples(
        st.sampled_from(("wants", "wants", "law", "law", "closed", "moves", "queue", "home", "file")),
        st.sampled_from(PEOPLE),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["care", "night"]),
        DELIVERED,
        st.sampled_from([0, 0, 3, LATE]),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=examples(60), deadline=None)
@example([("law", "c-0", "ann", "night", [], 0)], OTHERS)
@example([("law", "c-0", "ann", "night", [], 0)], ONLY)
@given(file_histories, st.sampled_from([OTHERS, ONLY]))
def test_nobody_is_lost_with_a_team(history: list[Any], mode: str) -> None:
    """Whatever was on its way as the file became another: in the end nobody waits in a team that is none, all
    are known where they are, and no more is carried than can be."""
    bus = Bus(BEFORE)
    for id, team in (("ann", "care"), ("bob", "night")):
        bus.tell(team, agent(id, total=TOTALS[id]))
    bus.settle()
    removed = False
    for kind, who, agent_id, team, deliveries, minutes in history:
        if kind == "file":
            bus.desk, removed = reads(bus.worker, f"{mode}\n{WITHOUT}"), True
        elif kind in ("moves", "home"):
            to = "care" if removed else team
            bus.tell(to, agent(agent_id, total=TOTALS[agent_id], on_shift=kind == "moves"))
        else:
            facts: dict[str, Callable[[], Data]] = {
                "wants": lambda who=who, team=team: escalated(who, team=team),
                "law": lambda who=who, team=team: escalated(who, team=team, skills=["law"]),
                "closed": lambda who=who: closed(who),
                "queue": lambda who=who: ConversationReturned(conversation_id=who, to="queue", reason="no"),
            }
            if kind in ("wants", "law"):
                bus.tell(who, chats(conversation_id=who))
            bus.tell(who, facts[kind]())
        for place, again in deliveries:
            bus.deliver(place, again=again)
            always(bus)
        bus.after(minutes)
    if not removed:
        bus.desk = reads(bus.worker, f"{mode}\n{WITHOUT}")
    bus.settle()
    for _ in range(3):  # a look of each hour
        bus.after(61)
        bus.settle()
        always(bus)
    bus.agree()
    assert [team.waiting for team in bus.teams if team.team_id == "night" and team.waiting] == []
    for who in PEOPLE:
        bus.tell(who, ConversationClosed(conversation_id=who, outcome="solved"))
    bus.settle()
    bus.agree()
