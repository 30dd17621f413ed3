"""What customers choose among, of the rules that ship."""

import pytest

from shared.pages.readers import LANGUAGES
from shared.schemas.commands.followup import UnsubscribeRequested
from shared.schemas.loyalty import MemberEnrolled

from .driver import DAY, NOON, rules
from .shop import ada, bought, nps


@pytest.mark.parametrize(
    ("given_up", "left"),
    [
        (None, {"invite-friends", "members-evening"}),
        ("ideas", {"members-evening"}),
        ("events", {"invite-friends"}),
        ("reminders", {"invite-friends", "members-evening"}),
    ],
)
def test_who_gives_up_one_topic_keeps_the_others(given_up: str | None, left: set[str]) -> None:
    driver = ada(preferences={"interests": ["wine"]})
    driver.event(MemberEnrolled(channel="store"), at=NOON - 400 * DAY)
    if given_up is not None:
        told = {"purpose": "marketing", "channel": "email", "topic": given_up}
        driver.event(UnsubscribeRequested.model_validate(told))
    driver.event(bought("o-1", store_id="main-street", channel="store"))
    driver.event(nps(10))
    driver.after(3 * DAY)
    went = {message["rule"] for message in driver.sent}
    assert went & {"invite-friends", "members-evening"} == left
    assert "thank-you" in went, "it is about none"


def test_a_topic_is_named_in_every_language_and_is_one_of_a_rule() -> None:
    shipped = rules()
    for topic in shipped.topics:
        assert set(topic.label) == set(LANGUAGES)
    used = {rule.topic for rule in shipped.rules if rule.topic}
    assert used == {topic.name for topic in shipped.topics}


def test_what_goes_as_one_mail_has_no_topic_of_its_own() -> None:
    assert {rule.topic for rule in rules().rules if rule.bundle} == {None}
