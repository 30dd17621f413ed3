"""The queue's order: a step of priority is worth so much waiting, and nobody waits for ever."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.schemas.interactions import ConversationClosed
from tests.examples import examples

from .floor import DESK, TEAM, Floor, agent

AGEING_MINUTES = DESK.priorities.ageing // 60_000_000


def close(floor: Floor, customer: str) -> None:
    floor.tell(customer, ConversationClosed(conversation_id=customer, outcome="solved"))


def test_what_is_least_urgent_has_its_turn_though_urgent_ones_never_end() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants("first", priority="urgent")
    floor.wants("patient", priority="low")
    for minute in range(3 * AGEING_MINUTES + 10):
        floor.wants(f"urgent-{minute}", priority="urgent")
        current, _ = floor.assigned[-1]
        if current == "patient":
            break
        floor.after(1)
        close(floor, current)
    assert 3 * AGEING_MINUTES - 2 <= minute <= 3 * AGEING_MINUTES + 5


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*DESK.ranks]), st.integers(0, 20)), min_size=2, max_size=10))
def test_whoever_has_waited_enough_comes_first(arrivals: list[tuple[str, int]]) -> None:
    floor = Floor()
    places = {}
    for number, (priority, minutes) in enumerate(arrivals):
        floor.after(minutes)
        floor.wants(f"c-{number}", priority=priority)
        since = floor.conversation(f"c-{number}").since
        places[f"c-{number}"] = since + DESK.ranks[priority] * DESK.priorities.ageing, since
    floor.tell(TEAM, agent("ann"))
    for _ in arrivals:
        close(floor, floor.assigned[-1][0])
    assert [customer for customer, _ in floor.assigned] == sorted(places, key=lambda one: places[one])
