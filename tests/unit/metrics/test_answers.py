"""An answer counts on the channel of what it is about, whatever is heard first."""

import random
from itertools import permutations

import pytest

from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import ConversationMerged

from .story import counted, event, opened, profile, purchase, run, value
from .test_service import message, taken


def answer(survey: str, score: int, kind: str, id: str) -> SurveyAnswered:
    return SurveyAnswered.model_validate(
        {"survey": survey, "score": score, "about": {"kind": kind, "id": id}}
    )


THINGS: list[tuple[Data, SurveyAnswered, str]] = [
    (purchase("o1", channel="web"), answer("csat", 5, "order", "o1"), "web"),
    (opened("k1", "phone"), answer("csat", 5, "complaint", "k1"), "phone"),
    (message("v1", "inbound", None, "chat"), answer("csat", 5, "conversation", "v1"), "chat"),
]


@pytest.mark.parametrize(("thing", "asked", "channel"), THINGS)
def test_it_counts_where_that_is(thing: Data, asked: SurveyAnswered, channel: str) -> None:
    story = [event(thing), event(asked, days=1), event(profile("gold"), days=2)]
    for log in permutations(story):
        customers, delta = run(log)
        assert delta == counted(customers.values())
        assert value(delta, "csat", channel=channel, segment="gold") == 1.0
        assert value(delta, "csat", channel=channel) == value(delta, "csat") == 1.0
        assert value(delta, "csat", channel="fax") is None


def test_the_later_answer_holds_wherever_it_was_when_it_came() -> None:
    first, later = answer("csat", 1, "order", "o1"), answer("csat", 5, "order", "o1")
    story = [event(first, days=1), event(later, days=2), event(purchase("o1", channel="web"))]
    for log in permutations(story):
        _, delta = run(log)
        assert value(delta, "csat", channel="web") == value(delta, "csat") == 1.0


def test_a_conversation_is_where_its_first_message_was_and_with_the_team_asked_last() -> None:
    story: list[Event] = [
        event(message("v1", "inbound", None, "chat"), days=2),
        event(message("v2", "inbound", None, "email"), days=1),
        event(answer("ces", 6, "conversation", "v1"), days=5),
        event(ConversationMerged(conversation_id="v2", into="v1"), days=3),
        event(taken("care", "v2"), days=2),
    ]
    expected = run(story)[1]
    assert value(expected, "ces", channel="email") == value(expected, "ces", team="care") == 6.0
    assert value(expected, "ces", channel="chat") is None
    for seed in range(60):
        log = [*story]
        random.Random(seed).shuffle(log)
        customers, delta = run(log)
        assert delta == expected == counted(customers.values())


def test_what_it_is_about_may_never_be_heard_of() -> None:
    _, delta = run([event(answer("nps", 9, "parcel", "p1")), event(answer("nps", 9, "order", "o9"))])
    assert value(delta, "nps") == 100.0
    assert value(delta, "nps", channel="web") is None
