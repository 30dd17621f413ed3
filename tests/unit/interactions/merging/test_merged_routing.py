"""Teams follow a customer who is another by now: a conversation keeps its place and its agent, whatever is on
its way; each topic of a customer, a team and an agent is read in its order, as logs are."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.routing.state import Team
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.interactions import ConversationClosed
from tests.examples import examples
from tests.unit.interactions.talk import escalated

from ..routing.bus import Bus
from ..routing.floor import TEAM, agent, chats
from ..routing.test_any_order import DESK, TOTALS, Act, acts, told


def merged(bus: Bus, old: str = "c-0", into: str = "c-1") -> None:
    bus.tell(old, CustomerMerged(into=into, reason="r"))


def unmerged(bus: Bus, old: str = "c-0", survivor: str = "c-1") -> None:
    bus.tell(old, CustomerUnmerged.model_validate({"from": survivor, "reason": "r"}))


def care(bus: Bus) -> Team:
    found: Any = bus.worker.state(f"team/{TEAM}")
    return found


def wanted(bus: Bus, *customers: str) -> None:
    """Their chats wait for an agent, one after the other."""
    for customer in customers:
        bus.tell(customer, chats(conversation_id=f"{customer}.a", sentiment=-0.9))
        bus.tell(customer, escalated(f"{customer}.a"))
        bus.settle()


def test_who_has_it_has_it_still() -> None:
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    wanted(bus, "c-0")
    before = care(bus).agents["ann"]
    merged(bus)
    bus.settle()
    after = care(bus).agents["ann"]
    assert (list(before.carries), list(after.carries)) == (["c-0 c-0.a"], ["c-1 c-0.a"])
    assert after.carries["c-1 c-0.a"].at == before.carries["c-0 c-0.a"].at
    assert [(one.at, one.difficult) for one in after.contacts] == [
        (one.at, one.difficult) for one in before.contacts
    ]
    assert after.hard_ended_at is None
    assert len(bus.decided) == 1
    unmerged(bus)
    bus.settle()
    assert list(care(bus).agents["ann"].carries) == ["c-0 c-0.a"]
    bus.tell("c-0", ConversationClosed(conversation_id="c-0.a", outcome="solved"))
    bus.settle()
    assert care(bus).agents["ann"].carries == {}
    bus.agree()


def test_what_waits_keeps_its_place() -> None:
    bus = Bus()
    wanted(bus, "c-0", "c-2")
    since = care(bus).waiting["c-0 c-0.a"]
    merged(bus)
    bus.settle()
    now = care(bus).waiting["c-1 c-0.a"]
    assert (now.since, now.asked_at) == (since.since, since.asked_at)
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    assert list(care(bus).agents["ann"].carries) == ["c-1 c-0.a"]
    bus.agree()


class _Logs(Bus):
    """What waits is read in the order of its key."""

    def deliver(self, place: int, *, again: bool = False) -> None:
        if not self.pending:
            return
        keys = sorted({event.subject for event in self.pending})
        key = keys[place % len(keys)]
        first = next(n for n, event in enumerate(self.pending) if event.subject == key)
        super().deliver(first, again=again)


moves = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([("c-0", "c-1"), ("c-1", "c-2"), ("c-0", "c-2")])),
    max_size=4,
)


@settings(max_examples=examples(30), deadline=None, derandomize=True)
@given(acts, moves)
def test_teams_know_what_is_so_whoever_is_merged(
    history: list[Act], merges: list[tuple[int, tuple[str, str]]]
) -> None:
    bus = _Logs(DESK)
    for agent_id, total in TOTALS.items():
        bus.tell("care", agent(agent_id, total=total, skills={"law": 5}))
    bus.settle()
    for n, act in enumerate(history):
        for place, (old, into) in merges:
            if place == n:
                # What agents and teams say to each other has come by then: ADR 68 tells what is not settled.
                bus.settle()
                merged(bus, old, into)
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
    assert bus.worker.dead_letters == []
