"""A customer who is erased: whatever comes, in whatever order, nothing of them is left in what others know,
and nothing comes back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.state import Customer
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.customers import CustomerEraseRequested
from shared.schemas.commands.routing import RoutingAssignRequested
from shared.schemas.customers import (
    AliasAdded,
    AliasRemoved,
    CustomerErased,
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
)
from shared.schemas.event import Event
from tests.examples import examples

from .merging.pair import HERE, OLD, complaint, merge, order, worker, wrote
from .routing.bus import Bus
from .routing.floor import TEAM, agent, chats
from .routing.test_any_order import DESK, TOTALS, Act, acts, told
from .talk import escalated
from .told import START

PEOPLE = ("c-0", "c-1", "c-2")


def left_of(worker: InMemoryWorker[Any], customer: str) -> list[str]:
    """The states that still say who it was; a team's last revision of a conversation, which ends within the
    hour, apart."""
    found = []
    for id, state in worker.states.items():
        text = state.model_dump_json(exclude={"gone"} if id.startswith("team/") else None)
        if id.startswith("pair/"):
            continue  # a suggestion of two: its row goes with the others
        if f'"{customer}"' in text or f'"{customer} ' in text:
            found.append(id)
    return found


def test_all_of_the_customer_goes_and_nothing_brings_them_back() -> None:
    one = worker()
    one.tell("c-1", CustomerRegistered(name="Ann Marked", email="ann@marked.example"))
    one.tell("c-1", complaint("k-1"))
    one.tell("c-1", order("o-1"))
    assert one.timers("c-1")
    assert one.tell("c-1", CustomerErased()).status == "applied"
    assert left_of(one, "c-1") == []
    assert one.timers("c-1") == []
    before = len(one.emitted)
    for late in (order("o-2"), complaint("k-2"), CustomerRegistered(name="Ann Again"), CustomerErased()):
        assert one.tell("c-1", late).status == "erased"
    assert "c-1" not in one.states
    assert len(one.emitted) == before
    assert one.dead_letters == []


def test_whoever_asks_for_it_is_answered_and_all_services_are_told() -> None:
    one = worker()
    one.tell("c-1", complaint("k-1"))
    asked = one.tell("c-1", CustomerEraseRequested())
    assert asked.outcome is not None
    assert asked.outcome.status == 202
    assert [(e.subject, e.type) for e in asked.emitted if e.data.topic == "customers"] == [
        ("c-1", CustomerErased.event_type)
    ]
    assert "c-1" not in one.states


def test_somebody_never_heard_of_can_be_erased_before_they_come() -> None:
    one = worker()
    assert one.tell("c-9", CustomerErased()).status == "applied"
    assert one.tell("c-9", order("o-1")).status == "erased"
    assert left_of(one, "c-9") == []


def test_agents_and_teams_are_free_of_what_they_had() -> None:
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    for who in ("c-0", "c-1"):
        bus.tell(who, chats(conversation_id=f"{who}.a"))
        bus.tell(who, escalated(f"{who}.a"))
        bus.settle()
    team: Any = bus.worker.state(f"team/{TEAM}")
    assert (list(team.agents["ann"].carries), list(team.waiting)) == (["c-0 c-0.a"], ["c-1 c-1.a"])
    bus.tell("c-0", CustomerErased())
    bus.settle()
    team = bus.worker.state(f"team/{TEAM}")
    assert (list(team.agents["ann"].carries), list(team.waiting)) == (["c-1 c-1.a"], [])
    bus.agree()
    bus.tell("c-1", CustomerErased())
    bus.settle()
    bus.after(61)
    bus.tell(TEAM, agent("ann", total=2))
    bus.settle()
    team = bus.worker.state(f"team/{TEAM}")
    assert (team.agents["ann"].carries, team.waiting) == ({}, {})
    bus.agree()


def test_who_is_erased_is_so_under_all_ids() -> None:
    for told_of in (OLD, HERE):
        one = worker()
        for id in (OLD, HERE):
            one.tell(id, CustomerRegistered(name="Ann Marked", email=f"{id}@marked.example"))
            one.tell(id, wrote(f"{id}.a"))
            one.tell(id, escalated(f"{id}.a"))
        merge(one)
        one.tell(told_of, CustomerErased())
        assert (left_of(one, OLD), left_of(one, HERE)) == ([], [])
        unmerged = CustomerUnmerged.model_validate({"from": HERE, "reason": "no"})
        assert one.tell(OLD, unmerged).status == "erased"
        assert one.states.keys().isdisjoint((OLD, HERE))


def test_what_was_on_its_way_to_them_is_told_of_too() -> None:
    """Things of an old id come to a survivor who has been erased meanwhile: aliases and teams must not wait
    for them for ever."""
    bus = Bus()
    bus.tell("c-0", AliasAdded(kind="email", value="ann@marked.example"))
    bus.tell("c-0", chats(conversation_id="c-0.a"))
    bus.tell("c-0", escalated("c-0.a"))
    bus.settle()
    bus.tell("c-1", order("o-1"))
    bus.tell("c-0", CustomerMerged(into="c-1", reason="one phone"))
    bus.tell("c-1", CustomerErased())
    bus.settle()
    assert left_of(bus.worker, "c-0") == []
    assert bus.worker.states.keys().isdisjoint(("c-0", "c-1"))
    assert bus.worker.state(f"team/{TEAM}").waiting == {}


def test_an_agent_who_was_to_have_them_has_room_again() -> None:
    one = worker()
    one.tell("c-1", CustomerErased())
    late = RoutingAssignRequested(conversation_id="c-1.a", team=TEAM, revision=3, agent_id="ann", why={})
    said = one.tell("c-1", late).emitted
    assert [(e.subject, e.data.revision) for e in said] == [("ann", 3), (TEAM, 3)]
    assert not said[0].data.holds
    assert (said[1].data.agent_id, said[1].data.no_more) == (None, "ann")


@settings(max_examples=examples(40), deadline=None)
@given(acts, st.lists(st.tuples(st.integers(0, 60), st.sampled_from(PEOPLE)), min_size=1, max_size=3))
def test_teams_know_what_is_so_whoever_is_erased(history: list[Act], erased: list[tuple[int, str]]) -> None:
    bus = Bus(DESK)
    for agent_id, total in TOTALS.items():
        bus.tell("care", agent(agent_id, total=total, skills={"law": 5}))
    bus.settle()
    for n, act in enumerate(history):
        for place, who in erased:
            if place == n:
                bus.tell(who, CustomerErased())
        if act.kind == "time":
            bus.after(1 + act.ago)
        else:
            whom, data = told(act)
            for one in data:
                bus.tell(whom, one, act.ago if act.kind in ("agent", "home") else 0)
        for place, again in act.deliver:
            bus.deliver(place, again=again)
    bus.settle()
    bus.agree()
    assert bus.still_possible() == 0
    gone = {who for place, who in erased if place < len(history)}
    assert gone.isdisjoint(bus.worker.states)
    assert bus.worker.dead_letters == []


def data_of(kind: str, number: int, other: str) -> Data:
    email = f"e{number % 3}@marked.example"
    return {
        "alias": lambda: AliasAdded(kind="email", value=email),
        "no alias": lambda: AliasRemoved(kind="email", value=email),
        "profile": lambda: CustomerRegistered(
            name=("Ann Marked", "Anne Marked")[number % 2], email=email, birthday="1980-02-29"
        ),
        "complaint": lambda: complaint(f"k-{number}"),
        "order": lambda: order(f"o-{number}"),
        "writes": lambda: wrote(f"v-{number}"),
        "wants": lambda: escalated(f"v-{number}"),
        "merge": lambda: CustomerMerged(into=other, reason="one phone"),
        "erase": CustomerErased,
        "ask": CustomerEraseRequested,
    }[kind]()


KINDS = ["alias", "no alias", "profile", "complaint", "order", "writes", "wants"]
steps = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, *KINDS, "merge", "erase", "ask"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(PEOPLE),
        st.integers(0, 5),
    ),
    max_size=20,
)


@settings(max_examples=examples(60), deadline=None)
@given(steps, st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=20))
def test_nobody_else_knows_of_them_any_more(
    history: list[tuple[str, str, str, int]], delivered: list[tuple[int, bool]]
) -> None:
    """Whatever is told, whatever waits and comes twice; but that ids are not merged while things wait (ADR 68
    says what is not settled then)."""
    bus = Bus()
    gone = set[str]()
    for kind, who, other, number in history:
        if kind in ("merge", "erase", "ask"):
            bus.settle()
        data, at = data_of(kind, number, other), bus.worker.now
        sent = bus.worker.send(
            Event(f"{kind.replace(' ', '-')}.{number}.{other}.{len(gone)}", "/test", who, at, data)
        )
        if kind in ("erase", "ask") and sent.status == "applied":
            gone.add(who)
        bus.after(1)
        for place, again in delivered[:1]:
            bus.deliver(place, again=again)
        delivered = delivered[1:]
    bus.settle()
    assert gone.isdisjoint(bus.worker.states)
    for who in gone:
        assert left_of(bus.worker, who) == []


def test_a_second_wish_is_answered_as_the_first() -> None:
    one: InMemoryWorker[Customer] = worker(now=START)
    one.tell("c-1", complaint("k-1"))
    first = one.tell("c-1", CustomerEraseRequested())
    told = len(one.emitted)
    second = one.tell("c-1", CustomerEraseRequested())
    assert first.outcome == second.outcome
    assert len(one.emitted) == told
