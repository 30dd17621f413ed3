"""What belongs to one conversation, and how it stands, by the times at which things happened."""

from itertools import permutations

import pytest

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.folds import turns_of
from services.interactions.domain.conversations.messages import key_of
from services.interactions.domain.conversations.room import MAX_CONVERSATIONS, MAX_OF_ONE
from shared.schemas.base import Data

from .talk import (
    answers,
    assigned,
    closed,
    course_of,
    escalated,
    merged,
    one,
    returned,
    says,
    split,
    story,
    worker_of,
)
from .told import CUSTOMER, fold, row_id

CHAT = says("hello?", channel="chat", conversation_id="c-1")


def test_a_contact_with_nothing_to_go_by_stands_alone() -> None:
    customer = fold(story((0, says()), (1, answers())))
    assert customer.conversations.messages == ()


def test_messages_of_one_conversation_are_on_every_channel() -> None:
    events = story(
        (0, says("where is it?", conversation_id="c-1")),
        (1, answers(conversation_id="c-1", author="bot")),
        (2, says("hello?", channel="chat", conversation_id="c-1")),
        (3, answers(conversation_id="c-1", channel="chat")),
    )
    state = fold(events)
    assert [turn.kind for turn in turns_of(state, "c-1")] == ["inbound", "inbound", "answered"]
    assert turns_of(state, "c-2") == ()


@pytest.mark.parametrize("name", ["m-1@shop", "<m-1@shop>", "0123"])
def test_an_answer_goes_on_in_the_conversation_of_what_it_answers(name: str) -> None:
    answer = f"<{name.strip('<>')}{'' if '@' in name else '@mail.shop'}>"
    facts = [
        (0.0, says(conversation_id="c-1")),
        (1.0, answers(conversation_id="c-1", message_id=name)),
        (2.0, says("and?", in_reply_to=answer, message_id="m-2@home")),
        (3.0, says("still there?", in_reply_to="m-2@home")),
    ]
    for order in permutations(story(*facts)):
        assert [m.at for m in one(order).messages] == sorted(m.at for m in one(order).messages)
        assert (one(order).conversation_id, len(one(order).messages)) == ("c-1", 4)


def test_names_of_others_are_compared_whole() -> None:
    facts = (0.0, says(conversation_id="c-1", message_id="1@a")), (1.0, says("b", in_reply_to="1@b"))
    assert len(course_of(story(*facts)).open) == 2


def test_the_same_open_subject_goes_on_elsewhere() -> None:
    first = (0.0, says("late", conversation_id="c-1", subject="Order 17"))
    later = (5.0, says("again", channel="social", subject="Re: AW: order  17"))
    assert one(story(first, later)).conversation_id == "c-1"
    assert len(course_of(story(first, (4.0, closed("c-1")), later)).open) == 2
    assert len(course_of(story(first, (40.0 * 24 * 60, later[1]))).open) == 2


BEFORE: list[tuple[str, list[Data], tuple[str, str, str | None]]] = [
    ("new", [CHAT], ("queued", "queue", None)),
    ("the bot answered", [CHAT, answers(author="bot", conversation_id="c-1")], ("waiting", "bot", None)),
    ("escalated", [CHAT, escalated("c-1")], ("queued", "queue", None)),
    ("assigned", [CHAT, escalated("c-1"), assigned("c-1")], ("assigned", "agent", "a-1")),
    (
        "answered",
        [CHAT, assigned("c-1"), answers(conversation_id="c-1", agent_id="a-2")],
        ("waiting", "agent", "a-1"),
    ),
    (
        "the customer again",
        [CHAT, assigned("c-1"), answers(conversation_id="c-1"), CHAT],
        ("assigned", "agent", "a-1"),
    ),
    (
        "an agent takes it by answering",
        [CHAT, answers(conversation_id="c-1", agent_id="a-2")],
        ("waiting", "agent", "a-2"),
    ),
    ("given back", [CHAT, assigned("c-1"), returned("c-1", "queue")], ("queued", "queue", None)),
    ("to the bot", [CHAT, assigned("c-1"), returned("c-1", "bot")], ("assigned", "bot", None)),
    ("closed", [CHAT, assigned("c-1"), closed("c-1")], ("closed", "agent", "a-1")),
    ("open again", [CHAT, assigned("c-1"), closed("c-1"), CHAT], ("queued", "queue", None)),
    (
        "the bot after people",
        [CHAT, escalated("c-1"), answers(author="bot", conversation_id="c-1")],
        ("queued", "queue", None),
    ),
]


@pytest.mark.parametrize(("facts", "stands"), [case[1:] for case in BEFORE], ids=[c[0] for c in BEFORE])
def test_how_it_stands(facts: list[Data], stands: tuple[str, str, str | None]) -> None:
    events = story(*enumerate(facts))
    for order in (events, events[::-1]):
        found = one(order)
        assert (found.status, found.handled_by, found.agent_id) == stands


def test_a_late_message_does_not_open_what_was_closed_after_it() -> None:
    events = story((0, CHAT), (5, closed("c-1")), (3, CHAT), (5, CHAT))
    assert one(events).status == "closed"


def test_merged_conversations_are_one_in_any_order() -> None:
    events = story(
        (0, says(conversation_id="c-1")),
        (1, says(conversation_id="c-2", channel="chat")),
        (2, answers(conversation_id="c-1")),
        (3, closed("c-1")),
        (4, merged("c-2", "c-1")),
        (5, says("thanks", conversation_id="c-2")),
        (6, closed("c-2")),
    )
    for order in permutations(events):
        found = one(order)
        assert (found.conversation_id, found.status, len(found.messages)) == ("c-1", "closed", 4)
        assert found.merged_from == ["c-2"]


def test_of_two_merges_the_earlier_holds_and_no_circle_comes_of_them() -> None:
    events = story(
        (0, says(conversation_id="c-1")),
        (0, says(conversation_id="c-2")),
        (0, says(conversation_id="c-3")),
        (1, merged("c-1", "c-2")),
        (2, merged("c-2", "c-1")),
        (3, merged("c-1", "c-3")),
    )
    for order in permutations(events):
        assert course_of(order).into == {"c-1": "c-2"}
        assert sorted(course_of(order).refused.values()) == ["cycle", "gone"]


def test_split_messages_leave_with_what_answers_them() -> None:
    facts = [
        (0.0, says(conversation_id="c-1", message_id="a@x")),
        (1.0, says("other thing", conversation_id="c-1", message_id="b@x")),
        (2.0, answers(in_reply_to="b@x")),
    ]
    key = key_of(row_id(story(*facts)[1]))
    events = story(*facts, (3.0, split("c-1", "c-2", key)))
    for order in permutations(events):
        found = course_of(order).open
        assert {id: len(c.messages) for id, c in found.items()} == {"c-1": 1, "c-2": 2}


def test_a_conversation_that_is_long_keeps_its_beginning_and_its_end() -> None:
    events = story(*((float(n), says(conversation_id="c-1")) for n in range(MAX_OF_ONE + 30)))
    (found,) = course(worker_of(events).state(CUSTOMER).conversations).open.values()
    kept = found.messages
    assert (len(kept), kept[0].key, kept[-1].key) == (
        MAX_OF_ONE,
        key_of(row_id(events[0])),
        key_of(row_id(events[-1])),
    )


def test_a_long_conversation_that_hangs_together_by_answers_stays_one() -> None:
    facts: list[tuple[float, Data]] = [
        (float(n), says(message_id=f"m{n}@x", **({"in_reply_to": f"m{n - 1}@x"} if n else {})))
        for n in range(MAX_OF_ONE + 30)
    ]
    (found,) = course(worker_of(story(*facts)).state(CUSTOMER).conversations).open.values()
    assert len(found.messages) == MAX_OF_ONE


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    facts: list[tuple[float, Data]] = [
        (0, says(conversation_id="c-1", message_id="a@x")),
        (1, says(message_id="b@x", in_reply_to="a@x")),
        (2, says(conversation_id="c-2")),
    ]
    own, moved = (key_of(row_id(story(*facts)[n])) for n in (1, 0))
    facts += [
        (3, assigned(f"m-{own}")),
        (4, split("c-1", "c-3", moved)),
        (5, merged("c-2", "c-1")),
        (6, closed("c-1")),
        *((float(n), says(conversation_id=f"n-{n}")) for n in range(10, 10 + MAX_CONVERSATIONS)),
    ]
    state = worker_of(story(*facts)).state(CUSTOMER).conversations
    ids = course(state).open.keys()
    assert len(ids) == MAX_CONVERSATIONS
    assert all(id.startswith("n-") for id in ids)
    assert state.steps == ()


def test_the_closed_and_the_quiet_are_forgotten_first() -> None:
    facts = [(float(n), says(conversation_id=f"c-{n}")) for n in range(MAX_CONVERSATIONS)]
    more: list[tuple[float, Data]] = [
        (500, closed("c-9")),
        (501, says(conversation_id="n-1")),
        (502, says(conversation_id="n-2")),
    ]
    state = worker_of(story(*facts, *more)).state(CUSTOMER)
    known = {m.told for m in state.conversations.messages}
    assert {f"c-{n}" for n in range(MAX_CONVERSATIONS)} - known == {"c-0", "c-9"}
    assert {"n-1", "n-2"} <= known
