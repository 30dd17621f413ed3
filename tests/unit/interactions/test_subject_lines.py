"""Messages as sources tell them: headers are taken as they come."""

import pytest

from services.interactions.domain.conversations.course import course

from .talk import one, says, story
from .told import fold


def test_an_answer_may_name_several_messages() -> None:
    facts = (0.0, says(conversation_id="c-1", message_id="1@a")), (1.0, says(in_reply_to="<0@a> <1@a>"))
    assert len(one(story(*facts)).messages) == 2


LONG = "My toaster " * 40


@pytest.mark.parametrize(
    ("first", "later", "conversations"),
    [(LONG, f"Re: {LONG}", 1), ("Order\t17", "order 17\r\n", 1), ("", "", 0), (" \t", " ", 0)],
    ids=["long", "not of one line", "empty", "blank"],
)
def test_any_subject_line_is_taken(first: str, later: str, conversations: int) -> None:
    facts = story((0.0, says(subject=first)), (5.0, says(subject=later)))
    state = fold(facts)
    found = course(state.conversations).open
    assert len(found) == conversations
    for conversation in found.values():
        assert len(conversation.messages) == 2
        assert all(message.subject and message.subject.isprintable() for message in conversation.messages)
