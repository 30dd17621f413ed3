"""What a simulation shows: numbers a reader can check, within the width of a terminal."""

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from rapport.simulate.memory import Arrival
from rapport.sla.cases import recorded
from rapport.sla.figures import figures
from rapport.sla.notes import notes
from rapport.sla.page import Page, brief, page, spent
from rapport.sla.simulate import Compared, compare
from shared.schemas.times import SECOND

from .recordings import acknowledged, at, opened, policy, resolved
from .test_simulate import read

ARRIVALS: list[Arrival] = [
    *(opened(0, "x"), acknowledged(1.5, "x"), resolved(2, "x")),
    *(opened(1, "y", "c-2"), acknowledged(4, "y", "c-2"), resolved(4.5, "y", "c-2")),
]
STRICTER = ("first_response: 2h", "first_response: 1h")


def compared(*changes: tuple[str, str]) -> Compared:
    recording = read(ARRIVALS)
    return compare(recording.cases, policy(), policy(*changes), recording.end)


def drawn(shown: RenderableType, width: int = 80) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(shown)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def row(lines: list[str], label: str) -> list[str]:
    found = [line.split() for line in lines if line.strip().startswith(label)]
    assert found, label
    return found[0][len(label.split()) :]


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_has_each_clock_before_and_after(width: int) -> None:
    lines = drawn(page(Page(("draft",), compared(STRICTER))), width)
    assert all(len(line) <= width and "…" not in line for line in lines)
    assert row(lines, "complaints") == ["2", "2", "0"]
    assert row(lines, "with a breach") == ["1", "2", "+1", "(+100.0%)"]
    assert row(lines, "met in time") == ["50.0%", "0.0%", "-50.0", "pp"]
    assert row(lines, "took, p50") == ["1h", "30m", "1h", "30m", "0"]
    assert row(lines, "took, p90") == ["3h", "3h", "0"]
    assert ["high", "first", "response", "2", "1", "50.0%", "1h", "30m", "3h"] in [
        line.split() for line in lines
    ]
    assert row(lines, "complaints with another outcome:")[:1] == ["1"]
    assert row(lines, "x ") == ["c-1", "2026-03-02", "none", "first", "response"]


def test_bars_stand_for_what_was_met_and_for_breaches_by_month() -> None:
    lines = drawn(page(Page(("draft",), compared(STRICTER))))
    begin = lines.index("met in time, by clock")
    first, second = lines[begin + 1 : begin + 3]
    assert first.split()[-1] == "50.0%"
    assert first.count("█") == 20
    assert second.split() == ["draft", "0.0%"]
    assert row(lines, "2026-03")[-1] == "1"


def test_a_clock_that_one_policy_lacks_has_no_share_there() -> None:
    without = ("calendar: always, first_response: 2h,", "calendar: always,")
    lines = drawn(page(Page(("draft",), compared(without))))
    assert row(lines, "met in time") == ["50.0%", "-", "-"]
    bars = lines[lines.index("met in time, by clock") + 1 :]
    assert [bars[0].split()[-1], bars[1].split()] == ["50.0%", ["draft", "-"]]


def test_only_so_many_complaints_are_named() -> None:
    changed = compared(STRICTER, ("resolution: 10h", "resolution: 1h"))
    named = drawn(page(Page(("draft",), changed, most_changed=1)))
    assert named[-1] == "... and 1 more"
    assert drawn(page(Page(("draft",), changed, most_changed=0)))[-1].startswith("complaints with another")


def test_what_was_breached_twice_says_so() -> None:
    arrivals = [opened(0, "x"), *(acknowledged(1, "x"), resolved(9, "x"))]
    recording = read(arrivals)
    # Answered after an hour; a draft that wants an update every hour is breached by each that ran longer.
    draft = policy(("update: 4h, resolution: 10h", "update: 1h, resolution: 2h"))
    lines = drawn(page(Page(("draft",), compare(recording.cases, policy(), draft, recording.end))))
    assert row(lines, "x ") == ["c-1", "2026-03-02", "update", "update,", "resolution"]


def test_json_has_the_pages_numbers() -> None:
    recording = read(ARRIVALS)
    found = figures(compared(STRICTER), recording.first, recording.end, recording.events)
    assert (found["first"], found["events"]) == ("2026-03-02T08:00:00Z", 6)
    first: dict[str, Any] = found["baseline"]["clocks"]["first_response"]
    assert first == {
        "ran": 2,
        "met": 1,
        "breached": 1,
        "undecided": 0,
        "met_share": 0.5,
        "warned": 2,
        "escalated": {"1": 1},
        "took_s": {"p50": 5_400.0, "p90": 10_800.0},
    }
    assert found["draft"]["breaches_by_month"] == {"2026-03": 2}
    assert {"version", "policy", "clock", "ran"} <= found["draft"]["policies"][0].keys()
    assert found["changed"] == [
        {
            "complaint_id": "x",
            "customer_id": "c-1",
            "opened_at": "2026-03-02T08:00:00Z",
            "breached": {"baseline": [], "draft": ["first_response"]},
        }
    ]


def test_notes_say_what_the_recording_cannot_tell() -> None:
    recording = read(ARRIVALS)
    late = policy(("effective: 2020-01-01", "effective: 2027-01-01"))
    shown = notes(recording, compare(recording.cases, policy(), late, recording.end), left_out=3)
    assert shown == [
        "The draft promises nothing before 2027-01-01.",
        "Version 2027-01-01 of the draft begins after the end: nothing is judged by it.",
        "The recording has no tiers (tier.changed), so no policy that asks for one fits.",
        "3 events of Rapport's own types are left out: it writes them itself.",
    ]
    nothing = recorded([opened(0, "x")], until=at(1))
    assert nothing is not None
    later = compare(nothing.cases, policy(), policy(), nothing.end, since=at(5))
    assert notes(nothing, later, 0) == ["There is no complaint in this time."]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0m"), (29, "0m"), (31, "1m"), (3_600, "1h"), (5_399, "1h 30m"), (360_000, "100h")],
)
def test_open_time_is_told_to_the_minute(seconds: int, text: str) -> None:
    assert spent(seconds * SECOND) == text


def test_in_brief_it_is_a_sentence_and_the_bars() -> None:
    lines = drawn(brief(compared(STRICTER)))
    assert " ".join(lines[:2]) == (
        "Of 2 complaints 1 had a breach; under the draft, hours, 2 would have had one. Met in time:"
    )
    assert lines[2].split()[-1] == "50.0%"
