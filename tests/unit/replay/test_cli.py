"""``rapport replay`` as a user runs it, without a broker."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.commanded import rapport

LINE = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/till",
    "type": "rapport.survey.answered.v1",
    "subject": "c-1",
    "time": "2017-01-01T00:00:00Z",
    "data": {"survey": "nps", "score": 9},
}


replay = partial(rapport, "replay", COLUMNS="300")


def test_the_data_set_becomes_a_file_the_same_for_a_seed(tmp_path: Path) -> None:
    found = [
        replay("completejourney", "--households", "2", "--to", f"{n}.jsonl", cwd=tmp_path) for n in (1, 2)
    ]
    assert [one.returncode for one in found] == [0, 0], found[0].stderr
    assert "recorded by 2 households" in found[0].stderr
    assert "simulated (seed 1" in found[0].stderr
    lines = (tmp_path / "1.jsonl").read_text().splitlines()
    assert lines == (tmp_path / "2.jsonl").read_text().splitlines()
    sources = {json.loads(line)["source"] for line in lines}
    assert "/datasets/completejourney" in sources
    assert sources - {"/datasets/completejourney"} == {s for s in sources if s.startswith("/simulated/")}


def test_a_bad_line_stops_it_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(f"{json.dumps(LINE)}\nnot json\n")
    found = replay("in.jsonl", "--to", "out.jsonl", cwd=tmp_path)
    assert found.returncode == 1
    assert "in.jsonl:2: json:" in found.stderr
    assert "nothing was sent" in found.stderr
    assert (tmp_path / "out.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "environ", "sentence"),
    [
        (["nowhere.jsonl"], {}, "nowhere.jsonl is no file, and the only data set is completejourney"),
        (["in.jsonl"], {}, "rapport up"),
        (["in.jsonl"], {"RAPPORT_KAFKA": "127.0.0.1:1"}, "No broker answers at 127.0.0.1:1"),
        (["in.jsonl.gz", "--to", "out.jsonl"], {}, "in.jsonl.gz: it is damaged, ends too early"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], environ: dict[str, str], sentence: str
) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps(LINE))
    (tmp_path / "in.jsonl.gz").write_text("not gzip")
    found = replay(*arguments, cwd=tmp_path, **environ)
    assert found.returncode == 1
    assert sentence in found.stderr
    assert "Traceback" not in found.stderr


def test_a_bad_speed_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps(LINE))
    found = replay("in.jsonl", "--speed", "fast", cwd=tmp_path)
    assert found.returncode == 2
    assert "speed must be max" in found.stderr
