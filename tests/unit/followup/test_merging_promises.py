"""What the gate promises holds over all that one person's ids were told and had, whenever they were merged or
told apart: consent, complaints, caps, intervals, quiet hours. An onlooker judges by what was told alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.rules.quiet import quiet_until, zone
from shared.schemas.complaints import ComplaintOpened, ComplaintResolved
from shared.schemas.customers import ConsentChanged, Profile
from shared.schemas.event import Event
from tests.examples import examples

from .driver import DAY
from .mergings import IDS, World, these
from .test_merging_histories import STEPS

Row = Mapping[str, Any]
COUNTS = ("sent", "in_doubt", "ready")
INTERVALS = {"win-back": 8 * DAY, "rise": 5 * DAY}


class Onlooker:
    """Looks at each message when it is decided."""

    def __init__(self) -> None:
        self.world = World()

    def step(self, name: str, *values: Any) -> None:
        before = {id for id, row in self.world.driver.rows.items() if row["status"] == "ready"}
        self.world.step(name, *values)
        self.world.settle()
        for id, row in self.world.driver.rows.items():
            if row["status"] == "ready" and id not in before:
                self.check(row, row["decided_at"])

    def check(self, row: Row, at: datetime) -> None:
        person = self.world.survivor(row["customer"])
        ids = {id for id in IDS if self.world.survivor(id) == person}
        told = sorted((event for id, event in self.world.told if id in ids), key=lambda event: event.time)
        rules = these().rules
        where = zone(_timezone(told), rules.timezone)
        assert quiet_until(at, where, rules.quiet_hours) is None, "decided at night"
        if row["purpose"] != "marketing":
            return
        words = [event.data.granted for event in told if isinstance(event.data, ConsentChanged)]
        assert words[-1], "sent without consent"
        opened = {e.data.complaint_id for e in told if isinstance(e.data, ComplaintOpened)}
        over = {e.data.complaint_id for e in told if isinstance(e.data, ComplaintResolved)}
        assert opened <= over, "marketing during a complaint"
        others = [one for one in self.world.driver.rows.values() if one["_id"] != row["_id"]]
        had = [one for one in others if one["customer"] in ids and one["status"] in COUNTS]
        had = [one for one in had if one["purpose"] == "marketing"]
        assert sum(_when(one) > at - 20 * DAY for one in had) < 2, "above the cap"
        interval = INTERVALS.get(row["rule"], timedelta(0))
        near = [one for one in had if one["rule"] == row["rule"] and _when(one) > at - interval]
        assert not near or not interval, "too near"


def _timezone(told: list[Event]) -> str | None:
    found = [event.data for event in told if isinstance(event.data, Profile)]
    named = [data.timezone for data in found if "timezone" in data.model_fields_set]
    return named[-1] if named else None


def _when(row: Row) -> datetime:
    found: datetime = row.get("sent_at") or row.get("decided_at") or row["updated_at"]
    return found


@given(STEPS, st.integers(1, 23))
@settings(max_examples=examples(40), deadline=None)
def test_the_gate_holds_over_all_ids(steps: list[tuple[Any, ...]], hour: int) -> None:
    onlooker = Onlooker()
    for name, *values in steps:
        if name == "wait":
            for _ in range(values[0]):
                onlooker.step("wait", 1)
        else:
            onlooker.step(name, *values)
    for number in range(24 * 12):
        onlooker.step("wait", 1)
        if number % 24 == hour:
            onlooker.step("deliver", "sent")
