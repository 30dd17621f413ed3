"""The registry of KPIs: what holds for each, and that one which fails stops nobody."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from services.metrics.domain.apply import CONSUMES
from services.metrics.domain.cells import LEVELS
from services.metrics.domain.gaps import FIELDS, TIED_FIELDS, is_gap
from services.metrics.domain.kpis import counting, loyalty, surveys
from services.metrics.domain.kpis.kpi import (
    ComplaintCounts,
    Counts,
    EventCounts,
    Kind,
    Kpi,
    Result,
)
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Complaint
from services.metrics.models.kpis import kpis_model
from services.metrics.report import measured
from shared.facts.complaints import KINDS, OPENED, ToldStep
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered

from .story import histories, run, seen

DIMENSIONS = ["segment", "channel", "tier", "store", "rule", "team"]
EMPTY = Window({}, customers=0, repeat_customers=0)
NAMES = ["nps", "csat", "ces", "first_response_s", "resolution_s", "open_complaints", "repeat_purchase_rate"]
NAMES += ["redemption_rate"]


def all_counts() -> Sequence[Counts]:
    return list(dict.fromkeys(counts for kpi in KPIS.values() for counts in kpi.counts))


def test_the_order_of_the_answer() -> None:
    assert [name for name in KPIS if name in NAMES] == NAMES


@pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda kpi: kpi.name)
def test_a_kpi_says_what_it_is(kpi: Kpi) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", kpi.name)
    assert kpi.formula[0].isupper()
    assert not kpi.formula.endswith(".")
    assert kpi.unit
    assert kpi.counts
    assert kpi.of(EMPTY).n == kpi.nothing.n == 0
    single = kpi.kind in (Kind.NUMBER, Kind.COUNT)
    assert type(kpi.nothing.value) is (type(None) if single else list if kpi.kind is Kind.RANKED else dict)
    assert kpi.title
    assert kpi.description[0].isupper()
    assert not kpi.description.endswith(".")
    assert kpi.version >= 1
    assert kpi.effective.year >= 2026
    assert kpi.events


def test_no_field_is_counted_twice_or_taken_for_a_gap() -> None:
    fields = [field for counts in all_counts() for field in counts.fields]
    for field in fields:
        assert re.fullmatch("[a-z0-9_]+:?", field)
        assert is_gap(f"{field}0") is (field in (*FIELDS, *TIED_FIELDS))
        taken = [f for f in fields if f == field or (field.endswith(":") and f.startswith(field))]
        assert taken == [field]


@settings(deadline=None, max_examples=25)
@given(histories())
def test_every_field_that_is_counted_is_some_kpis(history: Sequence[Event]) -> None:
    declared = [field for counts in all_counts() for field in counts.fields]
    for _, _, name in run(history)[1]:
        assert any(name == field or (field.endswith(":") and name.startswith(field)) for field in declared)


@settings(deadline=None, max_examples=25)
@given(histories())
def test_what_may_be_below_zero_says_so(history: Sequence[Event]) -> None:
    signed = {field for counts in all_counts() for field in counts.signed}
    assert signed <= {field for counts in all_counts() for field in counts.fields}
    assert set(LEVELS) <= signed
    below = {name for (_, _, name), n in run(history)[1].items() if n < 0}
    assert below <= signed, "a figure's mover is sought with all others at 0 or more"


@settings(deadline=None, max_examples=25)
@given(histories())
def test_what_a_figure_rests_on_is_never_below_zero(history: Sequence[Event]) -> None:
    """Of all days, and of the last alone, on which much may be taken back."""
    delta = run(history)[1]
    last = max((day for day, _, _ in delta), default=0)
    for window in (seen(delta), seen(delta, first=last)):
        assert {name: n for name, kpi in KPIS.items() if (n := kpi.of(window).n) < 0} == {}


def test_what_a_kpi_counts_is_consumed() -> None:
    for counts in all_counts():
        if isinstance(counts, EventCounts):
            assert set(counts.events) <= set(CONSUMES)


def test_counts_shared_by_kpis_are_asked_once() -> None:
    table = counting.by_event([surveys.ANSWERS, surveys.ANSWERS, loyalty.LEDGER])
    assert table[SurveyAnswered] is surveys.ANSWERS.count


def test_a_new_kpi_counts_a_field_of_its_own() -> None:
    commented = EventCounts(("commented",), (SurveyAnswered,), lambda a: {"commented": int(bool(a.comment))})
    count = counting.by_event([surveys.ANSWERS, commented])[SurveyAnswered]
    answer = SurveyAnswered(survey="nps", score=9, comment="Fine.")
    assert count(answer) == {"promoters": 1, "commented": 1}
    told = ComplaintCounts(("told",), KINDS, lambda complaint, _: [(complaint.steps[0][0], "told", 1)])
    both = counting.of_thing([*all_counts(), told], ComplaintCounts)
    assert [field for _, field, _ in both(Complaint(steps=[ToldStep(0, OPENED)]), ())] == ["open", "told"]


def test_the_model_of_the_answer_is_made_of_the_kpis() -> None:
    extra = replace(KPIS["csat"], name="promoter_share", formula="Promoters / answers")
    model = kpis_model([*KPIS.values(), extra])
    names = list(model.model_fields)
    assert names == ["window", "from_", "to", "as_of", *DIMENSIONS, *KPIS, "promoter_share", "basis"]
    assert extra.text == f"{extra.description}. Promoters / answers. Unit: 0 to 1."
    assert model.model_fields["promoter_share"].description == extra.text


def test_a_failing_window_is_null_and_the_others_stand() -> None:
    def picky(window: Window) -> Result:
        return Result(1 / window.customers, window.customers)

    one = replace(EMPTY, customers=4)
    results = measured(replace(KPIS["csat"], name="picky", compute=picky), [one, EMPTY, one])
    assert [(result.value, result.n) for result in results] == [(0.25, 4), (None, 0), (0.25, 4)]


@pytest.mark.parametrize("result", [Result(2.5, 1), Result({"p50": 1.0, "p90": 2.0}, 1)])
def test_a_value_of_another_kind_is_a_failure(result: Result) -> None:
    with pytest.raises(TypeError):
        replace(KPIS["open_complaints"], compute=lambda _: result).of(EMPTY)


@pytest.mark.parametrize("result", [Result(float("nan"), 1), Result(0.5, 1, (0.0, float("inf")))])
def test_a_number_that_is_none_is_a_failure(result: Result) -> None:
    with pytest.raises(ValueError, match="csat"):
        replace(KPIS["csat"], compute=lambda _: result).of(EMPTY)
