"""What becomes of messages, against their events taken one by one."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain.kpis.intervals import newcombe
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.outreach import OutreachBounced, OutreachFailed, OutreachSent, OutreachSuppressed
from shared.schemas.times import DAY, micros
from tests.examples import examples

from .story import START, counted, event, profile, purchase, result, returned, run, told_again, value

MONTH = 30 * DAY


def went(name: str, rule: str = "news", asks: str | None = None, kind: type[Any] = OutreachSent) -> Any:
    told = {"outreach_id": name, "rule": rule, "channel": "email", "due_at": START, "attempt": 1}
    return kind.model_validate(told | ({"asks": asks} if asks else {}))


def refused(name: str, reason: str, rule: str = "news") -> OutreachSuppressed:
    return OutreachSuppressed.model_validate({"outreach_id": name, "rule": rule, "reason": reason})


def bounced(name: str) -> OutreachBounced:
    return OutreachBounced(outreach_id=name, rule="news", kind="soft")


def answer(name: str | None, score: int = 9) -> SurveyAnswered:
    return SurveyAnswered(survey="nps", score=score, outreach_id=name)


_names, _rules = st.sampled_from(["m1", "m2", "m3", "m4"]), st.sampled_from(["news", "win-back", "reply"])
_data: st.SearchStrategy[Data] = st.one_of(
    st.builds(lambda name, asks: went(name, "news", asks), _names, st.sampled_from([None, "nps"])),
    st.builds(lambda name: went(name, "news", kind=OutreachFailed), _names),
    st.builds(bounced, _names),
    st.builds(answer, st.sampled_from([None, "m1", "m2", "m9"])),
    st.builds(refused, st.just("m0"), st.sampled_from(["no_consent", "holdout"]), _rules),
    st.builds(lambda rule: went(f"x-{rule}", rule), _rules),
    st.builds(purchase, st.sampled_from(["o1", "o2"]), st.just(100)),
    st.builds(returned, st.sampled_from(["o1", "o2"]), st.sampled_from([40, 100])),
)
histories = st.lists(st.tuples(_data, st.integers(0, 80), st.sampled_from(["c1", "c2"])), max_size=40)


def messages_of(log: Sequence[Event]) -> Counter[str]:
    """How many went, failed, came back, asked and were answered."""
    found: Counter[str] = Counter()
    told: dict[tuple[str, str], set[str]] = {}
    for e in log:
        name = (e.subject, getattr(e.data, "outreach_id", None) or "")
        if not name[1] or getattr(e.data, "rule", "") == "reply":
            continue
        of = told.setdefault(name, set())
        of.add(type(e.data).__name__)
        if getattr(e.data, "asks", None):
            of.add("asks")
    for of in told.values():
        if "OutreachSent" in of:
            asked = bool(of & {"asks", "SurveyAnswered"})
            found.update(sent=1, came_back="OutreachBounced" in of, asked=asked)
            found.update(answered="SurveyAnswered" in of)
        elif "OutreachFailed" in of:
            found.update(failed=1)
    for e in log:
        if isinstance(e.data, OutreachSuppressed) and e.data.rule != "reply":
            found[e.data.reason] += 1
    return found


def trials_of(log: Sequence[Event]) -> dict[str, Counter[str]]:
    """By rule: customers who get its messages, those held out, and how many of each bought."""
    orders: dict[tuple[str, str], list[int]] = {}
    for e in log:
        if e.data.event_type == "rapport.purchase.made.v1":
            orders.setdefault((e.subject, e.data.order_id), [micros(e.time), 100])
    for key, order in orders.items():
        for e in log:
            back = getattr(e.data, "refund", None)
            if back is not None and (e.subject, e.data.order_id) == key and back.amount <= order[1] + 1:
                order[1] -= min(order[1], back.amount)
                break  # one return of an order has one name here
    found: dict[str, Counter[str]] = {}
    for who in ("c1", "c2"):
        for rule in ("news", "win-back"):
            mine = [e for e in log if e.subject == who and getattr(e.data, "rule", "") == rule]
            starts = [(micros(e.time), "treated") for e in mine if isinstance(e.data, OutreachSent)]
            held = [e.data.reason == "holdout" for e in mine if isinstance(e.data, OutreachSuppressed)]
            times = [micros(e.time) for e in mine if isinstance(e.data, OutreachSuppressed)]
            starts += [(at, "held") for at, is_held in zip(times, held, strict=True) if is_held]
            if starts:
                at, arm = min(starts)
                times = [made for (c, _), (made, left) in orders.items() if c == who and left]
                found.setdefault(rule, Counter())[arm] += 1
                found[rule][f"{arm}_bought"] += any(at < made <= at + MONTH for made in times)
    return found


@settings(deadline=None, max_examples=examples(200))
@given(histories, st.randoms(use_true_random=False))
def test_messages_and_trials(rows: Sequence[tuple[Any, int, str]], order: random.Random) -> None:
    events = [event(data, days=day, subject=who, id=f"h{n}") for n, (data, day, who) in enumerate(rows)]
    log = told_again(events, order)
    customers, delta = run([*log, event(profile("gold"), subject="c1")])
    assert delta == counted(customers.values())
    true = messages_of(log)
    assert value(delta, "outreach_sent") == true["sent"]
    reasons = {reason: true[reason] for reason in ("no_consent", "holdout") if true[reason]}
    assert value(delta, "outreach_refusals") == reasons
    due = true["sent"] + true["failed"] + true["no_consent"]
    reach = (true["sent"] - true["came_back"]) / due if due else None
    assert value(delta, "outreach_reach") == reach
    assert value(delta, "response_rate") == (true["answered"] / true["asked"] if true["asked"] else None)
    for rule, arms in trials_of(log).items():
        found = result(delta, "outreach_lift")
        if arms["held"] and arms["treated"]:
            a, b = arms["treated_bought"] / arms["treated"], arms["held_bought"] / arms["held"]
            assert value(delta, "outreach_lift", rule=rule) == pytest.approx(a - b)
            assert found.n >= arms["held"] + arms["treated"]
        else:
            assert value(delta, "outreach_lift", rule=rule) is None


def test_who_answers_later_answers_the_message_of_then() -> None:
    story = [event(went("m1", "csat", "csat")), event(went("m2", "csat", "csat"), days=1)]
    story.append(event(answer("m1"), days=9))
    _, delta = run(story)
    found = result(delta, "response_rate")
    assert (found.value, found.n) == (0.5, 2)
    assert value(delta, "response_rate", rule="csat") == 0.5
    days = {day for day, _, field in delta if field == "asked_answered"}
    assert days == {min(day for day, _, _ in delta)}


def test_what_was_in_doubt_and_went_after_all_has_not_failed() -> None:
    _, delta = run([event(went("m1", kind=OutreachFailed)), event(went("m1"), days=1)])
    assert value(delta, "outreach_reach") == 1.0
    assert result(delta, "outreach_reach").n == 1


def test_the_lift_of_several_rules_compares_each_with_itself() -> None:
    def people(rule: str, treated: int, bought: int, held: int, held_bought: int) -> list[Event]:
        told = []
        for n in range(treated + held):
            who, of = f"{rule}-{n}", n < treated
            data = went("m", rule) if of else refused("m", "holdout", rule)
            told.append(event(data, subject=who))
            if n < bought or treated <= n < treated + held_bought:
                told.append(event(purchase("o"), subject=who, days=3))
        return told

    # Both rules bring nothing; who gets the second buys oftener, whatever is sent.
    story = people("a", 80, 8, 20, 2) + people("b", 20, 10, 80, 40)
    found = result(run(story)[1], "outreach_lift")
    assert found.value == pytest.approx(0)
    assert found.n == 200
    assert found.interval is not None
    assert found.interval[0] < 0 < found.interval[1]
    one = result(run(people("a", 80, 24, 20, 2))[1], "outreach_lift")
    assert one.value == pytest.approx(0.2)
    assert one.interval == newcombe(24, 80, 2, 20)
