"""The page of a survey. Whoever holds the link may answer; only a POST counts, as scanners follow links."""

import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from services.followup import tokens
from services.followup.domain.links import Question
from services.followup.domain.state import Customer
from services.followup.pages import page_router, read_form
from services.followup.routes.dependencies import HOLDER, LinkKeys, ShownPage, Store
from shared.facts.names import answer_key
from shared.http.dependencies import Clock, SendCommands
from shared.http.linked import Words
from shared.http.problems import ProblemError
from shared.schemas.commands.surveys import SurveyAnswerRequested
from shared.schemas.feedback import SCORES
from shared.schemas.times import micros, moment

LONGEST_COMMENT = 2_000

router = page_router()


@router.head("/s/{token}", include_in_schema=False)
@router.get("/s/{token}", summary="The page of a survey; it counts nothing")
async def ask(
    token: str,
    keys: LinkKeys,
    page: ShownPage,
    store: Store,
    clock: Clock,
    score: Annotated[str, Query(description="What was clicked in the message; it is filled in.")] = "",
) -> HTMLResponse:
    question = tokens.read_question(keys, token)
    if question is None:
        return page.to(None).unknown()
    customer = await store.customer(question.customer_id)
    say = page.to(customer)
    if customer is None and await store.is_erased(question.customer_id):
        return say.gone()
    now = micros(await clock.now(question.customer_id))
    if now >= question.closes_at or page.policy.rules.surveys.closed(question.survey, now):
        return _closed(say, question)
    return _form(say, question, customer, score=_score(question, score))


@router.post("/s/{token}", summary="Answer a survey; the last answer counts until it closes")
async def answer(
    token: str, request: Request, keys: LinkKeys, page: ShownPage, store: Store, commands: SendCommands
) -> HTMLResponse:
    question = tokens.read_question(keys, token)
    if question is None:
        return page.to(None).unknown()
    form = await read_form(request)
    customer = await store.customer(question.customer_id)
    say = page.to(customer)
    score, comment = _score(question, _last(form, "score")), _comment(_last(form, "comment"))
    if score is None or len(comment) > LONGEST_COMMENT:
        wrong = say("survey.missing") if score is None else say("survey.long", longest=LONGEST_COMMENT)
        return _form(say, question, customer, score=score, comment=comment, wrong=wrong)
    asked = SurveyAnswerRequested.model_validate(
        {
            "survey": question.survey,
            "score": score,
            "about": {"kind": question.about_kind, "id": question.about_id},
            "outreach_id": question.outreach_id,
            "closes_at": moment(question.closes_at),
            **({"comment": comment} if comment else {}),
        }
    )
    try:
        taken = await commands.submit(HOLDER, "survey", question.customer_id, asked, None)
    except ProblemError as problem:
        if problem.code == "survey_closed":
            return _closed(say, question)
        if problem.code == "erased":
            return say.gone()
        raise
    low, high = SCORES[question.survey]
    lines = [say("survey.thanks.score", score=score, low=low, high=high)]
    if taken.status == 202:  # in the log, so it will be counted; the worker is merely behind
        lines.append(say("survey.thanks.soon"))
    lines.append(say("survey.thanks.until", date=say.reader.moment(moment(question.closes_at))))
    link = (f"?score={score}", say("survey.change"))
    return say.message(say("survey.thanks"), *lines, status=taken.status, link=link)


def _form(
    say: Words,
    question: Question,
    customer: Customer | None,
    *,
    score: int | None,
    comment: str = "",
    wrong: str = "",
) -> HTMLResponse:
    survey, kind = question.survey, question.about_kind
    low, high = SCORES[survey]
    place = answer_key(survey, kind, question.about_id).hex()
    known = customer.answer(place) if customer is not None else None
    before = known.score if known is not None else None
    return say.render(
        "survey.html",
        title=say.first(f"survey.{survey}.{kind}", f"survey.{survey}"),
        reference=say(f"survey.about.{kind}", id=question.about_id) if kind in ("complaint", "order") else "",
        answered=say("survey.answered", score=before) if before is not None else "",
        scores=range(low, high + 1),
        score=before if score is None else score,
        low=say(f"survey.{survey}.low"),
        high=say(f"survey.{survey}.high"),
        comment=comment,
        longest=LONGEST_COMMENT,
        until=_until(say, question),
        wrong=wrong,
        status=422 if wrong else 200,
    )


def _until(say: Words, question: Question) -> str:
    return say("survey.until", date=say.reader.moment(moment(question.closes_at)))


def _closed(say: Words, question: Question) -> HTMLResponse:
    why = say("survey.closed.why", date=say.reader.moment(moment(question.closes_at)))
    return say.message(say("survey.closed"), why, status=410)


def _last(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1]


def _score(question: Question, text: str) -> int | None:
    """The score, if it is one of the survey's."""
    low, high = SCORES[question.survey]
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text) and low <= int(text) <= high else None


def _comment(text: str) -> str:
    """As it was typed, without what no keyboard types."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or c.isprintable()).strip()
