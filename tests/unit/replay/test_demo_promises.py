"""What the demo says of promises: every complaint's clocks compared, and one shown."""

import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from rich.console import Console

from rapport.client import Client
from rapport.demo.promises import Promises, check_promises, promises, show_promises
from rapport.replay.record import Record, record
from rapport.sla.simulate import judged
from services.interactions.models.clocks import explained_clocks

START = datetime(2017, 3, 6, 9, tzinfo=UTC)
END = datetime(2017, 6, 1, tzinfo=UTC)
T = TypeVar("T")
R = TypeVar("R")


def told(step: str, complaint: str, hours: float, **data: Any) -> Record:
    time = START + timedelta(hours=hours)
    data = {"complaint_id": complaint, **data}
    return record(
        f"complaint.{step}", id=f"{step}-{hours}", source="/d", subject="hh-1", time=time, data=data
    )


def year() -> list[Record]:
    opened = {"channel": "web", "category": "price", "severity": "normal", "description": "Too dear."}
    return [
        told("opened", "plain", 0, **opened),
        told("resolved", "plain", 2, resolution="Paid back."),
        told("opened", "telling", 24, **opened),
        told("acknowledged", "telling", 48.5),
        told("resolved", "telling", 52, resolution="Paid back."),
        told("opened", "endless", 50, **opened),
    ]


class Api:
    """Answers with the simulation's own clocks."""

    def __init__(self, made: Promises, wrong: str = "") -> None:
        self._cases = {case.id: case for case in made.cases}
        self._made, self._wrong = made, wrong

    def get(self, service: str, path: str) -> Any:
        name = path.split("/")[2]
        case, made = self._cases[name], self._made
        clocks = judged(case, made.sla, made.end)[0].clocks
        shown = explained_clocks(name, case.customer_id, clocks, made.sla, made.end).model_dump(mode="json")
        if name == self._wrong:
            shown["clocks"][0]["state"] = "paused"
            del shown["clocks"][-1]
        return shown

    def map(self, function: Callable[[T], R], over: Iterable[T]) -> list[R]:
        return [function(one) for one in over]


def api(made: Promises, wrong: str = "") -> Client:
    return cast(Client, Api(made, wrong))


def test_clocks_that_stand_as_the_simulation_has_them_are_no_difference() -> None:
    made = promises(year(), END)
    assert [case.id for case in made.cases] == ["plain", "telling", "endless"]
    assert check_promises(api(made), made) == []


def test_each_clock_that_stands_otherwise_is_a_difference() -> None:
    made = promises(year(), END)
    first, lacking = check_promises(api(made, wrong="plain"), made)
    assert (first.customer, first.what) == ("hh-1", "first_response of plain")
    assert first.platform.startswith("paused, due 2017-03-")
    assert first.expected.startswith("met, due 2017-03-")
    assert (lacking.what, lacking.platform) == ("resolution of plain", "none")


def test_the_most_telling_complaint_is_shown_and_the_year_in_brief() -> None:
    made = promises(year(), END)
    file = io.StringIO()
    show_promises(Console(file=file, width=80), api(made), made)
    text = file.getvalue()
    assert "telling of hh-1, as of Thu 1 Jun 2017 00:00 UTC" in text
    assert "first_response breached" in text
    assert "Of 3 complaints 2 had a breach; under the draft, strict, " in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_year_without_complaints_shows_nothing() -> None:
    made = promises([], END)
    file = io.StringIO()
    show_promises(Console(file=file), api(made), made)
    assert (file.getvalue(), check_promises(api(made), made)) == ("", [])
