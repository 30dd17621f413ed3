"""A survey, from the click in the mail to an answer that is changed."""

import pytest
from playwright.sync_api import Page, expect

from shared.pages.readers import LANGUAGES
from shared.schemas.feedback import SurveyAnswered
from tests.unit.followup.driver import profile

from .conftest import Site

WITHOUT_SCRIPTS = [{"java_script_enabled": False}]
SEND = {"en": "Send answer", "de": "Antwort senden", "es": "Enviar respuesta", "fr": "Envoyer la réponse"}
THANKS = {"en": "Thank you", "de": "Vielen Dank", "es": "Gracias", "fr": "Merci"}


def told(site: Site) -> list[tuple[str, int, str | None]]:
    return [(one.survey, one.score, one.comment) for one in site.worker.facts(SurveyAnswered)]


@pytest.mark.parametrize("context", [{}, *WITHOUT_SCRIPTS], indirect=True, ids=["scripts", "no scripts"])
def test_one_click_fills_it_in_and_only_sending_counts(site: Site, page: Page) -> None:
    page.goto(f"{site.survey()}?score=9")
    expect(page.get_by_role("radio", name="9")).to_be_checked()
    assert told(site) == []
    page.get_by_label("What is the main reason").fill("Quick,\nand kind. 🙂")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert told(site) == [("nps", 9, "Quick,\nand kind. 🙂")]
    page.reload()  # sends the form again
    assert len(told(site)) == 1
    page.get_by_role("link", name="Change the answer").click()
    expect(page.get_by_text("Your answer so far: 9")).to_be_visible()
    page.get_by_role("radio", name="3").check()
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("Your answer: 3")).to_be_visible()
    assert [score for _, score, _ in told(site)] == [9, 3]


def test_with_the_keyboard_alone(site: Site, page: Page) -> None:
    page.goto(site.survey("csat", "complaint", "k-1"))
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("Fine")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your answer: 4")).to_be_visible()
    assert told(site) == [("csat", 4, "Fine")]
    [answer] = site.worker.facts(SurveyAnswered)
    assert answer.about is not None
    assert (answer.about.kind, answer.about.id) == ("complaint", "k-1")


def test_without_a_score_it_is_asked_for(site: Site, page: Page) -> None:
    page.goto(site.survey("ces"))
    page.get_by_label("What is the main reason").fill("None of these")
    page.get_by_role("button", name="Send answer").click()  # the browser itself says no
    expect(page.get_by_role("radio", name="1")).to_be_visible()
    page.locator("form").evaluate("form => { form.noValidate = true }")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("alert")).to_have_text("Choose a score first.")
    expect(page).to_have_title("Something is missing: How easy was it to get what you needed from "
                               "Rapport Store? – Rapport Store")  # fmt: skip
    expect(page.get_by_label("What is the main reason")).to_have_value("None of these")
    assert told(site) == []


def test_a_survey_that_is_over(site: Site, page: Page) -> None:
    answer = page.goto(site.survey(days=-60))
    assert answer is not None
    assert answer.status == 410
    expect(page.get_by_role("heading", name="This survey is closed")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def test_a_link_that_was_cut(site: Site, page: Page) -> None:
    answer = page.goto(site.survey()[:-5])
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_four_languages(site: Site, page: Page, language: str) -> None:
    site.worker.event(profile(locale=language))
    site.worker.save()
    page.goto(f"{site.survey()}?score=10")
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.get_by_role("button", name=SEND[language]).click()
    expect(page.get_by_role("heading", name=THANKS[language])).to_be_visible()


@pytest.mark.parametrize(
    ("context", "language"), [({"locale": f"{one}-XX"}, one) for one in LANGUAGES], indirect=["context"]
)
def test_the_browsers_language_where_the_customers_is_not_known(
    site: Site, page: Page, language: str
) -> None:
    page.goto(site.survey())
    expect(page.locator("html")).to_have_attribute("lang", language)
