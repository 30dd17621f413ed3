"""Lines of the timeline, of every type that there is."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.interactions.desk.names import NAMES
from services.interactions.desk.views.happened import GROUPS, Happened, Notices, folded, happened, types_of
from services.interactions.domain.apply import FACT_TOPICS
from services.interactions.domain.timeline import timeline_row
from shared.schemas.base import CUSTOMER, Data
from shared.schemas.complaints import ComplaintClosed
from shared.schemas.event import Event
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import micros
from shared.schemas.topics import TOPICS
from tests.unit.schemas.test_codec_round_trip import data_of

from ..told import START

FACTS = [cls for topic in FACT_TOPICS for cls in TOPICS[topic] if cls.entity == CUSTOMER]


@pytest.mark.parametrize("cls", FACTS, ids=lambda cls: cls.event_type)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=st.data())
def test_every_type_has_a_line(cls: type[Data], source: st.DataObject) -> None:
    told: dict[str, Any] = source.draw(data_of(cls))
    event = Event("e-1", "/test", "cust-1", START, cls.model_validate(told))
    line = happened(timeline_row(event, micros(START)))
    assert f"rapport.{line.kind}.v1" == cls.event_type
    assert cls.event_type in types_of(line.group)
    assert line.what in NAMES["happened"], "pages have a word for it"
    assert line.text is None or line.text in told.values()
    assert all(told[field] == value for field, value in line.names)


def test_notices_of_clocks_are_one_line_a_complaint() -> None:
    told = [
        ("sla_breached", "c-1", "resolution"),
        ("sla_breached", "c-2", "first_response"),
        ("sla_warned", "c-1", "first_response"),
        ("opened", "c-3", None),
        ("sla_met", "c-1", "update"),
    ]
    lines = [_line(n, *one) for n, one in enumerate(told)]
    first, single, opened, met = folded(lines)
    assert isinstance(first, Notices)
    assert (first.complaint_id, first.lines) == ("c-1", (lines[0], lines[2]))
    assert first.whats == ("complaint.sla_breached", "complaint.sla_warned")
    assert first.clocks == ("resolution", "first_response")
    assert (single, opened, met) == (lines[1], lines[3], lines[4])
    assert folded([]) == ()


def _line(n: int, kind: str, complaint_id: str, clock: str | None) -> Happened:
    row = timeline_row(Event("e", "/test", "cust-1", START, ComplaintClosed(complaint_id="x")), micros(START))
    fields = {"kind": f"complaint.{kind}", "complaint_id": complaint_id, "clock": clock, "place": str(n)}
    return replace(happened(row), **fields)


def test_pages_have_words_for_all_reasons() -> None:
    assert set(get_args(SuppressionReason)) == set(NAMES["unsent"])


def test_groups_hold_every_type_once() -> None:
    every = [kind for group in GROUPS for kind in types_of(group)]
    assert len(every) == len(set(every))
    assert {cls.event_type for cls in FACTS} <= set(every)
    assert set(GROUPS) == set(NAMES["group"])
    assert types_of(None) == types_of("nonsense") == ()
