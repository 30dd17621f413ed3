"""Answers from a survey's page: the last holds, told once each, until the survey closes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.followup.domain.rules.rules import Rules
from services.followup.worker import handler_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.surveys import SurveyAnswerRequested
from shared.schemas.customers import CustomerErased
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled

from .driver import DAY, HOUR, NOON, Driver, policy, reachable, refusal, rules

SECOND = timedelta(seconds=1)


def answer(score: int = 9, *, closes_at: datetime = NOON + 30 * DAY, **changes: Any) -> SurveyAnswerRequested:
    told = {"survey": "nps", "score": score, "about": {"kind": "complaint", "id": "k-1"}, "outreach_id": "o"}
    return SurveyAnswerRequested.model_validate({**told, "closes_at": closes_at, **changes})


def promoters() -> Rules:
    """Rules that invite who would recommend us."""
    invite = {
        "name": "invite",
        "triggers": ["survey.answered"],
        "when": {"survey": "nps", "score": 9},
        "for_each": "survey",
        "delay": "1d",
        "template": "welcome",
    }
    document = rules().model_dump(mode="json", by_alias=True)
    return Rules.model_validate({**document, "rules": [invite]})


def test_an_answer_is_told_to_all_with_what_it_is_about() -> None:
    driver = Driver()
    driver.event(answer(comment="Quick."))
    [told] = driver.facts(SurveyAnswered)
    assert told.about is not None
    assert (told.survey, told.score, told.comment) == ("nps", 9, "Quick.")
    assert (told.about.kind, told.about.id, told.outreach_id) == ("complaint", "k-1", "o")
    assert "closes_at" not in told.model_dump()
    [event] = [event for event in driver.emitted if isinstance(event.data, SurveyAnswered)]
    assert (event.time, event.subject, event.data.topic) == (NOON, "c-1", "feedback")
    assert driver.outcome == {"survey": "nps", "score": 9}


def test_the_last_answer_holds_and_a_page_that_is_loaded_again_says_nothing() -> None:
    driver = Driver()
    for score in (9, 9, 3, 3, 9):
        driver.event(answer(score))
        driver.event(answer(score, comment=""))
    assert [told.score for told in driver.facts(SurveyAnswered)] == [9, 3, 9]
    times = [event.time for event in driver.emitted if isinstance(event.data, SurveyAnswered)]
    assert times == sorted(set(times))  # the last is the latest, though no time has passed
    [known] = driver.state.answers
    assert known.score == 9
    driver.event(answer(9, comment="After all"))
    assert driver.facts(SurveyAnswered)[-1].comment == "After all"


def test_answers_about_other_things_stand_beside_each_other() -> None:
    driver = Driver()
    driver.event(answer(9))
    driver.event(answer(9, about={"kind": "complaint", "id": "k-2"}))
    driver.event(answer(4, survey="csat"))
    assert len(driver.facts(SurveyAnswered)) == len(driver.state.answers) == 3


def test_an_answer_by_a_clock_that_is_ahead_does_not_have_the_last_word() -> None:
    driver = Driver(policy=policy(promoters()))
    told = {"survey": "nps", "score": 2, "about": {"kind": "complaint", "id": "k-1"}}
    driver.event(SurveyAnswered.model_validate(told), at=NOON + 3 * HOUR)
    driver.event(answer(9))
    assert driver.emitted[0].time > NOON + 3 * HOUR


def test_rules_hear_it_at_once() -> None:
    driver = reachable(Driver(policy=policy(promoters())))
    driver.event(answer(9))
    assert len(driver.facts(OutreachScheduled)) == 1
    driver.event(answer(8))
    assert [told.reason for told in driver.facts(OutreachCancelled)] == ["condition_unmet"]
    driver.event(answer(9))
    driver.after(2 * DAY)
    assert [message["rule"] for message in driver.sent] == ["invite"]


def test_what_is_told_is_what_its_own_worker_would_have_read() -> None:
    """Heard as a command and told, or read from the topic as another's: the same is planned."""
    mine, read = (InMemoryWorker(handler_of(policy(promoters())), now=NOON) for _ in range(2))
    mine.tell("c-1", answer(9))
    [told] = mine.facts(SurveyAnswered)
    read.tell("c-1", told)
    plans = [[(p.rule, p.due_at, p.answer) for p in one.state("c-1").planned] for one in (mine, read)]
    assert plans[0] == plans[1] != []


@pytest.mark.parametrize("late", [timedelta(0), SECOND])
def test_a_link_that_has_expired_takes_no_answer(late: timedelta) -> None:
    driver = Driver()
    closes_at = NOON + 2 * DAY
    driver.until(closes_at - SECOND)
    driver.event(answer(9, closes_at=closes_at))
    driver.until(closes_at + late)
    refused = refusal(driver, answer(3, closes_at=closes_at))
    assert (refused.status, refused.code) == (410, "survey_closed")
    assert len(driver.facts(SurveyAnswered)) == 1


def test_a_survey_may_close_for_all() -> None:
    closing = rules(surveys=rules().surveys.model_validate({"nps": {"closes_at": NOON.isoformat()}}))
    driver = Driver(policy=policy(closing))
    assert refusal(driver, answer(9)).code == "survey_closed"
    driver.event(answer(4, survey="csat"))


def test_nothing_is_told_of_who_was_erased() -> None:
    driver = Driver()
    driver.event(answer(9))
    driver.event(CustomerErased())
    assert refusal(driver, answer(3)).code == "erased"
    assert driver.state.answers == ()


def test_a_score_is_one_of_its_survey() -> None:
    for survey, wrong in (("nps", 11), ("csat", 0), ("ces", 8)):
        with pytest.raises(ValueError, match="score"):
            answer(wrong, survey=survey)
