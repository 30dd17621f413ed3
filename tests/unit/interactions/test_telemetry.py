"""What is counted of conversations: what bots say where people have one, and who is given one."""

from datetime import timedelta
from typing import Any

from prometheus_client import REGISTRY

from services.interactions.telemetry import observe
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.conversations import (
    ConversationAssignRequested,
    ConversationMessageRequested,
)
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintOpened
from shared.schemas.interactions import ConversationAssigned

from .talk import answers, escalated, says, story
from .told import CUSTOMER, HANDLER, at


def silenced(how: str) -> float:
    return REGISTRY.get_sample_value("rapport_bot_silenced_total", {"how": how}) or 0.0


def test_what_a_bot_says_after_the_handover_is_counted_once_each() -> None:
    before = silenced("heard"), silenced("refused")
    worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=at(60), observe=observe)
    bot = answers(author="bot", conversation_id="c-1")
    told = story((0, says(conversation_id="c-1")), (1, bot), (2, escalated("c-1")), (3, bot))
    for event in (*told, told[-1]):
        worker.send(event)
    asked = ConversationMessageRequested(conversation_id="c-1", text="Me again.", author="bot")
    assert worker.tell(CUSTOMER, asked).status == "refused"
    assert (silenced("heard") - before[0], silenced("refused") - before[1]) == (1, 1)


def test_clocks_that_were_kept_and_those_that_were_not_are_counted() -> None:
    def clocks(result: str) -> float:
        labels = {"clock": "first_response", "result": result}
        return REGISTRY.get_sample_value("rapport_sla_clocks_total", labels) or 0.0

    before = clocks("met"), clocks("breached")
    worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=at(0), observe=observe)
    for number in range(2):
        opened = {"complaint_id": f"k-{number}", "channel": "web", "category": "x", "severity": "high"}
        worker.tell(CUSTOMER, ComplaintOpened.model_validate({**opened, "description": "x"}))
    worker.tell(CUSTOMER, ComplaintAcknowledged(complaint_id="k-0"))
    worker.advance(timedelta(days=30))
    assert (clocks("met") - before[0], clocks("breached") - before[1]) == (1, 1)


def assigned(how: str) -> float:
    return REGISTRY.get_sample_value("rapport_conversations_assigned_total", {"how": how}) or 0.0


def test_who_was_given_what_is_counted_and_how_long_it_waited() -> None:
    name = "rapport_conversation_waited_seconds_sum"
    kinds = ("manual", "automatic", "told")
    before, waited = [assigned(how) for how in kinds], REGISTRY.get_sample_value(name) or 0.0
    worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=at(60), observe=observe)
    given = {"conversation_id": "c-1", "agent_id": "a-1"}
    by_routing = ConversationAssigned.model_validate(given | {"why": {"waited_s": 42}})
    facts = (by_routing, ConversationAssigned.model_validate(given))
    for told in story((0, says(conversation_id="c-1")), (1, escalated("c-1")), *((2, one) for one in facts)):
        worker.send(told)
    worker.tell(CUSTOMER, ConversationAssignRequested(conversation_id="c-1", agent_id="a-2"), id="by-hand")
    assert [assigned(how) - was for how, was in zip(kinds, before, strict=True)] == [1, 1, 1]
    assert (REGISTRY.get_sample_value(name) or 0.0) - waited == 42
