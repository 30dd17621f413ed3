"""Where pages show a figure, and what they say of how sure it is."""

import pytest

from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.pages import wording
from services.metrics.pages.contents import Asked, Found, contents
from services.metrics.pages.figures import figure

from .test_pages import NOW, SPANS, WEEK, told_of


def test_what_customers_say_stands_together_and_says_what_is_better() -> None:
    """In no section of what is left over: a KPI that no section names is one that nobody thought of."""
    results = told_of(WEEK)
    results["sentiment"] = dict.fromkeys(WEEK.spans, Result(0.5, 40))
    results["sentiment"][WEEK.current] = Result(0.1, 40, (0.0, 0.2))
    results["sentiment"][WEEK.before] = Result(0.5, 40, (0.4, 0.6))
    made = contents(Asked(WEEK, NOW), list(KPIS.values()), Found(results))
    assert [one["name"] for one in made["sections"]] == ["What customers say"]
    assert [(one.sentence, one.tone) for one in made["moved"]] == [
        ("Sentiment fell from 0.50 to 0.10.", "bad")
    ]
    assert {kpi.name for kpi in KPIS.values() if wording.section(kpi.name) == wording.REST} == set()


@pytest.mark.parametrize(("name", "n", "few"), [("resolution_s", 2, True), ("resolution_s", 12, False)])
def test_quantiles_of_a_few_are_told_as_such(name: str, n: int, few: bool) -> None:
    """Which have no interval that would say so."""
    times = Result({"p50": 60.0, "p90": 60.0, "p99": 60.0}, n)
    assert figure(KPIS[name], dict.fromkeys(SPANS, times), WEEK).few is few
    level = figure(KPIS["open_complaints"], dict.fromkeys(SPANS, Result(2, 2)), WEEK)
    assert not level.few, "how things stand is no sample"
