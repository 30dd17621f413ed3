"""Whatever is heard first, the same conversations come of it: state, rows, and what the pages show."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.conversations.course import Course, course
from services.interactions.domain.conversations.messages import OWN, key_of
from services.interactions.domain.rows import conversation_row
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
)
from shared.schemas.event import Event
from tests.examples import examples

from .talk import (
    answers,
    assigned,
    closed,
    complained,
    escalated,
    merged,
    noted,
    returned,
    says,
    snoozed,
    split,
    worker_of,
)
from .told import CUSTOMER, event

MOST = 9
KEYS = [key_of(f"/test e-{n} {CUSTOMER}") for n in range(MOST)]
ids = st.sampled_from(["c-1", "c-2", "c-3", *(OWN + key for key in KEYS[:3])])
names = st.sampled_from(["a@x", "b@x", "c"])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "conversation_id": ids,
        "message_id": names,
        "in_reply_to": st.sampled_from(["a@x", "<b@x>", "c@shop"]),
        "subject": st.sampled_from(["Order 1", "Re: order 1"]),
        "channel": st.sampled_from(["email", "chat"]),
    },
)
AUTHORS = st.sampled_from(["agent", "bot"])

facts: st.SearchStrategy[Data] = st.one_of(
    st.builds(lambda fields: says(**fields), FIELDS),
    st.builds(lambda fields: says(**fields), FIELDS),
    st.builds(
        lambda author, fields: answers(author=author, **fields), st.sampled_from(["agent", "bot"]), FIELDS
    ),
    st.builds(merged, ids, ids),
    st.builds(lambda id, into, key: split(id, into, key), ids, st.just("n-1") | ids, st.sampled_from(KEYS)),
    st.builds(closed, ids),
    st.builds(escalated, ids),
    st.builds(assigned, ids),
    st.builds(returned, ids, st.sampled_from(["bot", "queue"])),
    st.builds(complained, ids, st.sampled_from(["chat", "of-no-kind"])),
    st.builds(snoozed, ids, st.none() | st.integers(0, 8) | st.just(3_000)),
    st.builds(noted, ids),
)
COMPLAINTS = st.sampled_from(["x-1", "x-2"])
of_complaints: st.SearchStrategy[Data] = st.one_of(
    st.builds(complained, st.sampled_from(["c-1", "c-2"]), st.just("chat"), COMPLAINTS),
    st.builds(lambda id: ComplaintResolved(complaint_id=id, resolution="done"), COMPLAINTS),
    st.builds(lambda id: ComplaintClosed(complaint_id=id), COMPLAINTS),
    st.builds(lambda id: ComplaintReopened(complaint_id=id, reason="no"), COMPLAINTS),
)
"""No two are opened under one name: of those the first heard holds."""


def _named(data: Data, n: int) -> Data:
    """No two complaints of one name: of those the first heard holds."""
    return data.model_copy(update={"complaint_id": f"x-{n}"}) if isinstance(data, ComplaintOpened) else data


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    told = draw(st.lists(st.tuples(facts, st.integers(0, 6)), min_size=1, max_size=MOST))
    events = [event(_named(data, n), f"e-{n}", minutes) for n, (data, minutes) in enumerate(told)]
    return events, draw(st.permutations(events))


@st.composite
def settled_histories(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """With the lives of complaints, each step at a time of its own, as of two the first heard holds."""
    told = draw(st.lists(facts | of_complaints, min_size=1, max_size=MOST))
    once = list[Data]()
    for data in told:
        opened = {one.complaint_id for one in once if isinstance(one, ComplaintOpened)}
        if not (isinstance(data, ComplaintOpened) and data.complaint_id in opened):
            once.append(data)
    minutes = draw(st.permutations(range(len(once))))
    events = [event(data, f"e-{n}", minutes[n]) for n, data in enumerate(once)]
    return events, draw(st.permutations(events))


def shown(now: Course) -> dict[str, Any]:
    return {
        "rows": {id: conversation_row(CUSTOMER, one) for id, one in now.open.items()},
        "messages": {id: [m.key for m in one.messages] for id, one in now.open.items()},
        "merged": {id: one.merged_from for id, one in now.open.items()},
        "turns": {id: one.turns() for id, one in now.open.items()},
        "refused": now.refused,
    }


@settings(max_examples=examples(200), deadline=None)
@given(histories() | settled_histories())
def test_the_order_in_which_they_are_heard_changes_nothing(
    history: tuple[Sequence[Event], Sequence[Event]],
) -> None:
    in_order, heard = (worker_of(events) for events in history)
    true, said = (course(one.state(CUSTOMER).conversations) for one in (in_order, heard))
    assert shown(said) == shown(true)
    for worker in (in_order, heard):
        live = {r["conversation_id"]: r for r in worker.rows("conversations") if r["into"] is None}
        routed = worker.state(CUSTOMER).routing.by_id
        rows = (conversation_row(CUSTOMER, one, routed.get(id)) for id, one in true.open.items())
        assert live == {row.conversation_id: row.document() for row in rows}
    told = [
        {id: told for id, one in worker.state(CUSTOMER).routing.by_id.items() if any(told := one.standing)}
        for worker in (in_order, heard)
    ]
    assert told[0] == told[1]


@settings(max_examples=examples(200), deadline=None)
@given(histories())
def test_a_message_is_in_one_conversation(history: tuple[Sequence[Event], Sequence[Event]]) -> None:
    known = worker_of(history[1]).state(CUSTOMER).conversations
    now = course(known)
    held = sorted(m.key for one in now.open.values() for m in one.messages)
    homes = sorted(m.key for m in known.messages if m.key in now.homes)
    assert held == homes
    assert {m.key for m in known.messages if m.told or m.inbound} <= set(homes)
    for id in now.homes.values():
        assert now.survivor(id) in now.open
