"""An import may stop anywhere: run again, each row is told once."""

import csv
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.importing import run
from rapport.importing.faults import FaultFile
from rapport.importing.place import Place, PlaceFile
from rapport.importing.run import Import
from rapport.importing.sending import Refused, Sent
from rapport.trouble import TroubleError
from tests.examples import examples

from .given import mapping, opened, table

ROWS = 60
SKIPPED = {number for number in range(ROWS) if number % 5 == 1}
WRONG = {number for number in range(ROWS) if number % 7 == 3} - SKIPPED
UNWANTED = {number for number in range(ROWS) if number % 11 == 2} - SKIPPED - WRONG
"""What the API refuses."""


class Killed(BaseException):
    """As kill -9: nothing that would run afterwards counts."""


class Log:
    """What the API has, and when it is killed: at its ``calls``-th request."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.calls: int | None = None
        self._lock = threading.Lock()

    def send(self, events: Sequence[Sent]) -> list[Refused]:
        with self._lock:
            if self.calls is not None:
                self.calls -= 1
                if self.calls < 0:
                    raise Killed
            found = [msgspec.json.decode(event.raw) for event in events]
            bad = {event.row for event, told in zip(events, found, strict=True) if number(told) in UNWANTED}
            self.told += [told for event, told in zip(events, found, strict=True) if event.row not in bad]
        return [Refused(row, "data: is unwanted") for row in bad]

    def stop(self) -> None:
        """Nothing is waited for."""


class Dying(Import):
    """Its last word never comes, if it is killed."""

    def __init__(self, *args: Any, log: Log) -> None:
        super().__init__(*args)
        self._log = log

    def _save(self, place: Place) -> Place:
        if self._log.calls is not None and self._log.calls < 0:
            raise Killed
        return super()._save(place)


def number(told: dict[str, Any]) -> int:
    return int(told["id"].removeprefix("i-"))


def once(folder: Path, log: Log) -> Place:
    rows = opened(folder / "a.csv", "\n".join(table(ROWS)))
    mapper = mapping(folder).over(rows.kind([]))
    faults = FaultFile(folder / "a.errors.csv", rows.columns)
    place = PlaceFile(folder / "a.place", "this")
    begun = place.read() or Place()
    faults.begin(begun.faults_bytes)
    try:
        done = Dying(mapper, [log, log, log], faults, place, log=log).run(rows.rows(begun.rows), begun)
    finally:
        faults.close()
        rows.close()
    place.remove()
    return done


@given(st.lists(st.integers(0, 30), max_size=6), st.integers(1, 20), st.integers(1, 7), st.booleans())
@settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_wherever_it_is_killed_each_row_is_told(
    tmp_path: Path, kills: list[int], chunk: int, batch: int, often: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "CHUNK", chunk)
        patch.setattr(run, "BATCH", batch)
        patch.setattr(run, "SAVE_EVERY_S", 0.0 if often else 1e9)
        (tmp_path / "a.place").unlink(missing_ok=True)
        log = Log()
        for log.calls in kills:
            try:
                once(tmp_path, log)
            except Killed:
                continue
            break
        log.calls = None
        done = once(tmp_path, log)
    told = {number(one) for one in log.told}
    assert told == set(range(ROWS)) - SKIPPED - WRONG - UNWANTED
    with (tmp_path / "a.errors.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [int(row["line"]) - 2 for row in found] == sorted(WRONG | UNWANTED)
    assert {row["reason"] for row in found} == {"data.duration_s: is no number", "data: is unwanted"}
    assert found[0]["id"] == f"i-{min(WRONG | UNWANTED)}"
    assert (done.rows, done.left_out, done.failed) == (ROWS, len(SKIPPED), len(WRONG | UNWANTED))
    by_customer: dict[str, list[int]] = {}
    if not kills:
        for one in log.told:
            by_customer.setdefault(one["subject"], []).append(number(one))
    assert all(order == sorted(order) for order in by_customer.values())


def test_a_place_of_something_else(tmp_path: Path) -> None:
    PlaceFile(tmp_path / "p", "this").write(Place(rows=3))
    assert PlaceFile(tmp_path / "p", "this").read() == Place(rows=3)
    with pytest.raises(TroubleError, match="say --restart"):
        PlaceFile(tmp_path / "p", "that").read()
    (tmp_path / "p").write_text("{", encoding="utf-8")
    with pytest.raises(TroubleError, match="is no place of an import"):
        PlaceFile(tmp_path / "p", "this").read()


def test_a_file_of_errors_that_is_another(tmp_path: Path) -> None:
    faults = FaultFile(tmp_path / "e.csv", ("a",))
    with pytest.raises(TroubleError, match="is not what this import wrote"):
        faults.begin(10)
