"""The preference centre. Whoever holds the link may change it; only a POST does."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.followup import tokens
from services.followup.domain.policy import Policy
from services.followup.domain.state import Customer
from services.followup.models.preferences import asked, sections
from services.followup.pages import page_router, read_form
from services.followup.routes.dependencies import HOLDER, LinkKeys, ShownPage, Store
from shared.http.dependencies import Clock, SendCommands
from shared.http.linked import Words
from shared.http.problems import ProblemError
from shared.pages.readers import LANGUAGES, language_of
from shared.schemas.times import Micros, micros, moment

router = page_router()


@router.head("/p/{token}", include_in_schema=False)
@router.get("/p/{token}", summary="The preference centre; it changes nothing")
async def show(token: str, keys: LinkKeys, page: ShownPage, store: Store, clock: Clock) -> HTMLResponse:
    customer_id = tokens.read_customer(keys, token)
    if customer_id is None:
        return page.to(None).unknown()
    customer = await store.customer(customer_id)
    say = page.to(customer)
    if customer is None and await store.is_erased(customer_id):
        return say.gone()
    now = micros(await clock.now(customer_id))
    return _centre(say, page.policy, customer or Customer(customer_id=customer_id), now)


@router.post("/p/{token}", summary="Change what one gets, how often, and in which language")
async def change(
    token: str,
    request: Request,
    keys: LinkKeys,
    page: ShownPage,
    store: Store,
    clock: Clock,
    commands: SendCommands,
) -> HTMLResponse:
    customer_id = tokens.read_customer(keys, token)
    if customer_id is None:
        return page.to(None).unknown()
    wished = asked(await read_form(request))
    try:
        answer = await commands.submit(HOLDER, "preferences", customer_id, wished, None)
    except ProblemError as problem:
        if problem.code == "erased":
            return page.to(None).gone()
        raise
    customer = await store.customer(customer_id)
    say = page.to(customer)
    if answer.status == 202:  # in the log, so it will be done; the worker is merely behind
        link = ("?", say("preferences.title"))
        return say.message(say("preferences.soon"), say("preferences.soon.why"), status=202, link=link)
    now = micros(await clock.now(customer_id))
    saved = say("preferences.saved")
    return _centre(say, page.policy, customer or Customer(customer_id=customer_id), now, saved=saved)


def _centre(say: Words, policy: Policy, customer: Customer, now: Micros, *, saved: str = "") -> HTMLResponse:
    wishes = customer.wishes
    until = wishes.paused_until if wishes.paused(now) else None
    paused = "" if until is None else say("preferences.pause.until", date=say.reader.moment(moment(until)))
    return say.render(
        "preferences.html",
        title=say("preferences.title"),
        saved=saved,
        sections=sections(say, policy, customer),
        frequency=wishes.frequency,
        paused=paused,
        languages=LANGUAGES,
        known_language=language_of(customer.locale),
    )
