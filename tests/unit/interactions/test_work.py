"""What agents did, by all that is known of it: the same in whatever order it was heard."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.growth.figures import begins, figures
from services.interactions.domain.growth.rows import WorkRow
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintOpened
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.times import SECOND, micros
from tests.examples import examples

from .talk import answers, assigned, closed, complained, escalated, merged, says, split, story, worker_of
from .told import CUSTOMER, START, at

MINUTE = 60 * SECOND


def csat(score: int, id: str = "c-1", kind: str = "conversation", comment: str | None = None) -> Data:
    about = {"kind": kind, "id": id}
    said = {"survey": "csat", "score": score, "about": about, "comment": comment}
    return SurveyAnswered.model_validate({k: v for k, v in said.items() if v is not None})


def work(worker: InMemoryWorker[Any]) -> dict[str, Any]:
    """By what and whom; those that say nothing are left out. Times in minutes."""
    found = {}
    for row in worker.rows("work"):
        told = [row[name] for name in ("taken_at", "answered_at", "resolved_at")]
        if any(one is not None for one in told) or row["scores"]:
            what, _, agent = row["_id"].partition(f" {CUSTOMER} ")
            assert agent == row["agent_id"]
            minutes = [None if one is None else (one - micros(START)) / MINUTE for one in told]
            waited = None if row["waited"] is None else row["waited"] / MINUTE
            found[what.removeprefix("conversation "), agent] = (
                *minutes,
                waited,
                [score for _, score in row["scores"]],
            )
    return found


def heard(*facts: tuple[float, Data]) -> dict[str, Any]:
    return work(worker_of(story(*facts)))


def test_who_was_given_it_answers_and_closes_it() -> None:
    found = heard(
        (0, says(conversation_id="c-1")),
        (3, assigned("c-1", "ann")),
        (5, answers(conversation_id="c-1", agent_id="ann")),
        (9, closed("c-1")),
        (20, csat(5)),
    )
    assert found == {("c-1", "ann"): (3, 5, 9, 5, [5])}


def test_who_takes_over_has_their_part() -> None:
    found = heard(
        (0, says(conversation_id="c-1")),
        (2, answers(conversation_id="c-1", agent_id="ann")),
        (4, assigned("c-1", "bob")),
        (6, csat(2)),
        (8, closed("c-1")),
    )
    assert found == {("c-1", "ann"): (2, 2, None, 2, []), ("c-1", "bob"): (4, None, 8, None, [2])}


def test_an_answer_is_about_who_had_it_then() -> None:
    found = heard(
        (0, says(conversation_id="c-1")),
        (1, csat(1, "c-1", comment="too early for anybody")),
        (2, answers(conversation_id="c-1", agent_id="ann")),
        (3, csat(5)),
        (4, assigned("c-1", "bob")),
    )
    assert (found["c-1", "ann"][-1], found["c-1", "bob"][-1]) == ([5], [])


def test_after_a_bot_a_person_is_waited_for_from_the_handover_on() -> None:
    found = heard(
        (0, says(conversation_id="c-1")),
        (1, answers(conversation_id="c-1", author="bot")),
        (10, escalated("c-1")),
        (14, answers(conversation_id="c-1", agent_id="ann")),
    )
    assert found == {("c-1", "ann"): (14, 14, None, 4, [])}


def test_who_wrote_first_of_all_answered_nobody() -> None:
    found = heard(
        (0, answers(conversation_id="c-1", agent_id="ann")),
        (5, says(conversation_id="c-1")),
        (6, answers(conversation_id="c-1", agent_id="bob")),
    )
    assert found == {("c-1", "ann"): (0, None, None, None, []), ("c-1", "bob"): (6, None, None, None, [])}


def test_what_is_opened_again_is_not_resolved() -> None:
    facts = [
        (0, says(conversation_id="c-1")),
        (2, answers(conversation_id="c-1", agent_id="ann")),
        (4, closed("c-1")),
        (6, says(conversation_id="c-1")),
    ]
    assert heard(*facts) == {("c-1", "ann"): (2, 2, None, 2, [])}


def test_what_was_merged_is_one() -> None:
    found = heard(
        (0, says(conversation_id="c-1")),
        (1, says(conversation_id="c-2")),
        (2, answers(conversation_id="c-2", agent_id="ann")),
        (3, merged("c-2", "c-1")),
        (4, csat(4, "c-2")),
    )
    assert found == {("c-1", "ann"): (2, 2, None, 2, [4])}


def test_what_was_moved_is_where_it_is_now() -> None:
    events = story(
        (0, says(conversation_id="c-1")), (2, answers(conversation_id="c-1", agent_id="ann")), (1, says())
    )
    worker = worker_of(events[:2])
    key = worker.state(CUSTOMER).conversations.messages[1].key
    worker.send(story((0, says()), (0, says()), (0, says()), (9, split("c-1", "c-9", key)))[3])
    assert work(worker) == {("c-9", "ann"): (2, None, None, None, [])}


def test_of_a_complaint_it_is_who_had_its_conversation_or_else_its_assignee() -> None:
    opened = ComplaintOpened.model_validate(
        {"complaint_id": "x-2", "channel": "web", "category": "fit", "severity": "low", "description": "."}
    )
    found = heard(
        (0, complained("c-1")),
        (1, answers(conversation_id="c-1", agent_id="ann")),
        (2, opened),
        (3, ComplaintAcknowledged(complaint_id="x-2", assignee="bob")),
        (4, csat(1, "x-1", "complaint")),
        (5, csat(5, "x-2", "complaint")),
    )
    assert found["c-1", "ann"] == (1, None, None, None, [1])
    assert found["complaint x-2", "bob"] == (None, None, None, None, [5])


def test_of_two_answers_the_later_counts() -> None:
    one, other = (5, csat(5)), (6, csat(1))
    begin = [(0, says(conversation_id="c-1")), (2, answers(conversation_id="c-1", agent_id="ann"))]
    for told in ([one, other], [other, one]):
        assert heard(*begin, *told)["c-1", "ann"][-1] == [1]


def test_messages_without_an_agent_are_nobodys() -> None:
    assert heard((0, says(conversation_id="c-1")), (2, answers(conversation_id="c-1"))) == {}


ids = st.sampled_from(["c-1", "c-2", "c-3"])
agents = st.sampled_from(["ann", "bob"])
facts = st.one_of(
    st.builds(lambda id: says(conversation_id=id), ids),
    st.builds(lambda id, a: answers(conversation_id=id, agent_id=a), ids, agents),
    st.builds(lambda id: answers(conversation_id=id, author="bot"), ids),
    st.builds(assigned, ids, agents),
    st.builds(escalated, ids),
    st.builds(closed, ids),
    st.builds(csat, st.integers(1, 5), ids),
    st.builds(csat, st.integers(1, 5), st.just("x-1"), st.just("complaint")),
    st.just(complained("c-2")),
    st.just(merged("c-1", "c-2")),
    st.just(merged("c-3", "c-2")),
)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), facts), max_size=14), st.randoms(use_true_random=False))
def test_any_order_comes_to_the_same_work(told: list[Any], random: Any) -> None:
    events: list[Event] = story(*told)
    # A complaint has one opening, and of two merges of one the earlier holds: those are tried elsewhere.
    once = (ComplaintOpened,)
    events = [e for n, e in enumerate(events) if not isinstance(e.data, once) or n == _first(events, once)]
    ends = []
    for _ in range(2):
        ends.append(work(worker_of(events)))
        random.shuffle(events)
    assert ends[0] == ends[1]


def _first(events: list[Event], kinds: tuple[type[Data], ...]) -> int:
    return next(n for n, e in enumerate(events) if isinstance(e.data, kinds))


NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)


def row(days_ago: float, waited: float | None = None, scores: tuple[int, ...] = ()) -> WorkRow:
    when = micros(NOW) - round(days_ago * 86_400) * SECOND
    answered = None if waited is None else when
    return WorkRow(
        key="k",
        customer_id="c",
        agent_id="ann",
        order="",
        taken_at=when,
        answered_at=answered,
        waited=None if waited is None else round(waited * SECOND),
        resolved_at=when,
        scores=[(when, score) for score in scores],
    )


def test_figures_by_period() -> None:
    rows = [row(0.01, 60, (5, 3)), row(0.02, 120), row(3, 600, (4,)), row(20), row(40, 1, (1,))]
    found = figures(rows, NOW, ZoneInfo("UTC"))
    today, week, month = (found[name] for name in ("today", "7d", "28d"))
    assert (today.conversations, today.resolved, today.first_responses) == (2, 2, 2)
    assert (today.first_response_p50_s, today.first_response_p90_s) == (60, 120)
    assert (today.csat_answers, today.csat) == (2, 0.5)
    assert (week.conversations, week.first_response_p50_s, week.csat) == (3, 120, pytest.approx(2 / 3))
    assert (month.conversations, month.csat_answers) == (4, 3)


def test_of_one_who_did_nothing() -> None:
    for one in figures([], NOW, ZoneInfo("UTC")).values():
        assert (one.conversations, one.first_response_p50_s, one.csat) == (0, None, None)


def test_a_day_begins_where_the_team_is() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert begins(NOW, berlin, 1) == micros(datetime(2026, 11, 25, 23, tzinfo=UTC))
    assert begins(NOW, ZoneInfo("America/New_York"), 1) == micros(datetime(2026, 11, 25, 5, tzinfo=UTC))
    assert begins(at(0), berlin, 28) == micros(datetime(2026, 10, 4, 22, tzinfo=UTC))
