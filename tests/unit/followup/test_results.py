"""What is counted of messages is what became of them: by day, rule and outcome, whatever happens."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.followup.domain.results.cells import ARM, RESULTS, Cell
from services.followup.domain.results.report import Arm, funnel, report
from shared.schemas.commands.followup import DeliveryReported, OutreachRequested
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.customers import CustomerErased
from shared.schemas.interactions import InteractionLogged
from shared.schemas.outreach import OutreachScheduled, OutreachSent

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    profile,
    purchase,
    refusal,
    reopened,
    resolved,
    returned,
    rules,
    tier,
)


def counted(driver: Driver) -> dict[Cell, Counter[str]]:
    found: dict[Cell, Counter[str]] = {}
    for row in driver.worker.rows(RESULTS):
        cell = Cell.read(row["key"])
        assert cell is not None
        sums = {name: n for name, n in row.items() if name not in ("_id", "key")}
        found.setdefault(cell, Counter()).update(sums)
    return found


def of_rule(driver: Driver, rule: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for cell, sums in counted(driver).items():
        if cell.rule == rule:
            total.update(sums)
    return total


def member() -> Driver:
    driver = Driver()
    driver.event(profile())
    driver.event(granted())
    return driver


def receipt(outreach_id: str, what: str, **more: Any) -> ReceiptReported:
    return ReceiptReported.model_validate({"outreach_id": outreach_id, "what": what, **more})


def test_a_message_is_counted_on_the_day_on_which_it_is_due() -> None:
    driver = member()
    driver.until(NOON + 11 * HOUR)
    driver.event(purchase())  # due on the next day, and then after the night
    cell = Cell("thank-you", "2026-03-03")
    assert counted(driver) == {cell: {"planned": 1}}
    driver.after(DAY)
    assert counted(driver) == {cell: {"planned": 1, "sent": 1}}


def test_what_is_suppressed_and_cancelled_is_counted_by_its_reason() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert of_rule(driver, "thank-you") == {"planned": 1, "suppressed_no_consent": 1}
    driver = member()
    driver.event(purchase())
    driver.event(returned())
    assert of_rule(driver, "thank-you") == {"planned": 1, "cancelled_condition_unmet": 1}


def test_a_message_that_is_told_of_when_it_goes_is_planned_too() -> None:
    driver = member()
    driver.event(purchase())
    driver.until(NOON + 100 * DAY)
    assert of_rule(driver, "win-back") == {"planned": 1, "sent": 1, "assigned": 1}
    driver.event(granted(word=False))
    driver.event(purchase("o-2"))
    driver.after(100 * DAY)
    both = {"planned": 2, "sent": 1, "suppressed_no_consent": 1, "assigned": 1}
    assert of_rule(driver, "win-back") == both, "a person counts once"


def test_a_failed_message_and_one_in_doubt_are_told_apart() -> None:
    driver = Driver(instant=False)
    for event in (profile(), granted()):
        driver.event(event)
    for status in ("failed", "in_doubt"):
        driver.event(OutreachRequested(template="news", variables={"subject": "a", "message": "b"}))
        driver.deliver(status, error="no")
    assert of_rule(driver, "manual") == {"planned": 2, "failed": 1, "in_doubt": 1}


def test_one_that_was_taken_back_and_sent_all_the_same_is_overtaken() -> None:
    driver = Driver(instant=False)
    for event in (profile(), granted(), purchase()):
        driver.event(event)
    driver.after(3 * HOUR)
    on_its_way = driver.state.in_flight[0].outreach_id
    driver.event(granted(word=False))
    driver.event(DeliveryReported(outreach_id=on_its_way, status="sent", attempt=1))
    found = of_rule(driver, "thank-you")
    assert found == {"planned": 1, "cancelled_no_consent": 1, "sent": 1, "overtaken": 1}
    assert funnel(found).waiting == 0


def test_what_is_heard_of_a_message_counts_once_where_the_message_does() -> None:
    driver = member()
    driver.event(purchase())
    driver.after(3 * HOUR)
    sent = driver.facts(OutreachSent)[0].outreach_id
    driver.until(NOON + 2 * DAY)
    for what in ("delivered", "delivered", "bounced", "complained"):
        driver.event(receipt(sent, what, **({"code": "5.1.1"} if what == "bounced" else {})))
    cell = Cell("thank-you", "2026-03-02")
    sums = counted(driver)[cell]
    assert sums == {"planned": 1, "sent": 1, "delivered": 1, "bounced_hard": 1, "complained": 1}


def test_a_reply_answers_a_message_once() -> None:
    driver = member()
    driver.event(purchase())
    driver.after(3 * HOUR)
    sent = driver.facts(OutreachSent)[0].outreach_id
    told = {"channel": "email", "kind": "question", "summary": "x", "direction": "inbound"}
    other = InteractionLogged.model_validate({**told, "in_reply_to": "<nobody@x>"})
    reply = InteractionLogged.model_validate({**told, "in_reply_to": f"<y@x> <{sent}@elsewhere.example>"})
    ours = InteractionLogged.model_validate({**told, "direction": "outbound", "in_reply_to": f"<{sent}@x>"})
    for event in (other, ours, reply, reply):
        driver.event(event)
    assert of_rule(driver, "thank-you") == {"planned": 1, "sent": 1, "answered": 1}


def test_an_erasure_leaves_the_books_balanced() -> None:
    driver = Driver(instant=False)
    for event in (profile(), granted(), purchase()):
        driver.event(event)
    driver.after(3 * HOUR)  # the thank-you is with the sender
    on_its_way = driver.state.in_flight[0].outreach_id
    driver.event(CustomerErased())
    assert (
        refusal(driver, DeliveryReported(outreach_id=on_its_way, status="sent", attempt=1)).code == "erased"
    )
    total = funnel(of_rule(driver, "thank-you"))
    assert (total.planned, total.waiting, total.sent) == (1, 0, 0)


@pytest.mark.parametrize("seed", range(25))
def test_the_books_are_those_of_the_rows_whatever_happens(seed: int) -> None:
    draw = Random(seed)
    driver = Driver(policy(rules()), instant=False)
    driver.event(profile())
    for _ in range(60):
        driver.until(driver.now + timedelta(hours=draw.choice((0, 0, 1, 5, 30, 300))))
        if draw.random() < 0.6:
            driver.deliver(draw.choice(("sent", "sent", "sent", "failed", "in_doubt")), error="x")
        order, case = f"o-{draw.randint(1, 12)}", f"k-{draw.randint(1, 4)}"
        driver.event(
            draw.choice(
                (
                    purchase(order),
                    purchase(order),
                    returned(order),
                    granted(word=draw.random() < 0.8),
                    opened(case),
                    resolved(case),
                    reopened(case),
                    tier("gold"),
                )
            ),
            at=driver.now - timedelta(hours=draw.choice((0, 0, 0, 40))),
        )
    found = counted(driver)
    rows = list(driver.rows.values())
    for rule in {row["rule"] for row in rows}:
        mine = [row for row in rows if row["rule"] == rule]
        total = funnel(of_rule(driver, rule))
        assert total.planned == len(mine)
        assert total.waiting == sum(row["status"] in ("scheduled", "ready") for row in mine)
        assert total.sent == sum(row["status"] == "sent" for row in mine)
        assert total.failed == sum(row["status"] == "failed" for row in mine)
        assert total.in_doubt == sum(row["status"] == "in_doubt" for row in mine)
        suppressed = Counter(row["reason"] for row in mine if row["status"] == "suppressed")
        assert Counter(total.suppressed) == suppressed
        cancelled = sum(row["status"] == "cancelled" for row in mine)
        assert sum(total.cancelled.values()) - total.overtaken == cancelled
    days = Counter((row["rule"], f"{row['due_at']:%Y-%m-%d}") for row in rows)
    messages = {cell: sums for cell, sums in found.items() if cell.step != ARM}  # the others count people
    assert {(cell.rule, cell.day): sums["planned"] for cell, sums in messages.items()} == days
    assert len(driver.facts(OutreachScheduled)) <= sum(days.values())


def test_arms_are_compared_by_all_who_are_assigned() -> None:
    sums = {
        Cell("r", "2026-03-02", "@", "holdout"): {"assigned": 100, "reached": 10},
        Cell("r", "2026-03-03", "@", "a"): {"assigned": 500, "reached": 100},
        Cell("r", "2026-03-04", "@", "b"): {"assigned": 480, "reached": 60},
        Cell("r", "2026-03-04", "@", "a"): {"assigned": 20, "reached": 4},
        Cell("r", "2026-03-04", "", "a"): {"planned": 300, "sent": 290},
    }
    found = report(sums, {"a": 0.45, "b": 0.45, "holdout": 0.1})
    assert found.total.planned == 300
    assert found.arms == (
        Arm("a", 0.45, 520, 104),
        Arm("b", 0.45, 480, 60),
        Arm("holdout", 0.1, 100, 10),
    )
    lifts = {(lift.arm, lift.against): lift.interval for lift in found.lifts}
    assert list(lifts) == [("all others", "holdout"), ("a", "holdout"), ("b", "holdout")]
    assert lifts["a", "holdout"].value == pytest.approx(0.1)
    assert lifts["a", "holdout"].excludes_zero
    assert not lifts["b", "holdout"].excludes_zero
    assert found.split is not None
    assert not found.split.mismatch


def test_without_a_holdout_variants_are_compared_with_the_first() -> None:
    sums = {
        Cell("r", "2026-03-02", "@", "a"): {"assigned": 500, "reached": 100},
        Cell("r", "2026-03-02", "@", "b"): {"assigned": 300, "reached": 60},
    }
    found = report(sums, {"a": 0.5, "b": 0.5})
    assert [(lift.arm, lift.against) for lift in found.lifts] == [("b", "a")]
    assert found.split is not None
    assert found.split.mismatch


def test_of_a_rule_that_compares_nothing_no_arm_is_shown() -> None:
    found = report({Cell("r", "2026-03-02"): {"planned": 2, "suppressed_stale": 1}}, {})
    assert (found.arms, found.lifts, found.split) == ((), (), None)
    assert (found.total.waiting, found.total.suppressed) == (1, {"stale": 1})
    assert [(part.step, part.variant) for part in found.parts] == [(None, None)]
