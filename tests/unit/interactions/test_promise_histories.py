"""Whatever is heard first, and however late the timers fire: what is told is told once, never early, and the
clocks are those that the core makes of the log as it happened.

The log is made here anew, from the facts sorted by their times, knowing nothing of states.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.config import parse
from services.interactions.domain.complaints.promises import course_of
from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.course import Course
from services.interactions.domain.sla.log import Fact, Kind
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintUpdated,
)
from shared.schemas.customers import CustomerUpdated
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import TierChanged
from shared.schemas.times import Micros, micros
from tests.examples import examples

from .promised import (
    ACKNOWLEDGED,
    ID,
    OPENED,
    REOPENED,
    RESOLVED,
    RESUMED,
    UPDATED,
    WAITING,
    after,
    complaint,
    fresh,
    told,
)
from .sla.contract import CONTRACT
from .test_said_promises import ANSWERS, TALK, WRITES
from .told import CUSTOMER, at, event

POLICIES = """policies:
      - {name: gold, when: {tier: [gold]}, calendar: always, first_response: 2h, next_response: 1h,
         update: 3h, resolution: 10h, warn_before: 30m, escalate: [{after: 1h, to: lead}]}
      - {name: press, when: {segment: [press]}, calendar: night, first_response: 1h, next_response: 1h}
      - {name: standing, when: {severity: [high]}, calendar: office, first_response: 4h, next_response: 2h,
         update: 5h, resolution: 9h, warn_before: 1h,
         escalate: [{after: 0m, to: lead}, {after: 3h, to: boss}]}
"""
TEXT = CONTRACT.replace("policies:\n", POLICIES)
SLA = parse(TEXT)
HOURS = 50


class Told(NamedTuple):
    """A fact, the minute at which it happened, and when it is heard."""

    data: Data
    minute: int
    heard: int


def tier(name: str) -> TierChanged:
    return TierChanged.model_validate({"from": "any", "to": name})


def segment(name: str | None) -> CustomerUpdated:
    return CustomerUpdated.model_validate({"segment": name})


severities = st.sampled_from(["low", "high", "critical"])
said = st.one_of(
    st.sampled_from([ACKNOWLEDGED, UPDATED, RESOLVED, REOPENED, ComplaintClosed(complaint_id=ID)]),
    st.sampled_from([WAITING, RESUMED, WRITES, WRITES, ANSWERS]),
    st.builds(
        lambda after: UPDATED.model_copy(update={"promised_by": at(after)}), st.integers(0, HOURS * 60)
    ),
    severities.map(lambda severity: ComplaintChanged(complaint_id=ID, severity=severity)),
    st.sampled_from(["gold", "basic"]).map(tier),
    st.sampled_from(["press", None]).map(segment),
)
minutes = st.integers(0, HOURS * 6).map(lambda ten: 10 * ten) | st.integers(0, HOURS * 60)
"""Many on the tens, where clocks fall due."""
delays = st.sampled_from([0, 0, 0, 1, 45, 300, 2_000, -5, -60])


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    """In the order in which they are heard."""
    opened = OPENED.model_copy(update={"severity": draw(severities), "conversation_id": TALK})
    rows = [(opened, draw(st.integers(0, 600))), *draw(st.lists(st.tuples(said, minutes), max_size=9))]
    told = [Told(data, minute, max(0, minute + draw(delays))) for data, minute in rows]
    return sorted(_apart(told), key=lambda one: one.heard)


def _apart(told: Sequence[Told]) -> list[Told]:
    """No two of one kind at one minute: of such the first heard holds, which is for other tests. A tier or
    segment that is told again is left out: how often, bounds what is kept of them."""
    found: list[Told] = []
    last: dict[type[Data], Any] = {}
    for one in sorted(told, key=lambda one: one.minute):
        if isinstance(one.data, TierChanged | CustomerUpdated):
            if type(one.data) in last and last[type(one.data)] == one.data:
                continue
            last[type(one.data)] = one.data
        if not any(type(one.data) is type(other.data) and one.minute == other.minute for other in found):
            found.append(one)
    return found


OPEN = {"opened", "acknowledged", "reopened"}
FOLLOWS: dict[type[Data], tuple[set[str], str | None, Kind]] = {
    ComplaintAcknowledged: ({"opened", "reopened"}, "acknowledged", Kind.ANSWERED),
    ComplaintUpdated: (OPEN | {"resolved"}, None, Kind.ANSWERED),
    ComplaintResolved: (OPEN, "resolved", Kind.RESOLVED),
    ComplaintClosed: ({"resolved"}, "closed", Kind.CLOSED),
    ComplaintReopened: ({"resolved", "closed"}, "reopened", Kind.REOPENED),
    type(WAITING): (OPEN, None, Kind.WAITING),
    type(RESUMED): (OPEN, None, Kind.RESUMED),
    ComplaintChanged: (OPEN | {"resolved"}, None, Kind.CHANGED),
}


def plain_log(history: Sequence[Told]) -> list[Fact]:
    """What happened, by time; a step that does not follow is none."""
    (opened,) = (one for one in history if isinstance(one.data, type(OPENED)))
    first = {"severity": opened.data.severity, "category": "delivery", "channel": "email"}
    log: list[Fact] = []
    for one in sorted(history, key=lambda one: one.minute):
        field = {TierChanged: "tier", CustomerUpdated: "segment"}.get(type(one.data))
        if field is None:
            continue
        value = one.data.to if isinstance(one.data, TierChanged) else one.data.segment
        if one.minute <= opened.minute:
            first[field] = value
        else:
            log.append(Fact(instant(one), Kind.CHANGED, ((field, value),)))
    status = "opened"
    kinds = list(FOLLOWS)
    steps = [one for one in history if type(one.data) in FOLLOWS]
    for one in sorted(steps, key=lambda one: (one.minute, kinds.index(type(one.data)))):
        follows, to, kind = FOLLOWS[type(one.data)]
        if status not in follows:
            continue
        status = to or status
        promised = getattr(one.data, "promised_by", None)
        severity = getattr(one.data, "severity", None)
        changes = (("severity", severity),) if severity else ()
        log.append(Fact(instant(one), kind, changes, None if promised is None else micros(promised)))
    for one in history:
        if isinstance(one.data, InteractionLogged) and one.minute >= opened.minute:
            log.append(Fact(instant(one), Kind.INBOUND if one.data == WRITES else Kind.ANSWERED))
    return [Fact(instant(opened), Kind.OPENED, tuple(first.items())), *log]


def instant(one: Told) -> Micros:
    return micros(at(one.minute))


def hear(history: Sequence[Told], pauses: Sequence[int] = ()) -> InMemoryWorker[Any]:
    """A worker that hears them, each when it says, and whose timers are late by ``pauses`` now and then."""
    worker = fresh(TEXT)
    for number, one in enumerate(history):
        if pauses and pauses[number % len(pauses)] and at(one.heard) > worker.now:
            worker.away(at(one.heard))
        after(worker, max(one.heard, (worker.now - at(0)).total_seconds() / 60))
        worker.send(event(one.data, f"e-{number}", one.minute))
        assert all(told.time <= worker.now for told in worker.emitted), "none early"
    return worker


def course(worker: InMemoryWorker[Any]) -> Course:
    return course_of(SLA, worker.state(CUSTOMER), complaint(worker), micros(worker.now))


@settings(max_examples=examples(60), deadline=None)
@given(histories(), st.lists(st.booleans().map(int), max_size=3), st.integers(0, HOURS * 60))
def test_told_once_and_never_early_and_the_clocks_are_those_of_the_log(
    history: list[Told], pauses: list[int], end: int
) -> None:
    worker = hear(history, pauses)
    after(worker, max(one.heard for one in history) + end)
    made = course(worker)
    assert made == clocks(plain_log(history), SLA, micros(worker.now))
    kept = complaint(worker)
    assert made.untold(kept.notices) == (), "all that was to be told was"
    assert len(set(kept.notices)) == len(kept.notices) == len(told(worker)), "each once"
    (row,) = worker.rows("complaints")
    due = made.next_due
    assert (row["overdue"], row["next_due"]) == (made.overdue, None if due is None else due.due_at)
    ahead = [one for one in plain_log(history) if one.at > micros(worker.now)]
    assert bool(worker.timers()) == (made.next_at is not None or bool(ahead))


@settings(max_examples=examples(40), deadline=None)
@given(histories(), st.integers(0, HOURS * 60))
def test_heard_as_it_happens_exactly_what_the_core_says_is_told(history: list[Told], end: int) -> None:
    """One fact a minute: of two of one instant, what is told depends on which is heard first."""
    first = sorted(history, key=lambda one: not isinstance(one.data, type(OPENED)))
    at_once = {one.minute: one._replace(heard=one.minute) for one in reversed(first)}
    live = [one for _, one in sorted(at_once.items())]
    (opened,) = (one.minute for one in live if isinstance(one.data, type(OPENED)))
    worker = hear([one for one in live if one.minute >= opened])
    after(worker, live[-1].minute + end)
    made = clocks(plain_log([one for one in live if one.minute >= opened]), SLA, micros(worker.now))
    distinct = {one.key: one for one in made.notices}.values()
    assert sorted(told(worker)) == sorted(
        (one.key.kind, one.key.clock, (one.at - micros(at(0))) / 60_000_000) for one in distinct
    )
