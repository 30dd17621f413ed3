"""Complaints' clocks on the running platform: a stream clock is moved over warnings and breaches."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.commands.clock import advance_clock
from rapport.home import Home, read_env
from rapport.launch import fetch, launch, stop
from shared.kafka.brokers import Brokers
from tests.stack import Stack, event, new_customer, until

PARTS = ("kafka", "mongo", "interactions-worker", "interactions-api")
OWN = "/rapport/interactions"


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Interactions alone, whose time is that of the events."""
    home = Home(tmp_path_factory.mktemp("promises"))
    foreign = {name: "" for name in os.environ if name.startswith("RAPPORT_")}
    fetch(PARTS)
    launch(home, PARTS, options={**foreign, "RAPPORT_CLOCK": "stream"})
    try:
        yield Stack(home, read_env(home))
    finally:
        stop(home)


class Case:
    """A critical complaint, opened by a source so many hours ahead: where the clock has come to."""

    def __init__(self, stack: Stack, ahead: int) -> None:
        self.stack, self.customer = stack, new_customer()
        self.id = f"k-{self.customer}"
        self.opened = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=ahead)
        self.tell(
            "complaint.opened",
            0,
            complaint_id=self.id,
            channel="email",
            category="delivery",
            severity="critical",
            description="It is late.",
            conversation_id=f"t-{self.customer}",
        )
        until(lambda: self.known(), "the complaint is known")

    def tell(self, kind: str, minutes: float, /, **data: Any) -> None:
        at = (self.opened + timedelta(minutes=minutes)).isoformat()
        answer = self.stack.post_events(event(kind, self.customer, data, at=at))
        assert answer.status == 202, answer

    def known(self) -> bool:
        return self.stack.call("interactions", "GET", f"/complaints/{self.id}").status == 200

    def shown(self) -> dict[str, Any]:
        page: dict[str, Any] = self.stack.get("interactions", f"/complaints/{self.id}")
        return page

    def advance(self, minutes: float) -> None:
        advance_clock(Brokers(self.stack.env["RAPPORT_KAFKA"]), self.opened + timedelta(minutes=minutes))

    def told(self) -> list[tuple[str, float]]:
        """What is in its history of its clocks: kind, and minutes since the opening."""
        return [
            (step["type"].split(".")[2], self.minutes(step["time"]))
            for step in self.shown()["history"]
            if "clock" in step["data"]
        ]

    def minutes(self, time: str) -> float:
        return (datetime.fromisoformat(time) - self.opened) / timedelta(minutes=1)

    def states(self) -> dict[str, str]:
        return {clock["clock"]: clock["state"] for clock in self.shown()["clocks"]}

    def published(self) -> list[str]:
        """What was told of its clocks on the topic."""
        found = (json.loads(record.value) for record in self.stack.records("complaints"))
        mine = (e for e in found if e["source"] == OWN and e["data"]["complaint_id"] == self.id)
        return [e["type"].split(".")[2] for e in mine if "clock" in e["data"]]


def test_a_step_heard_late_makes_it_met_and_what_was_told_stays(streamed: Stack) -> None:
    case = Case(streamed, ahead=0)
    case.advance(90)
    until(lambda: ("sla_breached", 60) in case.told(), "breached")
    case.tell("complaint.acknowledged", 40, complaint_id=case.id)
    until(lambda: case.states()["first_response"] == "met", "met after all")
    assert not case.shown()["overdue"]
    kinds = sorted(kind for kind, _ in case.told())
    assert kinds == ["escalated", "sla_breached", "sla_met", "sla_warned"]
    assert sorted(case.published()) == kinds


def test_warned_breached_escalated_and_met_as_the_clock_goes(streamed: Stack) -> None:
    case = Case(streamed, ahead=2)
    assert (case.states(), case.told()) == ({"first_response": "running", "resolution": "running"}, [])
    case.advance(31)
    until(lambda: case.told() == [("sla_warned", 30)], "warned")
    case.advance(61)
    breach = [("sla_warned", 30), ("sla_breached", 60), ("escalated", 60)]
    until(lambda: case.told() == breach, "breached, and escalated")
    page = case.shown()
    assert (page["overdue"], page["clocks"][0]["state"]) == (True, "breached")
    assert case.minutes(page["clocks"][0]["due_at"]) == 60
    overdue = streamed.pages("interactions", "/complaints?overdue=true&limit=100")
    assert case.id in {one["complaint_id"] for one in overdue}
    talk = {"channel": "email", "kind": "message", "summary": "words"}
    talk["conversation_id"] = f"t-{case.customer}"
    case.tell("interaction.logged", 70, direction="outbound", author="agent", **talk)
    until(lambda: not case.shown()["overdue"], "answered, though late")
    assert case.states() == {"first_response": "breached", "update": "running", "resolution": "running"}
    answer = streamed.call(
        "interactions", "POST", f"/complaints/{case.id}/wait", {"reason": "a photo"}, key=f"w-{case.id}"
    )
    assert answer.status == 200, answer
    assert case.states()["update"] == "paused"
    case.advance(1_000)
    case.tell("interaction.logged", 1_000, direction="inbound", **talk)
    until(lambda: not case.shown()["waiting"], "the customer has written")
    page = case.shown()
    assert page["next_clock"] == "next_response"
    assert case.minutes(page["next_due"]) == 1_000 + 120
    case.tell("complaint.resolved", 1_010, complaint_id=case.id, resolution="sent again")
    until(lambda: case.shown()["status"] == "resolved", "resolved")
    kinds = [kind for kind, _ in case.told()]
    assert kinds == ["sla_warned", "sla_breached", "escalated", "escalated"] + ["sla_met"] * 3
    until(lambda: sorted(case.published()) == sorted(kinds), "each is on the topic, once")
