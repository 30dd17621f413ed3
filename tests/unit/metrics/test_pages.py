"""What the pages of figures say: periods, numbers for people, what counts as a change, lines that break."""

import math
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from services.metrics.domain.kpis.intervals import wilson
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.shares import share_result
from services.metrics.domain.places import Selection
from services.metrics.pages.changes import Told, change, times_chance
from services.metrics.pages.charts import Point, Track, axis, chart
from services.metrics.pages.contents import Asked, Found, contents
from services.metrics.pages.figures import figure
from services.metrics.pages.outliers import Outlier, marks
from services.metrics.pages.periods import Period, Span, last_days, month_before, week_before, words
from services.metrics.pages.stacks import stacks
from services.metrics.pages.triangle import triangle
from services.metrics.pages.units import COUNT, DURATION, SCORE, SHARE, duration, number, percent
from services.metrics.routes.pages import PAGES
from shared.pages.drawing import environment
from shared.schemas.times import day_number

NOW = datetime(2026, 11, 26, 14, tzinfo=UTC)
WEEK = week_before(NOW.date())
SPANS = {*WEEK.spans, *WEEK.fine.spans}


def told_of(period: Period, value: Any = None) -> dict[str, dict[Span, Result]]:
    """Nothing of any KPI but what is given of the NPS."""
    spans = {*period.spans, *period.fine.spans}
    found = {name: dict.fromkeys(spans, kpi.nothing) for name, kpi in KPIS.items()}
    if value is not None:
        found["nps"] = dict.fromkeys(period.spans, value)
    return found


def test_a_week_is_over_when_it_is_told() -> None:
    assert str(WEEK.current) == "16 to 22 November 2026"
    assert str(WEEK.before) == "9 to 15 November 2026"
    assert str(week_before(date(2026, 11, 23)).current) == "16 to 22 November 2026"
    assert str(week_before(date(2026, 11, 22)).current) == "9 to 15 November 2026"


def test_a_month_is_a_month_of_the_calendar() -> None:
    period = month_before(date(2028, 3, 1))
    assert (str(period.current), period.current.days) == ("February 2028", 29)
    assert (str(period.before), period.before.days) == ("January 2028", 31)
    assert str(period.coarse.spans[0]) == "March 2027"


@pytest.mark.parametrize("days", [1, 2, 7, 30, 90, 91, 92, 364, 365])
def test_the_last_days_end_today_and_their_line_ends_with_them(days: int) -> None:
    period = last_days(days, day_number(NOW.date()))
    assert period.current.days == period.before.days == days
    assert period.before.last == period.current.first - 1
    for steps in (period.coarse, period.fine):
        assert steps.spans[-1].last == period.current.last
        assert all(one.last + 1 == after.first for one, after in pairwise(steps.spans))
    assert period.drawn.days <= 730
    assert days > 91 or period.coarse.spans[-1] == period.current


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-11-01", "2026-11-30", "November 2026"),
        ("2026-11-05", "2026-11-05", "5 November 2026"),
        ("2026-10-28", "2026-11-26", "28 October to 26 November 2026"),
        ("2025-12-29", "2026-01-04", "29 December 2025 to 4 January 2026"),
    ],
)
def test_days_in_words(first: str, last: str, said: str) -> None:
    assert words(date.fromisoformat(first), date.fromisoformat(last)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (duration(45.4), "45 s"),
        (duration(59.9), "1 min"),
        (duration(3599.9), "1 h"),
        (duration(12_000), "3 h 20 min"),
        (duration(86_399), "1 d"),
        (duration(190_000), "2 d 5 h"),
        (duration(-60), "−1 min"),
        (duration(2e6), "23 d"),
        (number(1234.0), "1,234"),
        (number(0.428), "0.43"),
        (number(0.001), "0"),
        (number(-12.34), "−12.3"),
        (percent(0.6349), "63.5 %"),
        (SCORE.show(-0.2), "0"),
        (SCORE.show(31.6), "+32"),
        (SCORE.show(-4.0), "−4"),
    ],
)
def test_numbers_for_people(text: str, said: str) -> None:
    assert text == said


def test_a_change_is_clear_where_chance_would_hardly_do_as_much() -> None:
    few = change(told(6, 10), told(4, 10), SHARE, 1)
    many = change(told(600, 1000), told(400, 1000), SHARE, 1)
    assert few is not None
    assert many is not None
    assert (few.sure, few.tone, few.verdict) == (False, "plain", "may be chance")
    assert (many.sure, many.tone, many.by, many.before) == (True, "good", "▲ 20.0 points", "40.0 %")
    worse = change(told(600, 1000), told(400, 1000), SHARE, -1)
    assert worse is not None
    assert worse.tone == "bad"


def told(part: int, whole: int) -> Told:
    return Told(part / whole, wilson(part, whole))


def test_the_difference_of_two_shares_is_newcombes() -> None:
    """The example of Newcombe 1998, table II (a): 56/70 against 48/80 is 0.2000, from 0.0524 to 0.3339."""
    found = times_chance(told(56, 70), told(48, 80))
    assert found is not None
    assert 0.2 - 0.2 / found == pytest.approx(0.0524, abs=5e-5)
    back = times_chance(told(48, 80), told(56, 70))
    assert back is not None
    assert -0.2 + 0.2 / back == pytest.approx(-0.0524, abs=5e-5)


def test_without_a_basis_there_is_no_change() -> None:
    assert change(Told(None), Told(1.0), COUNT, 1) is None
    assert change(Told(1.0), Told(None), COUNT, 1) is None
    same = change(Told(1.0), Told(1.0), COUNT, 1)
    assert same is not None
    assert (same.by, same.tone) == ("as before", "plain")
    grown = change(Told(9.0), Told(2.0), COUNT, -1)
    assert grown is not None
    assert (grown.sure, grown.tone, grown.verdict) == (None, "plain", "")


@pytest.mark.parametrize(
    ("low", "high", "unit"),
    [
        (0.0, 0.0, COUNT),
        (3.0, 3.0, COUNT),
        (0.0, 7.0, COUNT),
        (0.613, 0.613, SHARE),
        (0.0, 1.0, SHARE),
        (-100.0, 100.0, SCORE),
        (-3.0, -3.0, SCORE),
        (0.0, 1e-9, DURATION),
        (1.0, 4e5, DURATION),
        (1e11, 1e12, COUNT),
    ],
)
def test_an_axis_holds_what_is_drawn(low: float, high: float, unit: Any) -> None:
    first, last, step = axis(low, high, unit)
    assert first <= low <= high <= last + 1e-9
    assert step > 0
    assert 1 <= round((last - first) / step) <= 8
    assert math.isclose((last - first) / step, round((last - first) / step), abs_tol=1e-6)


def test_a_line_ends_where_nothing_is_known() -> None:
    spans = WEEK.coarse.spans
    values = [1.0, 2.0, None, 4.0, *([None] * (len(spans) - 4))]
    drawn = chart([Track("", [Point(s, v) for s, v in zip(spans, values, strict=True)])], WEEK, COUNT)
    assert drawn is not None
    assert drawn.tracks[0].line.count("M") == 2
    assert drawn.tracks[0].last == "M175.0 0.0h0"
    assert chart([Track("", [Point(spans[0], None)])], WEEK, COUNT) is None


@pytest.mark.parametrize("name", list(KPIS))
def test_nothing_yet_is_never_a_number(name: str) -> None:
    kpi = KPIS[name]
    found = figure(kpi, dict.fromkeys(SPANS, kpi.nothing), WEEK)
    assert found.empty
    assert found.chart is None


def page(asked: Asked, told: dict[str, Any]) -> str:
    made = contents(asked, list(KPIS.values()), Found(told)) | {"made": "now"}
    return environment(PAGES).get_template("report.html").render(made)


def test_an_empty_week_says_so() -> None:
    html = page(Asked(WEEK, NOW), {**told_of(WEEK)})
    assert "Nothing yet" in html
    assert "NaN" not in html
    assert 'id="nps"' not in html
    assert html.count('id="about-') == len(KPIS)


def test_what_callers_and_customers_write_stays_text() -> None:
    counts = Result({"<b>=1</b>": 3}, 3)
    results = told_of(WEEK) | {"root_causes": dict.fromkeys(WEEK.spans, counts)}
    html = page(Asked(WEEK, NOW, Selection(segment="<script>")), results)
    assert "<b>=1" not in html
    assert "&lt;b&gt;=1&lt;/b&gt;" in html
    assert "<script>" not in html


def test_the_clearest_changes_come_first() -> None:
    results = told_of(WEEK, share_result(1, 2))
    results["csat"] = {span: share_result(30, 100) for span in WEEK.spans} | {
        WEEK.current: share_result(90, 100)
    }
    results["repeat_purchase_rate"] = {span: share_result(30, 100) for span in WEEK.spans} | {
        WEEK.current: share_result(50, 100)
    }
    results["root_causes"] = dict.fromkeys(WEEK.spans, Result({"late": 4}, 4)) | {
        WEEK.current: Result({"late": 40, "new": 1}, 41)
    }
    made = contents(Asked(WEEK, NOW), list(KPIS.values()), Found(results))
    assert [one.name for one in made["moved"]] == ["csat", "root_causes", "repeat_purchase_rate"]
    assert "rose from 30.0 % to 90.0 %." in made["moved"][0].sentence
    assert "“late” rose from 4 to 40." in made["moved"][1].sentence


def test_cohorts_are_a_triangle_of_shades() -> None:
    found = triangle([("2026-08", (0, 0, 0)), ("2026-09", (10, 5, 0)), ("2026-10", (4, 1))], over=False)
    assert found is not None
    assert [row.label for row in found.rows] == ["2026-09", "2026-10"]
    assert [[cell.text for cell in row.cells] for row in found.rows] == [["50 %", "0 %"], ["25 %"]]
    assert [[cell.heat for cell in row.cells] for row in found.rows] == [[4, 0], [3]]
    assert [[cell.over for cell in row.cells] for row in found.rows] == [[True, False], [False]]
    assert [*found.columns] == [1, 2]
    assert triangle([("2026-10", (0,))], over=True) is None


def test_phases_are_stacked_and_the_lost_hang_below() -> None:
    counts = {"new": 2, "returning": 5, "resurrected": 1, "dormant": 3}
    found = stacks([(span, counts) for span in WEEK.coarse.spans])
    assert found is not None
    blocks = {one.phase: one for one in found.columns[0].blocks}
    assert blocks["returning"].y + blocks["returning"].height == pytest.approx(found.zero, abs=0.2)
    assert blocks["dormant"].y == found.zero
    assert blocks["new"].y < blocks["resurrected"].y < blocks["returning"].y
    heights = {phase: one.height for phase, one in blocks.items()}
    assert heights["returning"] / heights["resurrected"] == pytest.approx(5, rel=0.02)
    assert not any("−" in tick for tick in found.ticks)
    assert stacks([(span, {}) for span in WEEK.coarse.spans]) is None


def test_a_day_out_of_the_ordinary_is_marked_and_told() -> None:
    day = WEEK.current.last - 1
    found = [
        Outlier("open_complaints", "open_complaints", day, 9.0, 2.0, {"segment": "gold", "channel": "web"}),
        Outlier("resolution_s", "resolution_s.p90", day, 90_000.0, 7_200.0, {}),
        Outlier("nps", "nps", WEEK.current.first - 3, 1.0, 2.0, {}),
        Outlier("nps", "nps", WEEK.drawn.first - 1, 1.0, 2.0, {}),
        Outlier("gone", "gone", day, 1.0, 2.0, {}),
        Outlier("order_value", "order_value.EUR", day, 900.0, 1_000.0, {}),
        Outlier("outreach_sent", "outreach_sent", day, 16.0, 5.5, {}),
    ]
    told = marks(found, KPIS.values(), WEEK, {})
    named = {name: told.pop(name)[0].why for name in ("order_value", "outreach_sent")}
    assert named == {
        "order_value": "On 21 November 2026 it was 9.00 EUR, usually 10.00 EUR.",  # not "9.00 EUR (EUR)"
        "outreach_sent": "On 21 November 2026 it was 16, usually 5.5.",
    }
    assert {name: [mark.now for mark in one] for name, one in told.items()} == {
        "open_complaints": [True],
        "resolution_s": [True],
        "nps": [False],
    }
    said = "On 21 November 2026 it was 9, usually 2; most by segment gold, channel web."
    assert told["open_complaints"][0].why == said
    assert told["resolution_s"][0].why == "On 21 November 2026 it was 1 d 1 h (9 of 10 within), usually 2 h."
    results = {**told_of(WEEK, Result(10.0, 5)), "open_complaints": dict.fromkeys(SPANS, Result(4, 4))}
    made = contents(Asked(WEEK, NOW), list(KPIS.values()), Found(results, marks=told))
    html = environment(PAGES).get_template("report.html").render(made | {"made": "now"})
    assert f'<p class="note small">{said}</p>' in html
    assert html.count("mark-dot") == 2 + 1  # of two lines, and in the style
    assert "Open complaints: on 21 November 2026" in html


def test_customers_who_come_stay_and_go_stand_by_themselves() -> None:
    cohorts = triangle([("2026-09", (10, 5, 0)), ("2026-10", (4, 1))], over=False)
    phases = stacks([(span, {"new": 2, "dormant": 1}) for span in WEEK.coarse.spans])
    made = contents(
        Asked(WEEK, NOW), list(KPIS.values()), Found(told_of(WEEK), triangle=cohorts, stacks=phases)
    )
    html = environment(PAGES).get_template("report.html").render(made | {"made": "now"})
    assert [one["name"] for one in made["sections"]] == ["Buying and staying"]
    assert html.count("<rect") == 2 * len(WEEK.coarse.spans)
    assert '<td class="cell heat3 partial" title="1 of 4, and the month is not over">25 %</td>' in html


def test_what_late_facts_have_moved_is_told() -> None:
    results = told_of(WEEK, share_result(9, 10))
    results["csat"] = dict.fromkeys(WEEK.spans, share_result(9, 10))
    before = {"csat": share_result(8, 9), "nps": Result(0.9, 10)}
    made = contents(Asked(WEEK, NOW), list(KPIS.values()), Found(results, before=before))
    said = {one.name: one.notes for section in made["sections"] for one in section["figures"]}
    moved = "When the week was over it was told as 88.9 %; late facts have moved it since."
    assert (said["csat"], said["nps"]) == ([moved], [])
