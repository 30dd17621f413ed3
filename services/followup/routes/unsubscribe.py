"""The unsubscribe page. No key is asked for: the signed token is the permission."""

from typing import cast

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.followup import tokens
from services.followup.domain.rules.rule import Purpose
from services.followup.pages import PageRoute
from services.followup.routes.dependencies import HOLDER, LinkKeys, ShownPage, Store
from shared.http.dependencies import SendCommands
from shared.schemas.commands.followup import UnsubscribeRequested

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse, route_class=PageRoute)


@router.head("/u/{token}", include_in_schema=False)
@router.get("/u/{token}", summary="The unsubscribe page; it changes nothing")
async def ask(keys: LinkKeys, token: str, page: ShownPage, store: Store) -> HTMLResponse:
    found = tokens.read_subscription(keys, token)
    if found is None:
        return page.to(None).unknown()
    say = page.to(await store.customer(found.customer_id))
    channel = say.channel(found.channel)
    what = say(f"unsubscribe.{found.purpose}.ask", channel=channel)
    return say.render("unsubscribe.html", title=say("unsubscribe.ask"), text=what)


@router.post("/u/{token}", summary="Unsubscribe in one click (RFC 8058)")
async def unsubscribe(
    keys: LinkKeys, token: str, page: ShownPage, store: Store, commands: SendCommands
) -> HTMLResponse:
    """The body does not matter: mail programs post ``List-Unsubscribe=One-Click``, the page nothing."""
    found = tokens.read_subscription(keys, token)
    if found is None:
        return page.to(None).unknown()
    asked = UnsubscribeRequested(purpose=cast(Purpose, found.purpose), channel=found.channel)
    answer = await commands.submit(HOLDER, "unsubscribe", found.customer_id, asked, None)
    say = page.to(await store.customer(found.customer_id))
    text = say(f"unsubscribe.{found.purpose}.done", channel=say.channel(found.channel))
    if answer.status == 202:
        # In the log, so it will be done; the worker is merely behind.
        return say.message(say("unsubscribe.soon"), text, say("unsubscribe.soon.why"), status=202)
    return say.message(say("unsubscribe.done"), text)
