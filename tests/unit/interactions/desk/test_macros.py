"""Macros: tried when the file is read, filled in for a customer, in the customer's language."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.interactions.config import load_desk, parse_desk
from services.interactions.domain.conversations.course import course
from services.interactions.domain.desk.macros import SAMPLE, Macro, written
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.desk.shown import shown, zone
from services.interactions.models.macros import macro_views
from shared.runtime.config import ConfigError
from shared.schemas.complaints import ComplaintResolved
from shared.schemas.customers import CustomerRegistered
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.purchases import SubscriptionStarted

from ..talk import complained, says, story, worker_of
from ..told import CUSTOMER, fold

DESK = "teams: [{id: service, default: true}]"


def desk(**text: str) -> Desk:
    """One with a macro."""
    lines = "".join(f"\n      {language}: {said!r}" for language, said in text.items())
    return parse_desk(f"{DESK}\nmacros:\n  - name: one\n    text:{lines}")


def said(text: str, *wanted: str, where: str = "UTC", **other: Any) -> str | None:
    macro = desk(en=text, de=text).macros[0]
    return written(macro, {**SAMPLE, **other}, wanted, ZoneInfo(where)).text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{{ customer.nmae }}", "macros[0].text.en: 'dict object' has no attribute 'nmae' (line 1)"),
        ("one\n{% if %}", "macros[0].text.en: "),
        ("{{ order.id }}", "macros[0].text.en: 'order' is undefined (line 1)"),
        ("Dear {{ customer.name }}, hello", "where there is no name: ask {% if customer.name %}"),
        ("You have {{ customer.points }} points", "where there is no points: ask {% if customer.points %}"),
        ("{% for x in range(900) %}{% for y in range(900) %}x{% endfor %}{% endfor %}", "it does not end"),
        ("{{ customer.__class__ }}", "macros[0].text.en: "),
        ("{{ complaint.due_at|moment }}", "No filter named 'moment'"),
        ("", "macros[0].text.en: "),
    ],
)
def test_what_cannot_be_written_stops_the_start(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as found:
        desk(en=text)
    assert error in str(found.value)


def test_names_and_languages_are_checked() -> None:
    for wrong, error in (
        ("macros: [{name: a, text: {}}]", "macros[0].text: "),
        ("macros: [{name: a b, text: {en: x}}]", "macros[0].name: "),
        ("macros: [{name: a, text: {English: x}}]", "macros[0].text.English"),
        ("macros: [{name: a, text: {en: x}, channels: [fax]}]", "macros[0].channels[0]: "),
        ("macros: [{name: a, text: {en: x}}, {name: a, text: {en: y}}]", "macros[1].name: is used twice: a"),
    ):
        with pytest.raises(ConfigError) as found:
            parse_desk(f"{DESK}\n{wrong}")
        assert error in str(found.value)


def test_those_that_ship_are_there_in_three_languages() -> None:
    for macro in load_desk().macros:
        assert {*macro.text} == {*macro.title} == {"en", "de", "es"}


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (("de-AT",), "de"), (("de_AT",), "de"), (("DE",), "de"), (("pt-PT",), "pt-BR"), (("fr",), "en"),
        (("fr", "es"), "es"), ((None,), "en"), ((), "en"), (("pt-BR",), "pt-BR"),
    ],
)  # fmt: skip
def test_it_is_in_the_language_that_is_wanted_most(wanted: tuple[str | None, ...], language: str) -> None:
    macro = Macro.model_validate(
        {"name": "a", "text": {"es": "hola", "en": "hello", "de": "hallo", "pt-BR": "oi"}}
    )
    assert macro.language(wanted) == language


def test_dates_and_numbers_read_as_in_the_customers_country() -> None:
    assert said("{{ customer.points|number }}", "de-AT") in ("1 234", "1\u202f234", "1.234")
    assert said("{{ customer.points|number }}", "en") == "1,234"
    assert said("{{ complaint.opened_at|date }}", "en-US") == "November 20, 2026"
    late = {**(SAMPLE["complaint"]), "opened_at": "2026-11-20T23:30:00+00:00"}
    assert said("{{ complaint.opened_at|date }}", "de", where="Europe/Berlin", complaint=late) == (
        "21. November 2026"
    )


def test_preferences_are_whatever_sources_know() -> None:
    text = "{% if customer.preferences.fit %}Your fit: {{ customer.preferences.fit }}{% else %}-{% endif %}"
    assert said(text) == "-"
    customer = {**SAMPLE["customer"], "preferences": type(SAMPLE["customer"]["preferences"])(fit="slim")}
    assert said(text, customer=customer) == "Your fit: slim"


def test_what_is_about_something_that_is_not_there_has_no_text() -> None:
    macro = desk(en="About {{ complaint.id }}.").macros[0]
    one = written(macro, {**SAMPLE, "complaint": None}, ())
    assert (one.text, one.lacks) == (None, ("complaint",))
    macro = desk(en="{% if complaint %}About {{ complaint.id }}.{% else %}Hello.{% endif %}").macros[0]
    assert written(macro, {**SAMPLE, "complaint": None}, ()).text == "Hello."


def test_a_customers_words_are_words() -> None:
    customer = {**SAMPLE["customer"], "name": "{{ 7 * 7 }} <b>"}
    assert said("Hello{% if customer.name %} {{ customer.name }}{% endif %}", customer=customer) == (
        "Hello {{ 7 * 7 }} <b>"
    )


def test_all_that_macros_may_say_is_what_the_sample_has() -> None:
    told = [
        CustomerRegistered.model_validate({"name": "Ann", "locale": "de-DE", "timezone": "Europe/Berlin"}),
        says(conversation_id="c-1", subject="Order"),
        complained("c-1"),
        MemberEnrolled(),
        TierChanged.model_validate({"from": "blue", "to": "gold", "direction": "up"}),
        SubscriptionStarted.model_validate({
            "subscription_id": "s-1", "plan": "monthly", "price": {"amount": 1, "currency": "EUR"},
            "expires_at": "2026-12-01T00:00:00Z",
        }),
    ]  # fmt: skip
    customer = worker_of(story(*enumerate(told))).state(CUSTOMER)
    found = course(customer.conversations).of("c-1")
    assert found is not None
    seen = shown(customer, found, "a-1", "Ann")
    assert seen.keys() == SAMPLE.keys()
    for thing, fields in SAMPLE.items():
        assert (seen[thing] or {}).keys() == fields.keys()
    assert (seen["customer"] or {})["tier"] == "gold"
    assert zone(customer).key == "Europe/Berlin"
    views = macro_views(load_desk(), customer, found, channel="chat", agent_id="a-1", titles="es")
    assert {view.language for view in views} == {"de"}
    assert views[0].title == "Primera respuesta"
    assert all(view.text for view in views)
    later = worker_of(story(*enumerate([*told, ComplaintResolved(complaint_id="x-1", resolution="done")])))
    resolved = later.state(CUSTOMER)
    assert shown(resolved, found, None, None)["complaint"] is None


def test_a_customer_of_whom_nothing_is_known() -> None:
    customer = fold(story((0, says(conversation_id="c-1"))))
    (found,) = course(customer.conversations).open.values()
    views = {
        view.name: view for view in macro_views(load_desk(), customer, found, channel=None, agent_id=None)
    }
    assert (views["first-answer"].text or "").startswith("Hello,\n")
    assert (views["about-your-complaint"].text, views["about-your-complaint"].lacks) == (None, ["complaint"])


def test_it_is_offered_for_the_channels_that_it_is_for() -> None:
    customer = fold(story((0, says(conversation_id="c-1"))))
    (found,) = course(customer.conversations).open.values()
    macros = "[{name: a, text: {en: x}, channels: [sms]}, {name: b, text: {en: y}}]"
    two = parse_desk(f"{DESK}\nmacros: {macros}")
    for channel, names in (("sms", ["a", "b"]), ("email", ["b"]), (None, ["a", "b"])):
        views = macro_views(two, customer, found, channel=channel, agent_id=None)
        assert [view.name for view in views] == names
