"""What a customer changes in the preference centre: told once, heard at once, and only what was changed."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.followup.models.preferences import asked
from services.followup.worker import handler_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.followup import OutreachRequested, UnsubscribeRequested
from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.customers import ConsentChanged, CustomerErased, CustomerUpdated
from shared.schemas.outreach import OutreachSent, OutreachSuppressed

from .driver import DAY, HOUR, NOON, Driver, granted, policy, profile, purchase, reachable, refusal, rules

EMAIL, EVENTS = "marketing|email", "marketing|email|events"


def wish(*words: tuple[Any, ...], **changes: Any) -> PreferencesRequested:
    names = ("purpose", "channel", "granted", "topic")
    told = [dict(zip(names, word, strict=False)) for word in words]
    return PreferencesRequested.model_validate({"words": told, **changes})


def said(driver: Driver) -> list[tuple[str, str, str | None, bool]]:
    return [(w.purpose, w.channel, w.topic_, w.granted) for w in driver.facts(ConsentChanged)]


def test_words_are_told_with_what_they_go_by_and_heard_at_once() -> None:
    driver = Driver()
    driver.event(wish(("marketing", "email", True), ("marketing", "email", False, "events")))
    assert said(driver) == [("marketing", "email", None, True), ("marketing", "email", "events", False)]
    assert {fact.evidence for fact in driver.facts(ConsentChanged)} == {"preference centre"}
    assert driver.state.word("marketing", "email", "recipes").granted
    assert not driver.state.word("marketing", "email", "events").granted
    driver.event(wish(("marketing", "email", True), ("marketing", "email", False, "events")))
    driver.event(wish(("marketing", "email", True, "recipes")))  # as all of it is
    assert len(said(driver)) == 2


def test_a_message_goes_by_what_was_ticked() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(wish(("marketing", "email", True)))
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert [message["rule"] for message in driver.sent] == ["thank-you"]


def test_what_is_told_is_what_others_would_make_the_same_of() -> None:
    """The state after the command is that after reading what it told."""
    mine, read = (InMemoryWorker(handler_of(policy()), now=NOON) for _ in range(2))
    mine.tell("c-1", wish(("marketing", "email", True), ("survey", "email", False), locale="de"))
    for event in mine.emitted:
        read.tell("c-1", event.data, at=event.time)
    but = {"wishes": True, "consents": {"__all__": {"event"}}}
    states = [one.state("c-1").model_dump(exclude=but) for one in (mine, read)]
    assert states[0] == states[1]
    assert len(mine.emitted) == 3


def test_the_language_is_told_once_and_a_known_country_stays() -> None:
    driver = Driver()
    driver.event(profile(locale="de-AT"), at=NOON + HOUR)
    driver.event(wish(locale="de"))
    assert driver.facts(CustomerUpdated) == []
    driver.event(wish(locale="fr"))
    [told] = driver.facts(CustomerUpdated)
    assert told.model_dump(exclude_unset=True) == {"locale": "fr"}
    assert (driver.state.locale, driver.state.name) == ("fr", "Ada Byron")
    assert driver.emitted[-1].time >= NOON + HOUR  # though a source's clock is ahead


def test_how_often_and_a_pause_are_kept() -> None:
    driver = Driver()
    driver.event(wish(frequency="weekly", pause=True))
    assert driver.state.wishes.frequency == "weekly"
    until = driver.state.wishes.paused_until
    driver.after(DAY)
    driver.event(wish(pause=True))  # the page was loaded again
    driver.event(wish())
    assert driver.state.wishes.paused_until == until
    driver.event(wish(pause=False, frequency="all"))
    assert driver.state.wishes.paused_until is None
    assert driver.state.wishes.frequency == "all"
    assert not driver.emitted


def test_a_pause_takes_back_what_is_with_the_sender() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert driver.statuses() == ["ready"]
    driver.event(wish(pause=True))
    assert driver.statuses() == ["cancelled"]


def test_nothing_is_kept_or_told_of_who_was_erased() -> None:
    driver = Driver()
    driver.event(wish(frequency="weekly", pause=True))
    driver.event(CustomerErased())
    assert driver.state.wishes.frequency == "all"
    assert refusal(driver, wish(("marketing", "email", True))).code == "erased"


def test_unsubscribing_from_a_topic_leaves_the_rest() -> None:
    driver = reachable(Driver())
    asked = {"purpose": "marketing", "channel": "email"}
    driver.event(UnsubscribeRequested.model_validate({**asked, "topic": "events"}))
    assert said(driver) == [("marketing", "email", "events", False)]
    assert driver.state.word("marketing", "email", None).granted


def test_unsubscribing_from_all_takes_topics_along() -> None:
    driver = reachable(Driver())
    for channel in ("email", "sms"):
        word = {"purpose": "marketing", "channel": channel, "topic": "events", "granted": True}
        driver.event(ConsentChanged.model_validate(word))
    asked = UnsubscribeRequested(purpose="marketing", channel="email")
    driver.event(asked)
    assert said(driver) == [("marketing", "email", None, False), ("marketing", "email", "events", False)]
    driver.event(asked)
    assert len(said(driver)) == 2
    assert driver.state.word("marketing", "sms", "events").granted


def test_a_state_of_before_wishes_is_read() -> None:
    driver = reachable(Driver())
    stored = driver.state.model_dump(mode="json", exclude={"wishes"})
    for consent in stored["consents"]:
        consent.pop("topic")
    assert type(driver.state).model_validate(stored) == driver.state


# The form


def form(row: str, was: str = "", want: str = "", **more: str) -> Mapping[str, list[str]]:
    boxes = {"row": row.split(), "was": was.split(), "want": want.split()}
    return {**boxes, **{name: [value] for name, value in more.items()}}


def words(found: PreferencesRequested) -> list[tuple[str | None, bool]]:
    return [(word.topic, word.granted) for word in found.words]


@pytest.mark.parametrize(
    ("was", "want", "told"),
    [
        ("", "", []),
        (EMAIL, EMAIL, []),
        ("", EMAIL, [(None, True), ("events", False)]),
        (f"{EMAIL} {EVENTS}", EMAIL, [("events", False)]),
        (f"{EMAIL} {EVENTS}", EVENTS, [(None, False), ("events", True)]),
        (f"{EMAIL} {EVENTS}", "", [(None, False), ("events", False)]),
        ("", EVENTS, [("events", True)]),
        ("", f"{EMAIL} {EVENTS}", [(None, True), ("events", True)]),
        (EVENTS, f"{EMAIL} {EVENTS}", [(None, True)]),
        (EMAIL, "", [(None, False)]),
    ],
)
def test_what_was_shown_holds(was: str, want: str, told: list[tuple[str | None, bool]]) -> None:
    assert words(asked(form(f"{EMAIL} {EVENTS}", was, want))) == told


@pytest.mark.parametrize("start", ["", EMAIL, EVENTS, f"{EMAIL} {EVENTS}"])
@pytest.mark.parametrize("want", ["", EMAIL, EVENTS, f"{EMAIL} {EVENTS}"])
def test_whatever_is_ticked_is_so_afterwards(start: str, want: str) -> None:
    """Whatever words have made what the centre showed before."""
    driver = Driver()
    rows = f"{EMAIL} {EVENTS}"
    for step in (start, want):
        known = driver.state
        was = [
            row for row, topic in ((EMAIL, None), (EVENTS, "events"))
            if (word := known.word("marketing", "email", topic)) is not None and word.granted
        ]  # fmt: skip
        driver.event(asked(form(rows, " ".join(was), step)))
    for row, topic in ((EMAIL, None), (EVENTS, "events")):
        word = driver.state.word("marketing", "email", topic)
        assert (word is not None and word.granted) == (row in want.split()), row


def test_the_button_that_stops_all_leaves_service_as_it_is() -> None:
    all_of_it = f"{EMAIL} {EVENTS} service|email survey|email"
    found = asked(form(all_of_it, all_of_it, all_of_it, stop="1"))
    assert {(word.purpose, word.granted) for word in found.words} == {("marketing", False)}
    assert len(found.words) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        form("everything|email", "", "everything|email"),
        form("marketing|no/such/channel", "", "marketing|no/such/channel"),
        form("|||", "|||"),
        form("", "", EMAIL),  # never shown
        form("marketing|email|", "", "marketing|email|" + "x" * 200),
        form("", frequency="daily", language="tlh"),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(body: Mapping[str, list[str]]) -> None:
    found = asked(body)
    assert not any(word.granted for word in found.words)
    assert (found.frequency, found.pause, found.locale) == (None, None, None)


@pytest.mark.parametrize(
    ("paused", "pause", "asks"), [("", "1", True), ("1", "", False), ("1", "1", None), ("", "", None)]
)
def test_a_pause_is_asked_for_by_a_change(paused: str, pause: str, asks: bool | None) -> None:
    assert asked(form("", paused=paused, **({"pause": pause} if pause else {}))).pause is asks


def test_granting_again_after_a_clock_that_is_ahead() -> None:
    driver = Driver()
    driver.event(granted(word=False), at=NOON + HOUR)
    driver.event(wish(("marketing", "email", True)))
    assert driver.state.word("marketing", "email", None).granted


# The gate


def news(driver: Driver) -> None:
    driver.event(
        OutreachRequested.model_validate(
            {"template": "news", "at": driver.now, "variables": {"subject": "News", "message": "There."}}
        )
    )


def test_a_pause_refuses_what_is_due_until_it_ends() -> None:
    driver = reachable(Driver())
    driver.event(wish(pause=True))
    refused = refusal(driver, OutreachRequested(template="news", variables={"subject": "s", "message": "m"}))
    assert refused.code == "frequency_cap"
    driver.event(purchase())
    driver.after(3 * HOUR)
    [told] = driver.facts(OutreachSuppressed)
    assert (told.reason, told.detail) == ("frequency_cap", "paused at the customer's wish")
    assert told.next_at == NOON + 30 * DAY
    driver.event(
        OutreachRequested(template="note", variables={"subject": "Yours", "message": "It is on its way."})
    )
    assert [message["rule"] for message in driver.sent] == ["manual"]  # service comes
    driver.until(NOON + 30 * DAY)
    news(driver)
    assert len(driver.sent) == 2


@pytest.mark.parametrize(("frequency", "days"), [("weekly", 7), ("monthly", 30)])
def test_a_wish_is_a_cap(frequency: str, days: int) -> None:
    driver = reachable(Driver(policy=policy(rules(frequency_cap=None))))
    news(driver)
    driver.event(wish(frequency=frequency))  # what was sent before it counts
    assert len(driver.sent) == 1
    at = NOON + days * DAY
    driver.until(at - HOUR)
    refused = refusal(driver, OutreachRequested(template="news", variables={"subject": "s", "message": "m"}))
    assert refused.code == "frequency_cap"
    driver.until(at)
    news(driver)
    assert len(driver.sent) == 2
    driver.event(wish(frequency="all"))
    news(driver)
    assert len(driver.sent) == 3


def test_the_event_that_a_box_made_is_what_a_message_cites() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(wish(("survey", "email", True), ("marketing", "email", True)))
    news(driver)
    [sent] = driver.facts(OutreachSent)
    assert sent.consent is not None
    cited = [e for e in driver.emitted if (e.source, e.id) == (sent.consent.source, sent.consent.id)]
    assert [(e.data.purpose, e.data.granted) for e in cited] == [("marketing", True)]
