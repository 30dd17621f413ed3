"""Who stands behind retention and churn of a day are those whom the figures count, each with an event."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain.churn import UNKNOWN, churned
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.life import CHURN, CHURN_REASONS, RETENTION
from services.metrics.domain.lifecycle import phases
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.why_life import LEFT, RETURNED, LifeFigure
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.event import Event
from shared.schemas.times import day_of, micros
from tests.examples import examples

from .story import run
from .test_life import DAY0, LONG, _policies, by_day, lives

Found = Mapping[str, list[tuple[str, Event]]]


def behind(
    kpi: Kpi, day: int, policy: ChurnPolicy, customers: Mapping[str, Tracked], log: Sequence[Event]
) -> Found:
    """By customer in the figure, what they are in it and by which event."""
    figure = LifeFigure(kpi, day, policy)
    assert [span.first for span in figure.spans] == sorted((s.first for s in figure.spans), reverse=True)
    found: dict[str, list[tuple[str, Event]]] = {}
    for name, tracked in customers.items():
        choose = figure.chooser(tracked)
        if choose is None:
            continue
        found[name] = []
        for e in log:
            on = day_of(micros(e.time))
            asked = any(type(e.data) in s.types and s.first <= on <= s.last for s in figure.spans)
            role = choose(e.data, micros(e.time)) if e.subject == name else None
            assert role is None or asked, "it is looked for where it is"
            if role is not None:
                found[name].append((role, e))
    assert all(found.values()), "nobody is in it without an event"
    return found


def having(found: Found, role: str) -> int:
    return sum(any(one == role for one, _ in told) for told in found.values())


@settings(deadline=None, max_examples=examples(80))
@given(lives, st.integers(1, LONG), _policies)
def test_they_are_those_whom_the_figures_count(log: Sequence[Event], day: int, policy: ChurnPolicy) -> None:
    customers, delta = run(log)
    day, days = DAY0 + day, by_day(delta)
    churn, retained = churned(days, policy, day, day), phases(days, day, day, "r")
    found = behind(CHURN, day, policy, customers, log)
    assert len(found) == churn.could
    assert having(found, LEFT) == churn.voluntary + churn.involuntary
    reasons = behind(CHURN_REASONS, day, policy, customers, log)
    assert len(reasons) == sum(churn.reasons.values())
    blamed = [
        name for name, told in reasons.items() if any(isinstance(e.data, ComplaintOpened) for _, e in told)
    ]
    assert len(blamed) <= sum(n for reason, n in churn.reasons.items() if reason not in (UNKNOWN, "expired"))
    kept = behind(RETENTION, day, policy, customers, log)
    assert (having(kept, RETURNED), len(kept)) == (retained.returning, retained.before)
