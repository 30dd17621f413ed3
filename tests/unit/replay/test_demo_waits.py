"""The demo waits until nothing is left to do, on a stack of its own."""

from datetime import datetime
from pathlib import Path

import pytest

from rapport.demo.settle import GROUPS, Left, Settling, unread
from rapport.demo.stack import DemoStack
from rapport.lag import Lag
from rapport.trouble import TroubleError
from services.metrics.config import POLICIES

from .parts import left

# Settling


def lags(unread: int = 0, clock: bool = True) -> list[Lag]:
    rows = [Lag(group, "purchases", 0, 10 - unread, 10, unread) for group in sorted(GROUPS)]
    return rows + [Lag(group, "clock", 0, 1 if clock else None, 1, 0) for group in sorted(GROUPS)]


def test_nothing_is_left_when_all_is_read_by_every_group() -> None:
    assert not unread(lags(), clock_told=True)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (lags(unread=1), "4 records unread"),
        (lags(clock=False), "clock"),
        ([row for row in lags() if row.topic != "clock"], "clock"),
        ([row for row in lags() if row.group != "rapport-metrics"], "no offsets of rapport-metrics"),
        ([], "no offsets"),
    ],
)
def test_what_is_left_is_named(rows: list[Lag], words: str) -> None:
    left = unread(rows, clock_told=True)
    assert left
    assert words in str(left)


class Script(Settling):
    """Answers from a list, the last one for ever."""

    def __init__(self, answers: list[Left]) -> None:
        self.answers = answers
        self.asked = 0

    def left(self, clock: datetime | None) -> Left:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def test_it_waits_until_nothing_is_left_twice_in_a_row() -> None:
    script = Script([left(5), left(0), left(0, messages=True), left(0), left(0), left(7)])
    told: list[str] = []
    script.wait(None, told=lambda one: told.append(str(one)), sleep=lambda _: None)
    assert told == ["20 records unread", "nothing", "messages", "nothing", "nothing"]


def test_a_platform_that_stands_still_is_trouble() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(TroubleError, match=r"stands still .*8 records unread"):
        Script([left(9), left(2)]).wait(None, stalled_s=30, now=lambda: now[0], sleep=sleep)
    assert 30 < now[0] < 35


# The stack


def test_the_stack_has_a_home_of_its_own_and_nothing_of_another_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", "elsewhere:9092")
    monkeypatch.setenv("RAPPORT_HOME", "/elsewhere")
    monkeypatch.setenv("RAPPORT_PARTITIONS", "2")
    environ = DemoStack(tmp_path / "demo").environ
    ours = {name: value for name, value in environ.items() if name.startswith("RAPPORT_")}
    assert ours == {
        "RAPPORT_HOME": str(tmp_path / "demo"),
        "RAPPORT_CLOCK": "stream",
        "RAPPORT_METRICS_POLICY": str(POLICIES / "replay.yaml"),
        "RAPPORT_PARTITIONS": "2",
    }


def test_a_stack_that_does_not_run_is_trouble(tmp_path: Path) -> None:
    stack = DemoStack(tmp_path / "demo")
    assert not stack.running
    stack.stop()
    with pytest.raises(TroubleError, match="does not run"):
        stack.env  # noqa: B018
