"""Messages in the customer's language: which it is, and what becomes of what is not there in it."""

from pathlib import Path
from typing import Any

import pytest

from services.followup.config import load_templates
from services.followup.domain.messages.channel import Message
from services.followup.domain.messages.check import NAME, reader, samples, uses, written
from services.followup.domain.messages.templates import Templates
from services.followup.domain.state import Customer
from services.followup.domain.tasks import TASKS
from shared.facts.profile import profile_told
from shared.runtime.config import ConfigError
from shared.schemas.customers import CustomerUpdated
from shared.templates.catalogue import CatalogueFaultError, parsed
from shared.templates.greeting import called

from .driver import CHANNELS, HOUR, Driver, policy, profile, purchase, reachable, rules
from .test_rules import changed, policy_of

ALL = {**CHANNELS, **TASKS}

EMAIL = CHANNELS["email"]
POINTS = {
    "points": 1250,
    "balance": 4800,
    "expires_at": "2026-03-01T12:00:00Z",
    "last_at": "2026-03-01T13:00:00Z",
}


def customer(name: str | None = "Ada Byron", locale: str | None = None) -> Customer:
    told = CustomerUpdated.model_validate({"name": name or " ", **({"locale": locale} if locale else {})})
    return Customer(customer_id="c", profile=profile_told({}, told, 0))


def said(
    lives: str | None, template: str = "points-expiring", templates: Templates | None = None, **more: Any
) -> Message:
    return (templates or load_templates(None)).render(
        template, EMAIL, customer(locale=lives), POINTS, sender="Store", unsubscribe_url="U", **more
    )


@pytest.mark.parametrize(
    ("locale", "subject", "piece"),
    [
        ("de", "Bald verfallen: 1.250 Punkte", "Guten Tag Ada Byron,"),
        ("de-AT", "Bald verfallen: 1.250 Punkte", "vor dem 1. März 2026"),
        ("de_CH", "Bald verfallen: 1’250 Punkte", "Guten Tag Ada Byron,"),
        ("DE-at", "Bald verfallen: 1.250 Punkte", "Guten Tag Ada Byron,"),
        ("de-Latn-DE-1996", "Bald verfallen: 1.250 Punkte", "Guten Tag Ada Byron,"),
        ("es-AR", "Caducan pronto: 1.250 puntos", "Hola, Ada Byron:"),
        ("fr-CA", "Bientôt expirés : 1 250 points", "Bonjour Ada Byron,"),
        ("en-US", "1,250 points will expire soon", "on March 1, 2026"),
        ("en", "1,250 points will expire soon", "on 1 March 2026"),
        ("pt-BR", "1,250 points will expire soon", "on 1 March 2026"),
        ("xx-yy-zz", "1,250 points will expire soon", "Dear Ada Byron,"),
        (None, "1,250 points will expire soon", "Dear Ada Byron,"),
    ],
)
def test_the_customers_locale_its_language_then_english(locale: str | None, subject: str, piece: str) -> None:
    message = said(locale)
    assert message.subject == subject
    assert piece in message.text
    assert piece in message.html
    assert f'<html lang="{(locale or "en")[:2].lower()}"' in message.html or locale in ("pt-BR", "xx-yy-zz")


def test_the_files_language_stands_in_for_what_is_not_known(tmp_path: Path) -> None:
    assert (
        said(None, locale="de").subject
        == said("pt", locale="de-DE").subject
        == "Bald verfallen: 1.250 Punkte"
    )
    assert said("en", locale="de").subject == "1,250 points will expire soon"
    with pytest.raises(ConfigError, match=r"locale: there is no catalogue it\.po"):
        policy_of(rules=changed(tmp_path, "locale", to="it-IT"))
    driver = Driver(policy=policy_of(rules=changed(tmp_path, "locale", to="de")))
    reachable(driver)
    driver.event(purchase())
    driver.after(2 * HOUR)
    assert driver.sent[-1]["subject"] == "Rapport Store sagt Danke"


def test_a_message_goes_in_the_language_of_the_customer() -> None:
    driver = reachable(Driver())
    driver.event(profile(locale="fr-FR"))
    driver.event(purchase())
    driver.after(2 * HOUR)
    assert driver.sent[-1]["subject"] == "Rapport Store vous remercie"
    assert "Merci de nous avoir choisis." in driver.sent[-1]["text"]


# --- what is not there in a language


def own(tmp_path: Path, **files: str) -> Templates:
    for name, text in files.items():
        file = tmp_path / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return load_templates(tmp_path)


def test_a_message_is_never_in_two_languages(tmp_path: Path) -> None:
    news = "{% extends 'layout.txt' %}{% block body %}{% trans %}Brand new.{% endtrans %}\n{% endblock %}"
    templates = own(tmp_path, **{"thank-you_txt": news})
    message = said("de", "thank-you", templates)
    assert message.subject == "Thank you from Store"
    assert message.text.startswith("Dear Ada Byron,\n\nBrand new.\n\n--\nYou get this e-mail as")
    assert 'lang="en"' in message.html
    assert said("de", templates=templates).subject.startswith("Bald verfallen")


def test_a_catalogue_of_ones_own_adds_languages_and_changes_words(tmp_path: Path) -> None:
    msgid = 'msgid "Thank you from %(sender)s"\nmsgstr "'
    news = "{% trans sender=sender %}Thank you from {{ sender }}{% endtrans %}"
    templates = own(
        tmp_path,
        locales__de_po=f'{msgid}Danke! %(sender)s"\n',
        locales__it_po=f'{msgid}Grazie da %(sender)s"\n',
        only_subject_txt=news,
        only_txt=news,
        only_html=news,
    )
    assert said("de", "thank-you", templates).subject == "Danke! Store"
    assert said("de-AT", templates=templates).subject.startswith("Bald verfallen")
    assert said("it-CH", "only", templates).subject == "Grazie da Store"
    assert said("it", "thank-you", templates).subject == "Thank you from Store"


def test_a_file_for_a_language_stands_in_for_the_other(tmp_path: Path) -> None:
    templates = own(tmp_path, **{"thank-you_de_txt": "Ganz was anderes, {{ customer.name }}."})
    assert said("de", "thank-you", templates).text == "Ganz was anderes, Ada Byron.\n"
    assert said("de", "thank-you", templates).subject == "Store sagt Danke"
    assert "Thank you for choosing us" in said("en", "thank-you", templates).text


def test_what_is_written_without_trans_is_in_the_files_language(tmp_path: Path) -> None:
    body = "{% extends 'layout.txt' %}{% block body %}Nur auf Deutsch.{% endblock %}"
    templates = own(tmp_path, **{"thank-you_txt": body})
    assert said("de", "thank-you", templates, locale="de").text.startswith("Guten Tag Ada Byron,")
    assert said("fr", "thank-you", templates, locale="de").text.startswith("Guten Tag Ada Byron,")


# --- catalogues


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('msgid "a %(b)s"\nmsgstr "c"\n', r"line 1: 'a %\(b\)s': %\(b\)s is missing in the translation"),
        ('\nmsgid "a"\nmsgstr "%(b)s"\n', "line 2: 'a' has no b to fill in"),
        ('msgid "a"\nmsgstr "100 %"\n', "line 1: 'a': a % that stands for itself is written %%"),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\nmsgstr[1] "%(x)s"\n', "has no x to fill in"),
        (
            '\n\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\nmsgstr[1] "d"\nmsgstr[2] "e"\n',
            "line 3: msg has more translations than num_plurals",
        ),
    ],
)
def test_a_bad_catalogue_stops_the_start_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"catalogue de\.po") as caught:
        own(tmp_path, locales__de_po=text)
    with pytest.raises(CatalogueFaultError, match=why):
        parsed(text, "de")
    assert "The templates cannot be used" in str(caught.value)


def test_a_catalogue_of_no_language_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"catalogue tlh\.po: tlh is no language that is known"):
        own(tmp_path, locales__tlh_po="")


def test_what_is_only_guessed_or_half_done_is_not_said() -> None:
    half = 'msgid "c"\nmsgid_plural "d"\nmsgstr[0] "e"\n'
    assert parsed(f'#, fuzzy\nmsgid "a"\nmsgstr "b"\n\n{half}', "de").said == {}
    assert parsed(f'{half}msgstr[1] ""\n', "de").said == {}
    assert parsed(f'{half}msgstr[1] "f"\n', "de").said == {"c": ("e", "f")}


# --- names


@pytest.mark.parametrize(
    ("name", "called_so"),
    [
        ("Ada Byron", "Ada Byron"),
        ("  Ada\n Byron ", "Ada Byron"),
        ("李", "李"),
        ("Nona None", "Nona None"),
        ("", ""),
        (None, ""),
        ("   ", ""),
        ("None", ""),
        ("null", ""),
        ("<unknown>", ""),
        ("N/A", ""),
        ("-", ""),
        ("12345", ""),
        ("ada@example.org", ""),
        ("None None", ""),
        ("null  NULL", ""),
        ("undefined undefined", ""),
        ("N/A N/A", ""),
        ("Mr None", ""),
        ("Frau", ""),
        ("Mr Test", ""),
        ("no name", ""),
        ("{{name}}", ""),
        ("{first_name} Byron", ""),
        ("%FIRSTNAME%", ""),
        ("${name}", ""),
        ("[[name]]", ""),
        ("Frau Dr. Byron", "Frau Dr. Byron"),
        ("Guest Null-Smith", "Guest Null-Smith"),
    ],
)
def test_what_is_a_name(name: str | None, called_so: str) -> None:
    assert called(name) == called_so


@pytest.mark.parametrize("name", [None, "None", " - ", "null"])
@pytest.mark.parametrize(
    ("locale", "greeting"), [("en", "Hello,"), ("de", "Guten Tag,"), ("es", "Hola:"), ("fr", "Bonjour,")]
)
def test_nobody_is_dear_none(name: str | None, locale: str, greeting: str) -> None:
    templates = load_templates(None)
    for template in ("thank-you", "birthday"):
        message = templates.render(
            template, EMAIL, customer(name, locale), POINTS, sender="Store", unsubscribe_url="U"
        )
        assert message.text.startswith(f"{greeting}\n\n")
        assert f"<p>{greeting}</p>" in message.html
        for word in ("None", "null", " ,", "Dear"):
            assert word not in message.subject + message.text


def test_all_that_ships_can_be_said_in_each_language() -> None:
    shipped, locales = policy(), {"en": "Dear", "de": "Guten Tag", "es": "Hola,", "fr": "Bonjour"}
    for use in uses(shipped.templates, rules(), ALL):
        if use.channel.name in TASKS:
            continue
        shown = next(samples.sets(use.values))
        for locale, greeting in locales.items():
            message = written(shipped.templates, use, reader(locale), shown, shipped.rules)
            assert message.text.startswith(f"{greeting} {NAME}")


def test_who_hears_of_a_complaint_hears_the_time_in_their_words() -> None:
    driver = reachable(Driver())
    driver.event(profile(locale="de", timezone="Europe/Berlin"))
    shown = {"complaint_id": "k-1", "message": "Bald.", "promised_by": "2026-03-05T23:30:00+00:00"}
    message = driver.policy.templates.render(
        "complaint-update", EMAIL, driver.state, shown, sender="Store", unsubscribe_url="U"
    )
    assert "spätestens am 6. März 2026 um 00:30 Uhr (MEZ) wieder" in message.text
