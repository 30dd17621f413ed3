"""Pages behind the links in messages. No key is asked for: the signed token is the permission."""

from functools import lru_cache
from pathlib import Path
from typing import cast

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.followup import tokens
from services.followup.domain.rules.rule import Purpose
from services.followup.routes.dependencies import LinkKeys
from shared.http.auth import Principal
from shared.http.dependencies import SendCommands
from shared.schemas.commands.followup import UnsubscribeRequested

PAGES = Path(__file__).parents[1] / "templates" / "pages"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
HOLDER = Principal("link-holder")
KINDS = {
    "marketing": "offers and news",
    "service": "messages about your purchases and complaints",
    "survey": "questions about how you found us",
}

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)


def _page(title: str, text: str, *, ask: bool = False, status: int = 200) -> HTMLResponse:
    html = _environment().get_template("unsubscribe.html").render(title=title, text=text, ask=ask)
    return HTMLResponse(html, status_code=status, headers=HEADERS)


def _unknown() -> HTMLResponse:
    text = "Copy it from the message whole, or answer the message instead."
    return _page("This link is not complete", text, status=404)


@router.get("/u/{token}", summary="The unsubscribe page; it changes nothing")
async def ask(keys: LinkKeys, token: str) -> HTMLResponse:
    found = tokens.read_subscription(keys, token)
    if found is None:
        return _unknown()
    return _page(
        "Unsubscribe?", f"You will get no more {KINDS[found.purpose]} by {_channel(found.channel)}.", ask=True
    )


@router.post("/u/{token}", summary="Unsubscribe in one click (RFC 8058)")
async def unsubscribe(keys: LinkKeys, token: str, commands: SendCommands) -> HTMLResponse:
    """The body does not matter: mail programs post ``List-Unsubscribe=One-Click``, the page nothing."""
    found = tokens.read_subscription(keys, token)
    if found is None:
        return _unknown()
    asked = UnsubscribeRequested(purpose=cast(Purpose, found.purpose), channel=found.channel)
    answer = await commands.submit(HOLDER, "unsubscribe", found.customer_id, asked, None)
    text = f"You get no more {KINDS[found.purpose]} by {_channel(found.channel)}."
    if answer.status == 202:
        # In the log, so it will be done; the worker is merely behind.
        return _page("Unsubscribing", f"{text} This takes effect in a moment.", status=202)
    return _page("Unsubscribed", text)


def _channel(channel: str) -> str:
    return {"email": "e-mail", "sms": "text message"}.get(channel, channel)
