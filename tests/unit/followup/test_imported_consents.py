"""What an import says of consents: it does not bring back what the customer withdrew, here as in the 360."""

from datetime import timedelta
from typing import Any

from services.followup.domain.preferences.changing import LINK
from shared.facts.consents import IMPORTED
from shared.schemas.commands.followup import UnsubscribeRequested
from shared.schemas.customers import ConsentChanged
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachSent, OutreachSuppressed

from .driver import HOUR, NOON, Driver, granted, profile, purchase


def imported(driver: Driver, id: str = "i-1", **data: Any) -> None:
    said = ConsentChanged.model_validate(granted().model_dump(by_alias=True) | data)
    at = driver.now - timedelta(minutes=1)
    driver.send(Event(id, "/old", driver.customer, at, said, extensions={IMPORTED: True}))


def bought(driver: Driver) -> list[str]:
    """What comes of an order: the reasons for which nothing goes, or ``sent``."""
    driver.event(purchase(f"o-{driver.now:%d}"))
    before = len(driver.facts(OutreachSuppressed)), len(driver.facts(OutreachSent))
    driver.after(48 * HOUR)
    refused, sent = driver.facts(OutreachSuppressed)[before[0] :], driver.facts(OutreachSent)[before[1] :]
    return [*(fact.reason for fact in refused), *("sent" for _ in sent)]


def unsubscribed(driver: Driver) -> None:
    driver.event(UnsubscribeRequested(purpose="marketing", channel="email"))


def test_no_message_goes_by_an_import_after_the_link_was_used() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(granted())
    unsubscribed(driver)
    driver.after(HOUR)
    imported(driver)
    assert driver.state.consents[0].granted is False
    assert set(bought(driver)) == {"no_consent"}
    imported(driver, evidence="form 3")  # the same id, with what it goes by
    assert driver.state.consents[0].granted is True
    assert "sent" in bought(driver)


def test_without_a_word_of_their_own_an_import_is_enough() -> None:
    driver = Driver()
    driver.event(profile())
    imported(driver)
    assert "sent" in bought(driver)


def test_a_customer_says_themself_what_an_import_alone_had_said() -> None:
    driver = Driver(now=NOON)
    imported(driver, granted=False)
    unsubscribed(driver)
    assert [fact.evidence for fact in driver.facts(ConsentChanged)] == [LINK]
    driver.after(HOUR)
    imported(driver, id="i-2")
    assert driver.state.consents[0].granted is False
    unsubscribed(driver)
    assert len(driver.facts(ConsentChanged)) == 1  # what they said already is not told again
