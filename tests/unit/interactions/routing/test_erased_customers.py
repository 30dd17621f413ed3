"""Teams and agents know of nobody who was erased, and what the journal says to them of customers is known to
be theirs."""

import json

from services.interactions.domain.routing.membership import Membership
from services.interactions.domain.routing.state import Team, key_of, mark_of
from shared.schemas.commands.routing import AgentGoneRequested
from shared.schemas.customers import CustomerErased
from shared.schemas.interactions import ConversationClosed
from tests.unit.interactions.talk import escalated

from .bus import Bus
from .floor import TEAM, Floor, agent, chats

CARRIED, WAITS, OVER = "marked-carried", "marked-waits", "marked-over"


def busy() -> Floor:
    """Somebody is helped, somebody waits, and somebody was helped a while ago."""
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants(OVER)
    floor.tell(OVER, ConversationClosed(conversation_id=OVER, outcome="solved"))
    floor.wants(CARRIED)
    floor.wants(WAITS)
    return floor


def others(floor: Floor) -> str:
    states = floor.worker.states
    return str({id: state for id, state in states.items() if id.startswith(("team/", "agent/"))})


def test_what_is_over_names_nobody() -> None:
    floor = busy()
    assert [customer for customer, _ in floor.assigned] == [OVER, CARRIED]
    found = others(floor)
    assert OVER not in found
    assert CARRIED in found
    assert WAITS in found


def test_what_the_version_before_kept_by_name_is_a_mark_as_it_is_read() -> None:
    key = key_of(OVER, "k-1")
    contact = {"at": 1, "key": key, "difficult": False}
    ann = {"agent_id": "ann", "at": 1, "told": "{}", "name": "Ann", "contacts": [contact]}
    gone = {"revision": 3, "at": 5}
    team = Team.model_validate_json(
        json.dumps({"team_id": TEAM, "agents": {"ann": ann}, "gone": {key: gone}})
    )
    carried = {"customer_id": OVER, "conversation_id": "k-1", "revision": 3, "at": 1}
    held = {key: {"carried": carried, "holds": False, "heard_at": 5}}
    member = Membership.model_validate_json(
        json.dumps({"agent_id": "ann", "held": held, "contacts": [contact]})
    )
    mark = mark_of(key)
    assert ([*team.gone], [*member.held]) == ([mark], [mark])
    assert [one.key for one in (*team.agents["ann"].contacts, *member.contacts)] == [mark, mark]
    assert OVER not in str((team, member))
    again = Membership.model_validate_json(member.model_dump_json())
    assert again == member


def test_who_is_erased_leaves_queue_and_agent_and_the_next_one_is_helped() -> None:
    floor = busy()
    floor.tell(CARRIED, CustomerErased())
    assert [customer for customer, _ in floor.assigned] == [OVER, CARRIED, WAITS]
    assert CARRIED not in others(floor)
    floor.tell(WAITS, CustomerErased())
    floor.tell("sales", agent("ann"))  # with all that they carry
    assert "marked" not in others(floor)


def test_what_is_told_of_them_goes_with_them_from_the_journal() -> None:
    floor = busy()
    floor.tell("sales", agent("ann"))
    for entry in floor.worker.store.journal.values():
        for record in entry.emitted:
            told = {
                who for who in (CARRIED, WAITS, OVER) if f'"customer_id":"{who}"'.encode() in record.value
            }
            assert told <= {record.key.decode(), *record.about}


def test_what_comes_with_an_agent_an_hour_after_its_customer_went_goes_again() -> None:
    """Their team says late what they carry; that they were told to let it go is known no more."""
    bus = Bus()
    bus.tell(TEAM, agent("ann", total=2))
    for who in (CARRIED, WAITS):
        bus.tell(who, chats(conversation_id=who))
        bus.tell(who, escalated(who))
    bus.settle()
    bus.tell("sales", agent("ann", total=2))
    while not isinstance(bus.pending[0].data, AgentGoneRequested):
        bus.deliver(0)
    late = bus.pending.pop(0)
    bus.tell(CARRIED, CustomerErased())
    bus.settle()
    bus.after(61)
    bus.tell(WAITS, ConversationClosed(conversation_id=WAITS, outcome="solved"))
    bus.settle()
    assert "marked" not in str(bus.worker.states["agent/ann"])
    bus.pending.append(late)
    bus.settle()
    states = bus.worker.states
    assert states["team/sales"].agents["ann"].lease is not None
    assert CARRIED not in str({id: states[id] for id in ("agent/ann", "team/sales", f"team/{TEAM}")})
    bus.agree()
