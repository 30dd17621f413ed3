"""The rules that ship, each by a story: who gets its message, and who does not."""

from datetime import timedelta

import pytest

from shared.schemas.complaints import ComplaintClosed
from shared.schemas.feedback import ReferralMade, ReviewPosted, SurveyAnswered
from shared.schemas.insights import FeedbackActed
from shared.schemas.interactions import ConversationClosed
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.outreach import OutreachGoalReached, OutreachScheduled, OutreachSent, OutreachSuppressed
from shared.schemas.purchases import SubscriptionRenewed
from shared.schemas.teams import TaskOpened

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    purchase,
    reachable,
    reopened,
    resolved,
    returned,
    reward,
    rules,
    started,
    tier,
)
from .shop import ada, against, bought, contact, nps, sent


def test_help_with_setting_up_what_needs_it() -> None:
    driver = ada()
    driver.event(bought("o-1", categories=("books",)))
    driver.event(bought("o-2", categories=("books", "coffee machines")))
    driver.event(bought("o-3", categories=("bicycles",)))
    driver.event(returned("o-2"))
    driver.after(4 * DAY)
    [message] = sent(driver, "setup-help")
    assert message["at"] == NOON + 2 * DAY
    assert "setting it up" in message["text"]
    assert message["purpose"] == "service"


def test_a_review_is_asked_for_once_in_a_while_of_who_writes_none() -> None:
    driver = ada()
    driver.event(bought("o-1", 2900))
    driver.event(bought("o-2", 9900, channel="store"))
    driver.event(bought("o-3", 3000))
    driver.after(DAY)
    driver.event(bought("o-4", 3000))
    driver.after(40 * DAY)
    assert [message["at"] for message in sent(driver, "review-request")] == [NOON + 14 * DAY]
    writes = ada()
    writes.event(bought("o-1", 3000))
    writes.after(10 * DAY)
    writes.event(ReviewPosted(sku="sku-books", rating=5))
    writes.after(10 * DAY)
    assert not sent(writes, "review-request")
    assert against(writes, "review-request") == ["if: !feedback.reviews.exists(r, days_since(r.at) <= 14)"]


def test_nps_is_asked_at_most_every_90_days() -> None:
    driver = ada()
    for month in range(8):
        driver.until(NOON + month * 30 * DAY)
        driver.event(bought(f"o-{month}", 6000))
    driver.after(30 * DAY)
    asked = [message["at"] for message in sent(driver, "nps")]
    assert asked == [NOON + 7 * DAY, NOON + 97 * DAY, NOON + 187 * DAY]
    assert "recommend us" in sent(driver, "nps")[0]["text"]
    answered = ada()
    answered.event(nps(9))
    answered.after(30 * DAY)
    answered.event(bought("o-1", 6000))
    answered.after(30 * DAY)
    assert not sent(answered, "nps"), "who has just told is not asked"


def test_satisfaction_is_asked_after_a_conversation() -> None:
    driver = ada()
    driver.event(ConversationClosed(conversation_id="v-1", outcome="solved"))
    driver.after(DAY)
    driver.event(ConversationClosed(conversation_id="v-2", outcome="solved"))
    driver.after(DAY)
    [message] = sent(driver, "csat-support")
    assert message["at"] == NOON + 2 * HOUR
    assert message["purpose"] == "survey"


def test_satisfaction_is_asked_after_a_complaint_but_not_twice() -> None:
    driver = ada()
    driver.event(opened(), at=NOON - 3 * DAY)
    driver.event(resolved(), at=NOON - 2 * DAY)
    driver.event(ComplaintClosed(complaint_id="k-1"))
    driver.after(2 * DAY)
    [message] = sent(driver, "csat-complaint")
    assert "complaint k-1 is closed" in message["text"]
    for told in (reopened(), SurveyAnswered(survey="csat", score=4)):
        other = ada()
        other.event(opened(), at=NOON - 3 * DAY)
        other.event(resolved(), at=NOON - 2 * DAY)
        other.event(ComplaintClosed(complaint_id="k-1"))
        other.after(HOUR)
        other.event(told)
        other.after(2 * DAY)
        assert not sent(other, "csat-complaint")


def test_promoters_are_invited_to_bring_a_friend_once_a_year() -> None:
    driver = ada()
    driver.event(nps(8))
    driver.event(nps(9, about={"kind": "order", "id": "o-1"}))
    driver.after(30 * DAY)
    driver.event(nps(10))
    driver.after(30 * DAY)
    invited = [(message["template"], message["at"]) for message in sent(driver, "invite-friends")]
    assert invited == [("invite-friends", NOON + DAY), ("invite-friends-again", NOON + 15 * DAY)]
    brought = ada()
    brought.event(nps(9))
    brought.after(10 * DAY)
    brought.event(ReferralMade(referred_customer="c-2"))
    brought.after(30 * DAY)
    assert [message["at"] for message in sent(brought, "invite-friends")] == [NOON + DAY]
    assert [goal.rule for goal in brought.facts(OutreachGoalReached)] == ["invite-friends"]
    unhappy = ada()
    unhappy.event(nps(10))
    unhappy.event(opened())
    unhappy.after(2 * DAY)
    assert not sent(unhappy, "invite-friends")


def test_detractors_are_called_by_a_person() -> None:
    driver = ada()
    driver.event(nps(3, comment="Nobody answered.", reason="service"))
    driver.after(2 * HOUR)
    [task] = driver.facts(TaskOpened)
    assert (task.kind, task.customer_id, task.due_at) == ("call", "c-1", NOON + HOUR + 2 * DAY)
    assert "Ada Byron would not recommend us: 3 of 10." in task.text
    assert "Nobody answered." in task.text
    driver.event(nps(7))
    driver.event(nps(2))
    driver.after(2 * DAY)
    assert len(driver.facts(TaskOpened)) == 1, "nobody is called twice within a month"
    complains = ada()
    complains.event(opened())
    complains.event(nps(0))
    complains.after(DAY)
    assert not complains.facts(TaskOpened), "somebody deals with it already"
    assert against(complains, "call-detractor") == ["if: complaints.open == 0"]


def test_sales_call_about_what_goes_with_it() -> None:
    driver = ada()
    driver.event(bought("o-1", categories=("coffee machines", "coffee")))
    driver.event(bought("o-2", categories=("coffee machines",)))
    driver.after(4 * DAY)
    [task] = driver.facts(TaskOpened)
    assert "order o-2" in task.text
    assert [event.subject for event in driver.emitted if event.data is task] == ["sales"]
    silent = ada()
    silent.event(granted("marketing", channel="phone", word=False))
    silent.event(bought("o-2", categories=("coffee machines",)))
    silent.after(4 * DAY)
    assert not silent.facts(TaskOpened)


def test_who_hesitates_is_offered_help() -> None:
    def asks(times: int, *, buys: bool = False, sku: str = "pot") -> Driver:
        driver = ada()
        for _ in range(times):
            driver.event(contact("question", sku))
            driver.after(DAY)
        if buys:
            driver.event(purchase())
        driver.after(3 * DAY)
        return driver

    driver = asks(3)
    [message] = sent(driver, "still-deciding")
    assert message["at"] == NOON + 4 * DAY, "two days after the last of them"
    assert not sent(asks(2), "still-deciding")
    assert not sent(asks(3, buys=True), "still-deciding")
    general = ada()
    for _ in range(5):
        general.event(contact("question"))
        general.event(contact("question", "pot", direction="outbound"))
        general.after(HOUR)
    general.after(9 * DAY)
    assert not general.facts(OutreachScheduled)


def test_who_looks_in_often_and_does_not_buy_is_greeted() -> None:
    def looks(last_bought: int | None) -> Driver:
        driver = ada()
        if last_bought is not None:
            driver.event(purchase(), at=NOON - last_bought * DAY)
        return looking(driver)

    def looking(driver: Driver) -> Driver:
        for _ in range(4):
            driver.event(contact("visit"))
            driver.after(2 * DAY)
        driver.after(4 * DAY)
        return driver

    assert len(sent(looks(None), "good-to-see-you")) == 1
    assert len(sent(looks(100), "good-to-see-you")) == 1
    assert not sent(looks(20), "good-to-see-you")
    arms = {}
    for number in range(60):
        one = looking(reachable(Driver(policy=policy(rules()), customer=f"c-{number}")))
        [told] = one.facts(OutreachSent) or one.facts(OutreachSuppressed)
        arms[number] = told.variant if isinstance(told, OutreachSent) else told.reason
    assert set(arms.values()) == {"looking", "advice", "holdout"}
    assert 1 <= [*arms.values()].count("holdout") <= 15, "one in ten"


def test_who_asked_for_it_is_told_what_changed() -> None:
    driver = ada()
    driver.event(FeedbackActed(theme="opening hours", text="We are open on Mondays now."))
    driver.event(FeedbackActed(theme="queues", text="There is a second till."))
    driver.after(HOUR)
    texts = [message["text"] for message in sent(driver, "what-changed")]
    assert ["We are open on Mondays now." in text for text in texts].count(True) == 1
    assert len(texts) == 2


@pytest.mark.parametrize(("tags", "invited"), [((), 1), (("circle",), 0)])
def test_new_vips_are_invited_to_the_circle(tags: tuple[str, ...], invited: int) -> None:
    driver = ada(tags=tags)
    driver.event(tier("gold"))
    driver.event(tier("vip"))
    driver.after(4 * DAY)
    assert len(sent(driver, "vip-circle")) == invited
    fell = ada()
    fell.event(tier("vip"))
    fell.after(DAY)
    fell.event(tier("gold", "down"))
    fell.after(4 * DAY)
    assert not sent(fell, "vip-circle")


@pytest.mark.parametrize(
    ("store", "interests", "invited"),
    [("main-street", ["wine", "tea"], 1), ("main-street", ["tea"], 0), ("harbour", ["wine"], 0)],
)
def test_members_evenings_go_by_interest_and_store(store: str, interests: list[str], invited: int) -> None:
    driver = ada(preferences={"interests": interests})
    driver.event(MemberEnrolled(channel="store"), at=NOON - 90 * DAY)
    driver.event(bought("o-1", channel="store", store_id=store))
    driver.after(2 * DAY)
    assert len(sent(driver, "members-evening")) == invited


def test_a_subscription_business_asks_after_a_renewal() -> None:
    driver = ada("subscription")
    term = started("s-1", NOON + 400 * DAY).model_dump()
    driver.event(SubscriptionRenewed.model_validate(term))
    driver.after(15 * DAY)
    assert [message["at"] for message in sent(driver, "nps")] == [NOON + 14 * DAY]
    driver.event(nps(2))
    driver.after(2 * HOUR)
    assert len(driver.facts(TaskOpened)) == 1


def test_an_ordinary_year_is_not_louder() -> None:
    """A customer of the shop who buys each week, in the shop, gets what they got before these rules."""
    driver = ada()
    for week in range(52):
        driver.until(NOON + week * timedelta(days=7))
        driver.event(bought(f"o-{week}", 8000, channel="in_store", store_id="store-1"))
    driver.after(20 * DAY)
    assert {message["rule"] for message in driver.sent} == {"thank-you"}
    assert {(one.rule, one.reason) for one in driver.facts(OutreachSuppressed)} == {
        ("thank-you", "duplicate")
    }


def test_thanks_and_a_higher_tier_go_in_one_mail() -> None:
    """A purchase that makes somebody gold: congratulations an hour after, thanks two hours after."""
    driver = ada()
    driver.event(bought("o-1", 8000, channel="in_store"))
    driver.event(tier("gold"))
    driver.event(reward())  # two days later, by itself
    driver.after(DAY)
    (mail,) = driver.sent
    assert (mail["rule"], mail["at"]) == ("tier-up", NOON + 2 * HOUR)
    assert mail["subject"] == "Congratulations: you have reached gold"
    assert "Thank you from Rapport Store\n" in mail["text"]
    assert sorted(fact.rule for fact in driver.facts(OutreachSent)) == ["thank-you", "tier-up"]
    driver.after(2 * DAY)
    assert [message["rule"] for message in driver.sent] == ["tier-up", "reward-available"]
