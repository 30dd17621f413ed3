"""What pages say of figures whose days are over, and to which more belongs that comes in later."""

from datetime import UTC, datetime

from services.metrics.domain.baseline import Lives
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.shares import share_result
from services.metrics.pages.contents import Asked, Found, contents
from services.metrics.pages.figures import figure
from services.metrics.pages.periods import last_days
from services.metrics.routes.pages import PAGES
from shared.pages.drawing import environment
from shared.schemas.times import day_number

from .test_pages import NOW, WEEK, told_of


def test_a_week_that_is_not_ripe_says_so_and_is_not_judged() -> None:
    """Answers come in for a week: of Sunday's messages until the Sunday after."""
    share = {span: share_result(30, 100) for span in WEEK.spans} | {WEEK.current: share_result(90, 100)}
    results = told_of(WEEK) | {"response_rate": share, "csat": share}

    def told_at(now: datetime) -> tuple[str, list[str]]:
        made = contents(Asked(WEEK, now), list(KPIS.values()), Found(results)) | {"made": "now"}
        html = environment(PAGES).get_template("report.html").render(made)
        return html, [one.name for one in made["moved"]]

    html, moved = told_at(NOW)
    assert moved == ["csat"]
    assert html.count("comes in until 29 November 2026") == 1
    assert html.count("</span> from 30.0 % the week before, not ripe yet") == 1
    assert html.count("16 to 22 November 2026 (not ripe)") == html.count('class="unripe"') == 1
    almost, ripe = datetime(2026, 11, 30, 0, 59, tzinfo=UTC), datetime(2026, 11, 30, 1, tzinfo=UTC)
    assert told_at(almost)[1] == ["csat"]
    html, moved = told_at(ripe)
    assert moved == ["csat", "response_rate"]
    assert "(not ripe)" not in html
    assert "Not ripe yet" not in html


def test_the_last_days_hold_some_that_are_not_ripe() -> None:
    period = last_days(30, day_number(NOW.date()))
    kpi = KPIS["reopened_share"]
    found = figure(
        kpi,
        dict.fromkeys(period.spans, share_result(3, 10)),
        period,
        closed=period.current.last - 1,
        ripe_days=kpi.ripe_days,
    )
    assert found.ripe_on == period.current.last + kpi.ripe_days
    assert [part.change and part.change.verdict for part in found.parts] == ["not ripe yet"]
    churn = share_result(3, 10)
    results = told_of(WEEK) | {"churn": dict.fromkeys(WEEK.spans, churn)}
    over = datetime(2026, 11, 23, 2, tzinfo=UTC)  # Sunday is closed for an hour
    for lives, ripe_on in ((Lives(), None), (Lives(ripe_days=2), WEEK.current.last + 2)):
        made = contents(Asked(WEEK, over), list(KPIS.values()), Found(results), lives)
        (shown,) = (one for of in made["sections"] for one in of["figures"] if one.name == "churn")
        assert shown.ripe_on == ripe_on
    at_once = figure(KPIS["csat"], dict.fromkeys(period.spans, share_result(3, 10)), period, closed=0)
    assert at_once.unripe == ""
