"""Bots are silent once people have a conversation: what they say all the same is kept and no answer."""

from itertools import permutations
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.folds import turns_of
from services.interactions.domain.conversations.messages import key_of
from shared.schemas.base import Data
from shared.schemas.commands.conversations import ConversationMessageRequested
from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationEscalated,
    ConversationReturned,
    InteractionLogged,
)
from tests.examples import examples

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
    snoozed,
    split,
    story,
    worker_of,
)
from .told import CUSTOMER, row_id

CHAT = says("hello?", channel="chat", conversation_id="c-1")
BOT = answers("I can help.", author="bot", channel="chat", conversation_id="c-1")


def test_what_a_bot_says_after_the_handover_is_marked_in_any_order() -> None:
    facts: list[tuple[float, Data]] = [
        (0, CHAT),
        (1, BOT),
        (2, escalated("c-1")),
        (3, BOT),
        (4, assigned("c-1")),
    ]
    late = key_of(row_id(story(*facts)[3]))
    for order in permutations(story(*facts)):
        found = one(order)
        assert (found.hushed, found.status, found.handled_by) == ([late], "assigned", "agent")
        assert len(found.messages) == 3


def test_its_row_says_so_where_it_is_known() -> None:
    worker = worker_of(story((0, CHAT), (1, BOT), (2, escalated("c-1")), (3, BOT)))
    said = [r.get("note") is not None for r in worker.rows("timeline") if "Outbound" in r["summary"]]
    assert said == [False, True]
    assert worker.dead_letters == []
    assert [turn.kind for turn in turns_of(worker.state(CUSTOMER), "c-1")] == ["inbound"]


def test_given_back_it_may_speak() -> None:
    found = one(story((0, CHAT), (1, escalated("c-1")), (2, returned("c-1", "bot")), (3, BOT)))
    assert (found.hushed, found.status, found.handled_by) == ([], "waiting", "bot")


def test_it_is_silent_in_what_was_taken_out_of_what_people_have() -> None:
    facts: list[tuple[float, Data]] = [(0, CHAT), (1, BOT), (2, escalated("c-1", team="t-1"))]
    keys = [key_of(row_id(told)) for told in story(*facts)[:2]]
    events = story(*facts, (3, split("c-1", "c-2", *keys)), (4, answers(author="bot", conversation_id="c-2")))
    for order in permutations(events):
        found = course_of(order).open["c-2"]
        assert (found.silenced, found.status, found.handled_by) == (True, "queued", "queue")
        assert found.team == "t-1"
        assert len(found.hushed) == 1


def test_what_was_said_in_what_became_part_of_another_is_marked_on() -> None:
    events = story((0, CHAT), (1, escalated("c-1")), (2, BOT), (3, merged("c-1", "c-2")), (4, BOT))
    for order in permutations(events):
        (found,) = course(worker_of(order).state(CUSTOMER).conversations).open.values()
        assert len(found.hushed) == 2


STEPS: st.SearchStrategy[Data] = st.one_of(
    st.just(CHAT),
    st.just(BOT),
    st.just(BOT),
    st.just(escalated("c-1")),
    st.just(assigned("c-1")),
    st.builds(returned, st.just("c-1"), st.sampled_from(["bot", "queue"])),
    st.just(snoozed("c-1")),
    st.just(answers(conversation_id="c-1", agent_id="a-1")),
    st.just(closed("c-1")),
)
"""Of one conversation."""


def silent_after(data: Data, before: bool) -> bool:
    """Whether people have the conversation, told as plainly as can be."""
    if isinstance(data, ConversationReturned):
        return data.to == "queue"
    handed = isinstance(data, ConversationEscalated | ConversationAssigned)
    return before or handed or (isinstance(data, InteractionLogged) and data.author == "agent")


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_no_history_lets_a_bot_speak_where_people_have_it(told: list[Data], random: Random) -> None:
    events = story(*enumerate(told))
    silent, hushed = False, list[str]()
    for event in events:
        if event.data == BOT and silent:
            hushed.append(key_of(row_id(event)))
        silent = silent_after(event.data, silent)
    heard = random.sample(events, len(events))
    worker = worker_of(heard)
    (found,) = course(worker.state(CUSTOMER).conversations).open.values()
    assert (found.hushed, found.silenced) == (hushed, silent)
    assert (found.handled_by == "bot") <= (not silent)
    asked = ConversationMessageRequested(conversation_id="c-1", text="Me.", author="bot", channel="chat")
    outcome = worker.tell(CUSTOMER, asked, id="asked")
    assert (outcome.status == "refused") is silent
    assert len(worker.facts(ReplyRequested)) == (not silent)
