"""Random histories, heard in any order and partly twice: what is sent is what a plain model says of the same
facts sorted by event time. Nothing is due before all is heard; what was sent is never unsaid (README)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.rules.rule import Rule
from shared.facts.complaints import (
    ACKNOWLEDGED,
    CLOSED,
    OPENED,
    REOPENED,
    RESOLVED,
    UPDATED,
    life_of,
    step_of,
    with_step,
)
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintsData,
    ComplaintUpdated,
)
from shared.schemas.customers import ConsentChanged, CustomerUpdated
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.loyalty import RewardAvailable, RewardIssued
from shared.schemas.purchases import (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionStarted,
)
from shared.schemas.times import micros, moment
from tests.examples import examples

from .driver import (
    DAY,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    profile,
    purchase,
    reopened,
    resolved,
    returned,
    reward,
    rules,
    started,
)

MINUTE = timedelta(minutes=1)
HOLDS = timedelta(hours=2)
NEWS = {"template": "win-back"}
EXTRA = (
    {"name": "greeting", "triggers": ["subscription.started"], "for_each": "subscription_id", "delay": "1d",
     "cancel_on": ["subscription.cancelled"], "at_most_one_in": "30d", **NEWS},
    {"name": "lapse", "triggers": ["subscription.cancelled"], "restart": True, "delay": "50d",
     "cancel_on": ["subscription.started"], **NEWS},
    {"name": "sorry", "triggers": ["complaint.opened"], "for_each": "complaint_id", "delay": "1d",
     "cancel_on": ["complaint.closed"], "template": "complaint-check", "variables": ["complaint_id"]},
    {"name": "news", "triggers": ["complaint.acknowledged", "complaint.updated"], "every": True,
     "delay": "1d", "template": "complaint-acknowledged", "variables": ["complaint_id", "message"]},
    {"name": "promoter", "triggers": ["survey.answered"], "when": {"score": 10}, "delay": "1d", **NEWS},
)  # fmt: skip
SHIPPED = {rule.name: rule for rule in rules().rules}
RULES = rules(
    frequency_cap=None,
    quiet_hours=None,
    rules=(
        *(SHIPPED[name] for name in ("thank-you", "complaint-check", "win-back", "reward-available")),
        *map(Rule.model_validate, EXTRA),
    ),
)


class Told(NamedTuple):
    """A fact and when it happened."""

    at: datetime
    data: Data


Sent = set[tuple[str, datetime]]


def answer(score: int, about: str) -> SurveyAnswered:
    told = {"survey": "nps", "score": score, "about": {"kind": "order", "id": about}}
    return SurveyAnswered.model_validate(told)


def issued() -> RewardIssued:
    return RewardIssued(reward_id="r", voucher_code="v", expires_at=NOON + DAY)


def closed(id: str) -> ComplaintClosed:
    return ComplaintClosed(complaint_id=id)


def updated(id: str) -> ComplaintUpdated:
    return ComplaintUpdated(complaint_id=id, message="It is on its way.")


def acknowledged(id: str) -> ComplaintAcknowledged:
    return ComplaintAcknowledged(complaint_id=id)


FEW = st.sampled_from(["1", "2", "3"])
FACTS: st.SearchStrategy[Data] = st.one_of(
    st.builds(purchase, FEW),
    st.builds(returned, FEW, FEW),
    *(st.builds(make, st.just("k-1")) for make in (resolved, reopened, closed)),
    *(st.builds(make, st.sampled_from(["k-1", "k-2"])) for make in (resolved, closed, updated, acknowledged)),
    st.builds(started, FEW, st.sampled_from([NOON + 90 * DAY, NOON + 400 * DAY])),
    st.builds(SubscriptionCancelled, subscription_id=FEW),
    st.builds(reward),
    st.builds(issued),
    st.builds(answer, st.sampled_from([0, 10, 10]), st.sampled_from(["1", "2"])),
    st.builds(granted, st.sampled_from(["marketing", "marketing", "service"]), st.booleans()),
    st.builds(granted),
    st.builds(CustomerUpdated, email=st.sampled_from(["new@example.org", "old@example.org", None])),
    st.builds(CustomerUpdated, name=st.just("Ada King")),
)


@st.composite
def histories(draw: st.DrawFn, minutes: st.SearchStrategy[int]) -> list[Told]:
    """Facts of distinct times and names, in the order in which they happened."""
    facts = draw(st.lists(FACTS, max_size=14))
    facts += [opened(id) for id in draw(st.sets(st.sampled_from(["k-1", "k-2"])))]
    facts += [granted()] * draw(st.integers(0, 1))
    times = draw(st.lists(minutes, min_size=len(facts), max_size=len(facts), unique=True))
    names: set[Any] = set()
    told = []
    for minute, data in zip(times, facts, strict=True):
        name = (data.thing, *(str(getattr(data, field)) for field in data.named_by))
        if not data.thing or name not in names:
            names.add(name)
            told.append(Told(NOON + minute * MINUTE, data))
    return sorted(told, key=lambda one: one.at)


# --- the plain model


def of(told: Sequence[Told], kind: type[Data]) -> list[Told]:
    return [one for one in told if isinstance(one.data, kind)]


def last(told: Iterable[Told]) -> datetime:
    return max((one.at for one in told), default=NOON - 999 * DAY)


def expected(told: Sequence[Told]) -> Sent:
    """What is sent, of facts in the order in which they happened."""
    words = {(c.data.purpose): c.data.granted for c in of(told, ConsentChanged)}  # type: ignore[attr-defined]
    emails = [u.data.email for u in of(told, CustomerUpdated) if "email" in u.data.model_fields_set]  # type: ignore[attr-defined]
    address = emails[-1] if emails else "ada@example.org"
    lives = complaint_lives(told)
    held = any(life.is_open for life in lives.values())
    sent: Sent = set()
    if address and words.get("marketing", False) and not held:
        sent |= marketing(told)
    if address and words.get("service", True):
        for life in lives.values():
            asked = [s.at for s in life.taken if s.kind == RESOLVED]
            again = [s.at for s in life.taken if s.kind == REOPENED]
            sent |= {("news", moment(s.at) + DAY) for s in life.taken if s.kind in (ACKNOWLEDGED, UPDATED)}
            start = next((s.at for s in life.taken if s.kind == OPENED), None)
            if start is not None and start > max((s.at for s in life.taken if s.kind == CLOSED), default=0):
                sent.add(("sorry", moment(start) + DAY))
            if asked and max(asked) > max(again, default=0):
                sent.add(("complaint-check", moment(max(asked)) + 2 * DAY))
    return sent


def complaint_lives(told: Sequence[Told]) -> dict[str, Any]:
    steps: dict[str, Any] = {}
    for one in of(told, ComplaintsData):
        assert isinstance(one.data, ComplaintsData)
        step = step_of(one.data, micros(one.at))
        assert step is not None
        steps[one.data.complaint_id] = with_step(steps.get(one.data.complaint_id, ()), step)
    return {id: life_of(known) for id, known in steps.items()}


def marketing(told: Sequence[Told]) -> Sent:
    sent: Sent = set()
    gone_back = {r.data.order_id for r in of(told, PurchaseReturned)}  # type: ignore[attr-defined]
    bought = of(told, PurchaseMade)
    thanked = [p for p in bought if p.data.order_id not in gone_back]  # type: ignore[attr-defined]
    sent |= {("thank-you", p.at + HOLDS) for p in thanked[:1]}
    if bought:
        sent.add(("win-back", last(bought) + 60 * DAY))
    over = of(told, SubscriptionCancelled)
    begun = of(told, SubscriptionStarted)
    if over and last(over) > last(begun):
        sent.add(("lapse", last(over) + 50 * DAY))
    for start in begun:
        id = start.data.subscription_id  # type: ignore[attr-defined]
        if start.at > last(c for c in over if c.data.subscription_id == id):  # type: ignore[attr-defined]
            sent.add(("greeting", start.at + DAY))
            break
    offers = [r for r in of(told, RewardAvailable) if r.at > last(of(told, RewardIssued))]
    sent |= {("reward-available", r.at + 2 * DAY) for r in offers[:1]}
    final = {a.data.about.id: a for a in of(told, SurveyAnswered)}  # type: ignore[attr-defined]
    pleased = sorted(a.at for a in final.values() if a.data.score == 10)  # type: ignore[attr-defined]
    return sent | {("promoter", at + DAY) for at in pleased[:1]}


# --- the properties


def heard(order: Sequence[Told], gaps: Sequence[int] = ()) -> Driver:
    """Hear the facts in this order, with minutes between."""
    driver = Driver(policy=policy(RULES))
    driver.event(profile(), at=NOON - DAY)
    for number, one in enumerate(order):
        driver.event(one.data, at=one.at)
        driver.after((gaps[number] if number < len(gaps) else 0) * MINUTE)
    assert not driver.sent
    driver.until(NOON + 70 * DAY)
    assert not driver.timers
    assert not driver.worker.dead_letters
    return driver


def sent(driver: Driver) -> Sent:
    found = [(message["rule"], message["at"]) for message in driver.sent]
    assert len(found) == len(set(found))
    return set(found)


def copies(told: Sequence[Told], dice: Any) -> list[Told]:
    """In any order, some twice: whatever has a name, is a step or a word, is one thing under two ids."""
    again = [one for one in told if not isinstance(one.data, RewardAvailable) and dice.random() < 0.3]
    order = [*told, *again]
    dice.shuffle(order)
    return order


@given(histories(st.integers(-119, 20 * 60)), st.randoms(use_true_random=False))
@settings(max_examples=examples(300), deadline=None)
def test_every_order_of_arrival_sends_what_happened(told: list[Told], dice: Any) -> None:
    """Some clocks run ahead: what they tell counts with its own date. Not so a consent's, as a grant of the
    future must not outlast a withdrawal that is heard later: that is a test of its own (test_arrival)."""
    told = [one for one in told if one.at <= NOON or not isinstance(one.data, ConsentChanged)]
    assert sent(heard(copies(told, dice))) == expected(told)


@given(
    histories(st.integers(-60, -1)),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 3), max_size=19),
)
@settings(max_examples=examples(150), deadline=None)
def test_whenever_it_is_heard(told: list[Told], dice: Any, gaps: list[int]) -> None:
    assert sent(heard(copies(told, dice), gaps)) == expected(told)


def test_the_model_sees_messages_go() -> None:
    told = [
        Told(NOON - 50 * MINUTE, granted()),
        Told(NOON - 40 * MINUTE, purchase("1")),
        Told(NOON - 30 * MINUTE, purchase("2")),
        Told(NOON - 20 * MINUTE, returned("1")),
        Told(NOON - 10 * MINUTE, opened("k-1")),
        Told(NOON - 5 * MINUTE, resolved("k-1")),
    ]
    assert isinstance(told[-2].data, ComplaintOpened)
    assert {rule for rule, _ in expected(told)} == {"thank-you", "win-back", "complaint-check", "sorry"}
    assert sent(heard(told)) == expected(told)
