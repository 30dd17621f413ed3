"""What was hard on an agent stays so for calm, whatever became of it."""

import pytest

from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened, ComplaintResolved
from shared.schemas.interactions import ConversationClosed
from tests.unit.interactions.talk import escalated

from .floor import DESK, TEAM, Floor, agent, chats


def hard(customer: str, *, complains: bool) -> list[Data]:
    """A hard conversation, wanted, that turns easy later by what ``easier`` says."""
    if not complains:
        return [chats(conversation_id=customer, sentiment=-0.9), escalated(customer)]
    said = {"complaint_id": f"k-{customer}", "channel": "chat", "category": "x", "severity": "critical"}
    opened = ComplaintOpened.model_validate(said | {"description": "d", "conversation_id": customer})
    return [chats(conversation_id=customer), opened, escalated(customer)]


def easier(customer: str, *, complains: bool) -> Data:
    if complains:
        return ComplaintResolved(complaint_id=f"k-{customer}", resolution="ok")
    return chats("thanks", conversation_id=customer, sentiment=0.8)


@pytest.mark.parametrize("complains", [True, False])
def test_what_turns_easy_was_hard(complains: bool) -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    for number in range(5):
        customer = f"c-{number}"
        floor.tell(customer, *hard(customer, complains=complains))
        if floor.conversation(customer).status == "assigned":
            floor.tell(customer, easier(customer, complains=complains))
            floor.tell(customer, ConversationClosed(conversation_id=customer, outcome="solved"))
    assert [customer for customer, _ in floor.assigned] == ["c-0"], "a pause after a hard one"
    assert floor.agent().hard_ended_at is not None
    floor.after(DESK.calm.pause / 60_000_000)
    assert [customer for customer, _ in floor.assigned] == ["c-0", "c-1"]
    floor.tell("c-1", easier("c-1", complains=complains))
    floor.tell("c-1", ConversationClosed(conversation_id="c-1", outcome="solved"))
    floor.after(10)
    assert [customer for customer, _ in floor.assigned] == ["c-0", "c-1"], "two in a row, then a rest"


def test_what_turns_hard_counts_from_then_on() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=9))
    for customer in ("c-0", "c-1"):
        floor.wants(customer)
        floor.tell(customer, chats("no!", conversation_id=customer, sentiment=-0.9))
    floor.wants("c-2", sentiment=-0.9)
    assert [customer for customer, _ in floor.assigned] == ["c-0", "c-1"]
