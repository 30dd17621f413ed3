"""A rule's class decides what its messages count as, whatever its template's purpose: for holds, the guard,
and the addresses that are used no more."""

import pytest

from services.followup.domain.rows import TRAFFIC, Delivery
from services.followup.domain.state import Customer
from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.commands.receipts import ReceiptReported

from .driver import NOON, Driver, granted, opened, purchase
from .gated import driven, rule, told

CLASSES = [("marketing", "marketing"), ("service", "service"), (None, "service")]


def sold(of: str | None = "marketing", *, instant: bool = True, purpose: str = "service") -> Driver:
    """A message of that class over a template of the purpose is on its way, or went."""
    said = {} if of is None else {"class": of}
    driver = driven(rule(**said), instant=instant, purpose=purpose)
    driver.event(granted(purpose))
    driver.event(purchase())
    return driver


def heard(driver: Driver, what: str = "complained", **more: str) -> Customer:
    (outreach_id,) = driver.rows
    driver.event(ReceiptReported.model_validate({"outreach_id": outreach_id, "what": what, **more}))
    return driver.state


@pytest.mark.parametrize(("of", "counts_as"), CLASSES)
def test_a_complaint_about_marketing_leaves_what_is_owed(of: str | None, counts_as: str) -> None:
    driver = sold(of)
    assert [one.of for one in heard(driver).suppressed] == [counts_as]


@pytest.mark.parametrize(("of", "counts_as"), CLASSES)
def test_what_comes_back_goes_by_the_class(of: str | None, counts_as: str) -> None:
    assert [one.of for one in heard(sold(of), "bounced", kind="hard").suppressed] == [counts_as]
    assert [one.of for one in heard(sold(of), "bounced", kind="soft").soft_bounces] == [counts_as]


def test_a_survey_that_is_owed_is_service() -> None:
    driver = sold("service", purpose="survey")
    assert [one.of for one in heard(driver).suppressed] == ["service"]


@pytest.mark.parametrize(("of", "counts_as"), CLASSES)
def test_the_guard_watches_marketing_by_its_class(of: str | None, counts_as: str) -> None:
    driver = sold(of)
    watched = [row["key"] for row in driver.worker.rows(TRAFFIC)]
    assert watched == ([f"{NOON:%Y-%m-%d} bought example.org"] if counts_as == "marketing" else [])


@pytest.mark.parametrize(("of", "counts_as"), CLASSES)
def test_the_sender_is_told_the_class(of: str | None, counts_as: str) -> None:
    driver = sold(of, instant=False)
    (row,) = driver.rows.values()
    delivery = Delivery.model_validate(row)
    assert (delivery.class_, delivery.purpose) == (counts_as, "service")
    old = Delivery.model_validate({name: value for name, value in row.items() if name != "class"})
    assert old.class_ is None


@pytest.mark.parametrize(("of", "counts_as"), CLASSES)
def test_a_complaint_that_opens_takes_marketing_back_by_its_class(of: str | None, counts_as: str) -> None:
    driver = sold(of, instant=False)
    driver.event(opened())
    assert driver.statuses() == ["cancelled" if counts_as == "marketing" else "ready"]


@pytest.mark.parametrize(("of", "counts_as"), CLASSES)
def test_a_pause_takes_marketing_back_by_its_class(of: str | None, counts_as: str) -> None:
    driver = sold(of, instant=False)
    driver.event(PreferencesRequested(pause=True))
    assert driver.statuses() == ["cancelled" if counts_as == "marketing" else "ready"]


def test_consent_is_of_the_templates_purpose_still() -> None:
    driver = driven(rule(**{"class": "marketing"}), purpose="service")
    driver.event(granted(word=False))
    driver.event(purchase())
    assert len(driver.sent) == 1
    assert not told(driver)
