"""The demo, small: the stream clock on a real year, and its own check of every balance. Beside it runs a real
Prometheus, from which every dashboard and every rule is asked afterwards."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from deploy.grafana.boards import boards
from deploy.grafana.figures import Board, expressions
from rapport.home import Home
from rapport.launch import stop
from rapport.status import read
from tests.prometheus import Prometheus, asked, compared, rules, scraping
from tests.stack import until

NEVER = frozenset({"From purchase to points", "Seconds until it has answered, p99"})
"""What is not measured under the stream clock, or without a webhook: of nothing there is no quantile, and
Prometheus says NaN."""
PROMISED = "_errors:ratio_"
"""Part of the name of what is recorded of a promise."""


@dataclass(frozen=True)
class Ended:
    """A demo that has ended well, and whose platform runs on."""

    said: str
    prometheus: Prometheus


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    folder = tmp_path_factory.mktemp("demo")
    home = Home(folder / ".rapport" / "demo")
    said = folder / "said"
    with ExitStack() as running, said.open("wb") as output:
        running.callback(stop, home)
        environ = {**os.environ, "HOUSEHOLDS": "8", "KEEP": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "rapport", "demo"], cwd=folder, env=environ, stdout=output, stderr=output
        )
        running.callback(process.wait, 60)
        running.callback(process.terminate)

        def started() -> bool:
            status = read(home)
            return process.poll() is not None or (status is not None and status.phase == "running")

        until(started, "the demo's platform runs", 120)
        assert process.poll() is None, said.read_text(encoding="utf-8")[-4000:]
        prometheus = running.enter_context(scraping(home, folder))
        code = process.wait(240)
        told = said.read_text(encoding="utf-8")
        assert code == 0, told[-4000:]
        yield Ended(told, prometheus)


def test_a_few_households_check_out_to_the_last_point(demo: Ended) -> None:
    told = " ".join(demo.said.split())
    assert "8 balances equal their ledgers and the recomputation" in told
    assert "The book of messages is balanced" in told
    assert "complaints stand as a simulation of the year has them" in told
    assert "resolution met" in told
    assert "under the draft, strict," in told
    assert "the desk, on the Monday after" in told
    assert "format, chain, summary, key, signature, complete: it holds; their page answers 410" in told
    page = Path(re.search(r"file://(\S+export\.html)", demo.said)[1])  # type: ignore[index]  # it is there
    assert "<html" in page.read_text(encoding="utf-8")
    report = Path(demo.said.rpartition("file://")[2].split()[0])
    assert "December 2017" in report.read_text(encoding="utf-8")


def test_every_process_is_scraped(demo: Ended) -> None:
    up = demo.prometheus.ask("up")
    assert len(up) == 8
    assert {series["value"][1] for series in up} == {"1"}
    workers = demo.prometheus.ask("rapport_partitions_held > 0")
    assert len({series["metric"]["service"] for series in workers}) == 4


@pytest.mark.parametrize("board", boards(), ids=lambda board: board.uid)
def test_every_panel_shows_something(demo: Ended, board: Board) -> None:
    empty = {title: expr for title, expr in expressions(board) if not _shown(demo.prometheus, asked(expr))}
    assert empty == {}


def test_what_happened_in_the_demo_is_seen(demo: Ended) -> None:
    """A quantile, a share and the like of all that happened are numbers, and not those of nothing."""
    nothing = {
        title: expr
        for board in boards()
        for title, expr in expressions(board)
        if title not in NEVER and "[" in expr and not _numbers(demo.prometheus, asked(expr))
    }
    assert nothing == {}


def test_every_rule_is_well_and_looks_at_something(demo: Ended) -> None:
    groups = demo.prometheus.get("rules")["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert len(loaded) == len(rules())
    assert [rule for rule in loaded if rule["health"] != "ok"] == []
    empty = {
        rule.get("alert") or rule["record"]: rule["expr"]
        for rule in rules()
        if not _shown(demo.prometheus, compared(rule["expr"]) if "alert" in rule else rule["expr"])
    }
    assert empty == {}
    recorded = {rule["record"] for rule in rules() if PROMISED in rule.get("record", "")}
    assert [name for name in sorted(recorded) if not _numbers(demo.prometheus, name)] == []


def test_no_message_is_unaccounted_for_and_nobody_is_behind(demo: Ended) -> None:
    """Soon: what is told of the demo's last act, an erasure, may still be on its way."""

    def none(expr: str) -> bool:
        return [series["value"][1] for series in demo.prometheus.ask(expr)] == ["0"]

    for expr in ("max(rapport_outreach_unbalanced)", "max(rapport_lag_seconds)", "sum(rapport_fenced_total)"):
        until(partial(none, expr), f"{expr} is 0", 30)


def _shown(prometheus: Prometheus, expr: str) -> bool:
    """Whether it is anything at all; what the last evaluation has to record may come a moment later."""
    deadline = time.monotonic() + 15
    while not (found := prometheus.ask(expr)) and time.monotonic() < deadline:
        time.sleep(0.5)  # between two questions
    return bool(found)


def _numbers(prometheus: Prometheus, expr: str) -> bool:
    return any(series["value"][1] != "NaN" for series in prometheus.ask(expr))
