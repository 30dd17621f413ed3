"""Live metrics: what happens shows in the KPIs and in the gauges, exactly."""

import math
import re
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.stack import Stack, event, new_customer, purchase, until


def customers(stack: Stack, count: int) -> tuple[str, list[str]]:
    """A segment of its own, so that the numbers of other tests are in no sum, and its customers."""
    segment, them = f"s-{uuid.uuid4().hex[:8]}", [new_customer() for _ in range(count)]
    stack.post_events(
        *(event("customer.registered", c, {"name": "Ada Ellis", "segment": segment}) for c in them)
    )
    return segment, them


def kpis(stack: Stack, segment: str, **query: str) -> Any:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return stack.get("metrics", f"/kpis?window=7d&segment={segment}{more}")


def answers(customer: str, survey: str, *scores: int) -> list[dict[str, Any]]:
    return [event("survey.answered", customer, {"survey": survey, "score": score}) for score in scores]


def test_answers_move_the_scores(stack: Stack) -> None:
    segment, (ann, bob) = customers(stack, 2)
    stack.post_events(*answers(ann, "nps", 10, 9), *answers(bob, "nps", 9, 3))
    stack.post_events(*answers(ann, "csat", 5, 4), *answers(bob, "csat", 2), *answers(bob, "ces", 7, 4))
    found = until(
        lambda: (k := kpis(stack, segment))["basis"]["nps"]["n"] == 4 and k["basis"]["ces"]["n"] == 2 and k,
        "the answers",
    )
    assert found["nps"] == pytest.approx(50.0)  # three promoters and a detractor of four
    assert found["csat"] == pytest.approx(2 / 3)
    assert found["ces"] == pytest.approx(5.5)
    assert found["basis"]["nps"]["low"] < 50 < found["basis"]["nps"]["high"]
    stack.post_events(*answers(bob, "nps", 0, 7))
    moved = until(lambda: (k := kpis(stack, segment))["basis"]["nps"]["n"] == 6 and k, "two more")
    assert moved["nps"] == pytest.approx(100 / 6)
    series = stack.get("metrics", f"/kpis/nps/series?segment={segment}")["items"]
    assert sum(point["n"] for point in series) == 6


def test_the_same_answer_again_does_not_count(stack: Stack) -> None:
    segment, (ann, bob) = customers(stack, 2)
    (told,) = answers(ann, "nps", 10)
    for _ in range(3):
        stack.post_events(told)
        stack.send("feedback", told)
    stack.post_events(*answers(bob, "nps", 0))
    stack.settle()
    found = until(lambda: (k := kpis(stack, segment))["basis"]["nps"]["n"] >= 2 and k, "the answers")
    assert (found["basis"]["nps"]["n"], found["nps"]) == (2, 0.0)


def test_complaints_move_what_is_open_and_how_long_things_take(stack: Stack) -> None:
    segment, (ann,) = customers(stack, 1)
    began = datetime.now(UTC) - timedelta(hours=2)

    def told(kind: str, minutes: int, complaint: str, **data: Any) -> dict[str, Any]:
        at = (began + timedelta(minutes=minutes)).isoformat()
        return event(f"complaint.{kind}", ann, {"complaint_id": f"{complaint}-{ann}", **data}, at=at)

    def opens(minutes: int, complaint: str, channel: str) -> dict[str, Any]:
        about = {"channel": channel, "category": "delivery", "severity": "high", "description": "Late."}
        return told("opened", minutes, complaint, **about)

    stack.post_events(opens(0, "a", "email"), opens(5, "b", "phone"))
    until(lambda: kpis(stack, segment)["open_complaints"] == 2, "both open")
    assert kpis(stack, segment, channel="phone")["open_complaints"] == 1
    stack.post_events(
        told("acknowledged", 10, "a", message="We have it."),
        told("resolved", 60, "a", resolution="Sent again."),
    )
    found = until(
        lambda: (k := kpis(stack, segment))["open_complaints"] == 1 and k["resolution_s"]["p50"] and k,
        "one left",
    )
    # Quantiles are kept to 2 %.
    assert found["first_response_s"]["p50"] == pytest.approx(600, rel=0.02)
    assert found["resolution_s"]["p50"] == pytest.approx(3600, rel=0.02)
    stack.post_events(told("reopened", 70, "a", reason="Broken again."))
    reopened = until(lambda: (k := kpis(stack, segment))["open_complaints"] == 2 and k, "open again")
    assert reopened["resolution_s"]["p50"] is None
    assert reopened["first_response_s"]["p50"] == pytest.approx(600, rel=0.02)


def test_purchases_and_points_move_their_rates(stack: Stack) -> None:
    segment, (ann, bob) = customers(stack, 2)
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    stack.post_events(purchase(ann, 5_000, at=before), purchase(ann, 5_000), purchase(bob, 10_000))
    until(lambda: stack.balance(ann) == stack.balance(bob) == 100, "the points")
    bought = stack.call("loyalty", "POST", f"/members/{ann}/redemptions", {"reward_id": "free-delivery"})
    assert bought.status == 201
    found = until(lambda: (k := kpis(stack, segment))["redemption_rate"] and k, "the redemption")
    assert found["redemption_rate"] == pytest.approx(0.5)  # 100 of 200 points
    assert found["repeat_purchase_rate"] == pytest.approx(0.5)  # one of two came on two days


def test_what_an_agent_writes_is_a_response_and_what_is_bought_is_revenue(stack: Stack) -> None:
    segment, (ann,) = customers(stack, 1)
    began = datetime.now(UTC) - timedelta(hours=3)
    about = {"channel": "email", "category": "delivery", "severity": "high", "description": "Late."}
    names = {"complaint_id": f"c-{ann}", "conversation_id": f"v-{ann}"}

    def says(minutes: int, direction: str, by: str) -> dict[str, Any]:
        said = {
            "channel": "chat",
            "direction": direction,
            "kind": "message",
            "summary": ".",
            "author": by,
        }
        at = (began + timedelta(minutes=minutes)).isoformat()
        return event("interaction.logged", ann, {**said, "conversation_id": f"v-{ann}"}, at=at)

    answer = {"survey": "csat", "score": 4, "about": {"kind": "conversation", "id": f"v-{ann}"}}
    stack.post_events(
        event("complaint.opened", ann, {**about, **names}, at=began.isoformat()),
        says(5, "outbound", "bot"),
        says(20, "outbound", "agent"),
        says(30, "inbound", "customer"),
        says(60, "outbound", "agent"),
        event("survey.answered", ann, answer),
        purchase(ann, 5_000),
        purchase(ann, 2_500),
    )
    found = until(
        lambda: (k := kpis(stack, segment))["revenue"] and k["next_response_s"]["p50"] and k["csat"] and k,
        "all of it",
    )
    assert found["first_response_s"]["p50"] == pytest.approx(20 * 60, rel=0.02)
    assert found["next_response_s"]["p50"] == pytest.approx(30 * 60, rel=0.02)
    assert found["revenue"] == {"EUR": 7_500}
    assert found["order_value"] == {"EUR": 3_750}
    bounds = found["basis"]["order_value"]["figures"]["EUR"]
    assert bounds["low"] <= 3_750 <= bounds["high"]
    until(lambda: stack.balance(ann) == kpis(stack, segment)["points_liability"] == 75, "the points")
    assert kpis(stack, segment, channel="chat")["csat"] == 1.0
    assert kpis(stack, segment, channel="email")["csat"] is None


def test_the_gauges_show_what_the_kpis_say(stack: Stack) -> None:
    customer = new_customer()
    about = {"channel": "email", "category": "delivery", "severity": "high", "description": "Late."}
    before = stack.get("metrics", "/kpis?window=30d")
    stack.post_events(
        *answers(customer, "nps", 10),
        *answers(customer, "csat", 5),
        event("complaint.opened", customer, {"complaint_id": f"g-{customer}", **about}),
    )

    def moved() -> Any:
        now = stack.get("metrics", "/kpis?window=30d")
        more = now["basis"]["nps"]["n"] > before["basis"]["nps"]["n"]
        return now if more and now["open_complaints"] > before["open_complaints"] else None

    until(moved, "the KPIs")

    def gauges() -> dict[str, float]:
        with urllib.request.urlopen(stack.env["RAPPORT_METRICS_URL"] + "/metrics", timeout=10) as answer:
            found = re.findall(r"^(rapport_\S+) (\S+)$", answer.read().decode(), re.M)
        return {name: float(value) for name, value in found}

    def agree() -> bool:
        """The gauges are refreshed by and by; both are asked until they say the same."""
        shown, told = gauges(), stack.get("metrics", "/kpis?window=30d")
        return (
            math.isclose(shown["rapport_nps"], told["nps"])
            and math.isclose(shown["rapport_csat"], told["csat"])
            and shown["rapport_open_complaints"] == told["open_complaints"]
            and shown['rapport_kpi_basis{kpi="nps"}'] == told["basis"]["nps"]["n"]
        )

    until(agree, "the gauges say the same")
