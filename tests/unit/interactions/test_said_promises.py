"""What is said in a complaint's conversation moves its clocks: by the customer, and by agents."""

from itertools import permutations
from typing import Any

import pytest

from shared.journal.testing import InMemoryWorker
from shared.schemas.interactions import InteractionLogged

from .promised import ACKNOWLEDGED, OPENED, RESOLVED, WAITING, after, fresh, minute_of, row, shown, tell, told

TALK = "t-1"
IN_TALK = OPENED.model_copy(update={"conversation_id": TALK})


def said(direction: str, author: str | None = None, conversation: str = TALK) -> InteractionLogged:
    return InteractionLogged.model_validate(
        {
            "channel": "email",
            "direction": direction,
            "kind": "message",
            "summary": "words",
            "conversation_id": conversation,
            "author": author,
        }
    )


WRITES, ANSWERS = said("inbound", "customer"), said("outbound", "agent")


def opened(*before: Any) -> InMemoryWorker[Any]:
    worker = fresh()
    for one in before:
        tell(worker, one, -5)
    tell(worker, IN_TALK)
    return worker


def test_an_agents_message_in_its_conversation_is_a_response() -> None:
    worker = opened()
    after(worker, 10)
    tell(worker, ANSWERS)
    assert told(worker) == [("met", "first_response", 10)]
    assert shown(worker) == {"first_response": "met", "update": "running", "resolution": "running"}


@pytest.mark.parametrize(
    "message",
    [said("outbound", "bot"), said("outbound", "system"), said("outbound"), said("outbound", "agent", "t-2")],
    ids=["a bot's", "a rule's", "nobody's", "of another conversation"],
)
def test_other_messages_are_none(message: InteractionLogged) -> None:
    worker = opened()
    after(worker, 10)
    tell(worker, message)
    after(worker, 60)
    assert shown(worker)["first_response"] == "breached"


def test_what_was_said_before_the_opening_is_none_of_it() -> None:
    worker = opened(WRITES, ANSWERS)
    assert shown(worker) == {"first_response": "running", "resolution": "running"}


def test_the_next_response_runs_from_the_first_unanswered_message() -> None:
    worker = opened()
    after(worker, 10)
    tell(worker, WRITES)
    assert "next_response" not in shown(worker), "there was no first response yet"
    tell(worker, ANSWERS)
    after(worker, 20)
    tell(worker, WRITES)
    after(worker, 30)
    tell(worker, WRITES)
    assert (minute_of(row(worker)["next_due"]), row(worker)["next_clock"]) == (20 + 120, "next_response")
    after(worker, 40)
    tell(worker, ANSWERS)
    assert ("met", "next_response", 40) in told(worker)
    assert shown(worker)["next_response"] == "met"


def test_a_message_of_the_customer_ends_the_waiting() -> None:
    worker = opened()
    after(worker, 1)
    tell(worker, ACKNOWLEDGED)
    after(worker, 2)
    tell(worker, WAITING)
    assert (row(worker)["waiting"], shown(worker)["update"]) == (True, "paused")
    after(worker, 500)
    tell(worker, said("inbound", "bot"))
    assert row(worker)["waiting"], "a machine's mail is no word of theirs"
    tell(worker, WRITES)
    assert (row(worker)["waiting"], shown(worker)["update"]) == (False, "running")
    tell(worker, WAITING, 501)
    assert row(worker)["waiting"]
    tell(worker, WAITING, 499)
    assert row(worker)["waiting"], "what was said before does not end what was said after"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_messages_and_steps_in_any_order(order: tuple[int, ...]) -> None:
    facts = [(IN_TALK, 0), (ANSWERS, 10), (WRITES, 20), (WAITING, 15)]
    worker = fresh()
    after(worker, 25)
    for number in order:
        tell(worker, *facts[number])
    assert shown(worker) == {
        "first_response": "met",
        "next_response": "running",
        "update": "running",
        "resolution": "running",
    }
    assert (row(worker)["waiting"], minute_of(row(worker)["next_due"])) == (False, 20 + 120)
    assert told(worker) == [("met", "first_response", 10)]


def test_a_long_conversation_forgets_messages_and_tells_no_breach_for_it() -> None:
    worker = opened()
    for number in range(230):
        after(worker, 90 * number + 1)
        tell(worker, ANSWERS if number % 2 == 0 else WRITES)
    assert {kind for kind, clock, _ in told(worker) if clock in ("next_response", "update")} == {
        "met",
        "warned",
    }
    after(worker, 90 * 230)
    tell(worker, RESOLVED)
    assert len(set(told(worker))) == len(told(worker))
