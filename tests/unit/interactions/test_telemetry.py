"""What is counted of what bots say where people have a conversation."""

from typing import Any

from prometheus_client import REGISTRY

from services.interactions.telemetry import observe
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.conversations import ConversationMessageRequested

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
