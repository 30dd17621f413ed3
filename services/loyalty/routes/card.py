"""A member's own page. No key is asked for: the signed token is the permission, and it changes nothing."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.loyalty.models.card import MOST_ENTRIES, card
from services.loyalty.pages import LANG, page_router, words_for
from services.loyalty.routes.dependencies import AllVersions, InForce, LinkKeys, Store
from shared.http.dependencies import Clock
from shared.http.gone import is_erased
from shared.http.member_links import read_member
from shared.pages.readers import LANGUAGES
from shared.schemas.times import micros, moment

router = page_router()


@router.head("/m/{token}", include_in_schema=False)
@router.get("/m/{token}", summary="A member's own page: points, tier, rewards, vouchers")
async def show(
    request: Request,
    token: str,
    keys: LinkKeys,
    store: Store,
    programs: AllVersions,
    program: InForce,
    clock: Clock,
) -> HTMLResponse:
    """Of a merged id, the survivor's. 410 once the link is over."""
    link = read_member(keys, token)
    if link is None:
        return words_for(request, program).unknown()
    member = await store.member(link.customer_id)
    now = micros(await clock.now(None if member is None else member.id))
    say = words_for(request, program, None if member is None else member.state)
    if now >= link.ends_at:
        why = say("card.over.why", date=say.reader.day(moment(link.ends_at)))
        return say.message(say("card.over"), why, status=410)
    if member is None:
        if await is_erased(request, link.customer_id):
            return say.gone()
        return say.message(say("card.nobody"), say("card.nobody.why"))
    limited = [reward.counter for reward in program.rewards if reward.stock is not None]
    used = await store.used(limited) if limited else {}
    rows = await store.ledger(member.id, None, MOST_ENTRIES)
    shown = card(say, member.state, programs, now, rows, used)
    return say.render("card.html", title=say("card.title"), card=shown, languages=LANGUAGES, lang=LANG)
