"""What people have stays theirs, whatever becomes of it: merged, split off, or back from its rest."""

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.known import Conversations
from services.interactions.domain.conversations.messages import key_of, message_of
from services.interactions.domain.conversations.steps import step_of
from shared.schemas.times import micros

from .talk import answers, assigned, closed, course_of, escalated, merged, one, says, snoozed, split, story
from .told import at, row_id


def test_a_bots_that_takes_in_one_that_waits_for_somebody_waits_itself() -> None:
    said = [(0, says(conversation_id="a")), (1, answers(conversation_id="a", author="bot"))]
    waits = [(2, says(conversation_id="b")), (3, escalated("b"))]
    found = one(story(*said, *waits, (4, merged("b", "a"))))
    assert (found.conversation_id, found.status, found.handled_by) == ("a", "queued", "queue")
    assert found.wanted, "its bot is silent, so somebody must answer"
    assert found.since == micros(at(3)), "it has waited as long as what it took in"


def test_a_bots_that_rested_does_so_no_longer_once_people_are_to_answer() -> None:
    said = [(0, says(conversation_id="a")), (1, answers(conversation_id="a", author="bot"))]
    waits = [(2, snoozed("a", 600)), (3, says(conversation_id="b")), (4, escalated("b"))]
    found = one(story(*said, *waits, (5, merged("b", "a"))))
    assert (found.wanted, found.snooze) == (True, None)


def test_one_that_was_over_with_people_silences_the_bot_that_goes_on() -> None:
    past = [(0, says(conversation_id="b")), (1, assigned("b")), (2, closed("b"))]
    said = [(3, says(conversation_id="a")), (4, answers(conversation_id="a", author="bot"))]
    found = one(story(*past, *said, (5, merged("b", "a"))))
    assert (found.wanted, found.since) == (True, micros(at(5)))


def test_what_is_split_off_waits_from_then_on_and_needs_the_same() -> None:
    needs = {"skills": ("refunds",), "preferred_skills": ("wine",), "language": "de", "team": "care"}
    told = [
        (0.0, says(conversation_id="c-1")),
        (1.0, escalated("c-1", priority="high", **needs)),
        (2.0, says("another matter", conversation_id="c-1")),
    ]
    moved = key_of(row_id(story(*told)[2]))
    found = course_of(story(*told, (3.0, split("c-1", "c-2", moved)))).open["c-2"]
    assert (found.wanted, found.since) == (True, micros(at(3)))
    assert (found.team, found.priority) == ("care", "high")
    assert (found.skills, found.preferred_skills, found.language) == (("refunds",), ("wine",), "de")


def test_what_comes_back_to_the_queue_has_waited_since_then() -> None:
    told = story((0, says(conversation_id="c-1")), (1, escalated("c-1")), (2, snoozed("c-1", 60)))
    message = message_of(told[0], micros(at(0)))
    assert message is not None
    steps = tuple(step_of(one, micros(one.time)) for one in told[1:])
    known = Conversations(messages=(message,), steps=steps, awake_at=micros(at(61)))
    found = course(known).open["c-1"]
    assert (found.wanted, found.since) == (True, micros(at(60)))
