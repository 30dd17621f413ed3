"""JSON lines: sorted by event time, checked whole before the first is given."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.replay.jsonl import BadLinesError, EventFile


def line(id: str, time: str, **changes: object) -> bytes:
    event = {
        "specversion": "1.0",
        "id": id,
        "source": "/till",
        "type": "rapport.survey.answered.v1",
        "subject": "c-1",
        "time": time,
        "data": {"survey": "nps", "score": 9},
    }
    return json.dumps(event | changes).encode()


def ids(file: EventFile) -> list[str]:
    return [json.loads(record.value)["id"] for record in file]


@given(st.lists(st.integers(0, 20), max_size=30), st.integers(1, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_events_come_by_time_then_as_in_the_file_whatever_fits_in_memory(
    tmp_path: Path, days: list[int], chunk: int
) -> None:
    path = tmp_path / "events.jsonl"
    named = [(day, f"e{place}") for place, day in enumerate(days)]
    path.write_bytes(b"\n".join(line(id, f"2017-01-{day + 1:02}T00:00:00Z") for day, id in named))
    expected = [id for _, id in sorted(named, key=lambda pair: pair[0])]
    assert ids(EventFile(str(path), chunk=chunk)) == expected


def test_the_value_is_the_line_itself_and_the_key_its_subject(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    only = line("e1", "2017-01-01T01:00:00+01:00", note="kept")
    path.write_bytes(only + b"\r\n\n")
    (record,) = EventFile(str(path))
    assert (record.value, record.key, record.topic) == (only, "c-1", "feedback")
    assert record.at.isoformat() == "2017-01-01T00:00:00+00:00"


def test_a_gzipped_file_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(line("e1", "2017-01-01T00:00:00Z")))
    assert ids(EventFile(str(path))) == ["e1"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line("e2", "2017-01-01T00:00:00Z"))))
    assert ids(EventFile("-")) == ["e2"]


def test_bad_lines_are_named_and_nothing_is_given(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    good = line("e1", "2017-01-01T00:00:00Z")
    bad = [b"{not json", line("e2", "yesterday"), line("e3", "2017-01-01T00:00:00Z", type="rapport.x.y.v1")]
    path.write_bytes(b"\n".join([good, *bad, good]))
    given: list[object] = []
    with pytest.raises(BadLinesError) as raised:
        given.extend(EventFile(str(path)))
    named = [(number, code) for number, code, _ in raised.value.faults]
    assert named == [(2, "json"), (3, "time"), (4, "type")]
    assert (raised.value.total, given) == (3, [])


def test_what_rapport_writes_itself_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    own = line("e2", "2017-01-01T00:00:00Z", type="rapport.tier.changed.v1", data={"from": "a", "to": "b"})
    path.write_bytes(b"\n".join([line("e1", "2017-01-01T00:00:00Z"), own]))
    file = EventFile(str(path))
    assert (ids(file), file.left_out) == (["e1"], 1)
