"""How complaints are answered: against the clocks of the SLA file, which interactions reckons by itself, with
calendars that are always open."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.sla.clocks import clocks_and_runs
from services.interactions.domain.sla.log import Fact, Kind
from services.interactions.domain.sla.policy import Sla
from services.metrics.domain.agents import KEEP_STEPS
from services.metrics.domain.apply import apply
from services.metrics.domain.histogram import bucket
from shared.facts.complaints import ACKNOWLEDGED, CLOSED, REOPENED, RESOLVED, UPDATED, Step, life_of, step_of
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintSlaBreached,
    ComplaintSlaMet,
    ComplaintUpdated,
)
from shared.schemas.event import Event
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationMerged,
    ConversationReturned,
    InteractionLogged,
)
from shared.schemas.teams import AgentChanged
from shared.schemas.times import DAY, micros, moment
from tests.examples import examples

from .story import FAR, START, counted, event, opened, profile, result, run, told_again, value

LONG = "87600h"
SLA = Sla.model_validate(
    {
        "name": "test",
        "versions": [
            {
                "effective": "2020-01-01",
                "calendars": {"always": {"timezone": "UTC", "hours": "all"}},
                "policies": [
                    {"name": "all", "calendar": "always", "first_response": LONG, "next_response": LONG}
                    | {"update": LONG, "resolution": LONG}
                ],
            }
        ],
    }
)
KINDS = {ACKNOWLEDGED: Kind.ANSWERED, UPDATED: Kind.ANSWERED, RESOLVED: Kind.RESOLVED}
KINDS |= {CLOSED: Kind.CLOSED, REOPENED: Kind.REOPENED}
CLOCKS = {"first_response": "first:", "next_response": "next:", "resolution": "resolution:"}


def message(conversation: str | None, direction: str, author: str | None, channel: str = "chat") -> Data:
    said = {"channel": channel, "direction": direction, "kind": "message", "summary": "."}
    return InteractionLogged.model_validate(said | {"conversation_id": conversation, "author": author})


def complaint(conversation: str | None = "v1", name: str = "k1") -> ComplaintOpened:
    return opened(name).model_copy(update={"conversation_id": conversation})


def taken(team: str | None = None, conversation: str = "v1") -> ConversationAssigned:
    return ConversationAssigned(conversation_id=conversation, agent_id="ann", team=team)


INBOUND, AGENT = message("v1", "inbound", None), message("v1", "outbound", "agent")
STEPS: list[Data] = [
    complaint(),
    ComplaintAcknowledged(complaint_id="k1"),
    ComplaintUpdated(complaint_id="k1", message="."),
    ComplaintResolved(complaint_id="k1", resolution="."),
    ComplaintReopened(complaint_id="k1", reason="."),
    ComplaintClosed(complaint_id="k1"),
]
SAID = [INBOUND, AGENT, message("v1", "outbound", "bot"), message("v1", "outbound", None)]
SAID += [message("v2", "outbound", "agent"), message(None, "inbound", "customer")]
parts = st.lists(
    st.tuples(st.sampled_from([*STEPS, *STEPS[1:], *SAID, *SAID]), st.integers(0, 30)), max_size=25
)


def reckoned(history: Sequence[Event]) -> Counter[str]:
    """How long each clock ran, as interactions reckons it."""
    first: list[Event] = [e for e in history if isinstance(e.data, ComplaintOpened)][:1]
    if not first:
        return Counter()
    at = micros(first[0].time)
    told = {(e.data, e.time): e for e in history if isinstance(e.data, ComplaintsData)}.values()
    steps = [step_of(e.data, micros(e.time)) for e in told if not isinstance(e.data, ComplaintOpened)]
    ordered = sorted({step for step in steps if step is not None}, key=lambda s: (s.at, s.kind))
    life = life_of([Step(at, 0), *ordered])
    log = [Fact(at, Kind.OPENED), *(Fact(s.at, KINDS[s.kind]) for s in life.taken[1:])]
    for e in history:
        if e.data in (INBOUND, AGENT) and micros(e.time) >= at:
            log.append(Fact(micros(e.time), Kind.INBOUND if e.data == INBOUND else Kind.ANSWERED))
    _, runs = clocks_and_runs(log, SLA, micros(START) + 400 * DAY)
    met = [ran for ran in runs if ran.decided == "met" and ran.clock != "update"]
    # Of a complaint that was reopened the resolution that holds counts, and none while it is open.
    held = life.status in ("resolved", "closed")
    last = [ran for ran in met if ran.clock == "resolution"][-1:] if held else []
    ran = [*(one for one in met if one.clock != "resolution"), *last]
    return Counter(f"{CLOCKS[one.clock]}{bucket(one.took)}" for one in ran)


@settings(deadline=None, max_examples=examples(300))
@given(parts, st.randoms(use_true_random=False))
def test_durations_are_those_of_the_clocks(rows: Sequence[tuple[Any, int]], order: random.Random) -> None:
    history = [event(data, days=half / 2, id=f"h{n}") for n, (data, half) in enumerate(rows)]
    log = told_again(history, order)
    _, delta = run(log)
    found: Counter[str] = Counter()
    for (_, place, field), n in delta.items():
        if place.startswith("|") and field.startswith(tuple(CLOCKS.values())):
            found[field] += n
    assert +found == reckoned(log)
    assert not -found


def test_what_a_clock_that_runs_behind_tells_is_before_what_is_said() -> None:
    story = [event(complaint(), days=1), event(AGENT, days=1), event(STEPS[3]), event(STEPS[4])]
    for log in (story, story[::-1]):
        assert result(run(log)[1], "next_response_s").n == 1
        assert result(run(log)[1], "first_response_s").n == 1


def test_an_agents_message_in_the_conversation_is_a_response_and_a_bots_is_none() -> None:
    hour = 1 / 24
    story = [event(complaint()), event(message("v1", "outbound", "bot"), days=hour)]
    assert value(run(story)[1], "first_response_s")["p50"] is None
    story.append(event(AGENT, days=3 * hour))
    assert value(run(story)[1], "first_response_s")["p50"] == pytest.approx(3 * 3600, rel=0.02)
    story += [event(INBOUND, days=5 * hour), event(INBOUND, days=6 * hour), event(AGENT, days=9 * hour)]
    found = result(run(story)[1], "next_response_s")
    assert found.n == 1
    assert found.value == dict.fromkeys(("p50", "p90", "p99"), pytest.approx(4 * 3600, rel=0.02))


def test_what_is_said_in_a_conversation_that_was_merged_counts_whatever_is_heard_first() -> None:
    story = [
        event(complaint(), days=1),
        event(ConversationMerged(conversation_id="v1", into="v2"), days=2),
        event(message("v2", "outbound", "agent"), days=3),
        event(ConversationMerged(conversation_id="v2", into="v1"), days=4),  # a circle
        event(ConversationMerged(conversation_id="v1", into="v3"), days=5),  # it is part of v2 already
        event(message("v3", "outbound", "agent"), days=1.5),
    ]
    expected = run(story)[1]
    assert value(expected, "first_response_s")["p50"] == pytest.approx(2 * 86_400, rel=0.02)
    for seed in range(30):
        log = [*story]
        random.Random(seed).shuffle(log)
        assert run(log)[1] == expected


def test_solutions_that_did_not_hold() -> None:
    solved = [ComplaintResolved(complaint_id=f"k{n}", resolution=".") for n in range(4)]
    story = [event(complaint(None, f"k{n}")) for n in range(4)]
    story += [event(data, days=1) for data in solved]
    story += [event(ComplaintReopened(complaint_id="k1", reason="."), days=2), event(solved[1], days=3)]
    found = result(run(story)[1], "reopened_share")
    assert (found.value, found.n) == (0.25, 4)
    assert found.interval is not None


def clock(kind: type[Any], name: str, due: float, complaint: str = "k1") -> Any:
    return kind(complaint_id=complaint, clock=name, due_at=moment(micros(START) + int(due * DAY)))


def test_clocks_met_and_breached() -> None:
    story = [
        event(clock(ComplaintSlaMet, "first_response", 1), days=0.5),
        event(clock(ComplaintSlaBreached, "update", 2), days=2),
        event(clock(ComplaintSlaMet, "update", 3), days=2.5),
        event(clock(ComplaintSlaBreached, "resolution", 4), days=4),
        event(clock(ComplaintSlaMet, "resolution", 4), days=3.5),  # its step was heard late
        event(clock(ComplaintSlaMet, "resolution", 4), days=3.5),  # and is told again
        event(opened()),
    ]
    for seed in range(30):
        log = [*story]
        random.Random(seed).shuffle(log)
        _, delta = run(log)
        assert value(delta, "clocks_met", channel="email") == 0.75
        assert value(delta, "update_met") == 0.5
        assert value(delta, "resolution_met") == 1.0
        assert value(delta, "next_response_met") is None
        assert result(delta, "clocks_met").n == 4


def test_complaints_of_a_team() -> None:
    escalated = ConversationEscalated.model_validate(
        {"conversation_id": "v1", "from": "bot", "reason": ".", "team": "refunds"}
    )
    story = [event(complaint(), days=1), event(escalated, days=2), event(AGENT, days=3)]
    for log in (story, story[::-1]):
        _, delta = run(log)
        assert value(delta, "open_complaints", team="refunds") == 1
        assert value(delta, "first_response_s", team="refunds")["p50"] == pytest.approx(2 * 86_400, rel=0.02)
        assert value(delta, "open_complaints") == 1
    _, delta = run([*story, event(taken("care"), days=4)])
    assert value(delta, "open_complaints", team="refunds") == 0
    assert value(delta, "open_complaints", team="care") == 1


hands = st.lists(
    st.tuples(
        st.sampled_from(
            [
                taken("care"),
                taken(None),
                taken("care", "v2"),
                ConversationReturned(conversation_id="v1", to="queue", reason="."),
                ConversationClosed(conversation_id="v1", outcome="."),
                message("v1", "inbound", None, "email"),
            ]
        ),
        st.integers(0, 20),
    ),
    max_size=15,
)


@settings(deadline=None, max_examples=examples(100))
@given(hands, st.randoms(use_true_random=False))
def test_conversations_in_agents_hands(rows: Sequence[tuple[Any, int]], order: random.Random) -> None:
    history = [event(data, days=day, id=f"h{n}") for n, (data, day) in enumerate(rows)]
    history.append(event(profile("gold"), days=30))
    order.shuffle(history)
    customers, delta = run(history)
    assert delta == counted(customers.values())
    steps = {(day, isinstance(data, ConversationAssigned), data.conversation_id) for data, day in rows}
    steps -= {(day, False, "v1") for data, day in rows if isinstance(data, InteractionLogged)} - {
        (day, False, "v1")
        for data, day in rows
        if isinstance(data, ConversationReturned | ConversationClosed)
    }
    carried = sum(
        max((one for one in steps if one[2] == name), default=(0, False))[1] for name in ("v1", "v2")
    )
    assert value(delta, "conversations_carried", segment="gold") == carried
    assert value(delta, "conversations_taken") == sum(is_taken for _, is_taken, *_ in steps)


agent_steps = st.lists(
    st.tuples(st.sampled_from(["ann", "ben"]), st.integers(0, 20), st.booleans(), st.booleans()), max_size=12
)


@settings(deadline=None, max_examples=examples(100))
@given(agent_steps, st.randoms(use_true_random=False))
def test_agents_at_work_and_their_load(
    rows: Sequence[tuple[str, int, bool, bool]], order: random.Random
) -> None:
    rows = [*{row[:2]: row for row in rows}.values()]  # of one instant an agent is told once
    told = [
        event(at_work(who, on_shift=on, on_break=rests), days=day, subject="care", id=f"a{n}")
        for n, (who, day, on, rests) in enumerate(rows)
    ]
    order.shuffle(told)
    _, delta = run([*told, event(taken("care")), event(taken("care", "v2"), subject="c2")])
    latest = {who: on and not rests for who, _, on, rests in sorted(rows, key=lambda row: row[1])}
    there = sum(latest.values())
    for chosen in ({}, {"team": "care"}):
        assert value(delta, "agents_at_work", **chosen) == there
        assert value(delta, "agents_load", **chosen) == (2 / there if there else None)
    assert value(delta, "agents_at_work", team="refunds") == 0


def at_work(who: str, *, on_shift: bool, on_break: bool) -> AgentChanged:
    return AgentChanged.model_validate(
        {"agent_id": who, "name": who, "capacity": {"total": 3}, "on_shift": on_shift, "on_break": on_break}
    )


def test_of_an_agents_many_changes_the_latest_are_kept_and_all_count() -> None:
    steps = [
        event(at_work("ann", on_shift=n % 2 == 0, on_break=False), days=n, subject="t") for n in range(301)
    ]
    teams, delta = run(steps)
    assert len(teams["t"].data.agents["ann"].steps) == KEEP_STEPS
    assert value(delta, "agents_at_work") == 1
    assert sum(abs(n) for (_, place, field), n in delta.items() if field == "at_work" and place == "|") == 301
    late = event(at_work("ann", on_shift=True, on_break=False), days=0.5, subject="t")
    apply(teams["t"], late, FAR, delta)
    assert value(delta, "agents_at_work") == 1
