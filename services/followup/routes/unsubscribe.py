"""The unsubscribe page. No key is asked for: the signed token is the permission."""

from typing import cast

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.followup import tokens
from services.followup.domain.links import Subscription
from services.followup.domain.rules.rule import Purpose
from services.followup.pages import page_router, read_form
from services.followup.routes.dependencies import HOLDER, LinkKeys, ShownPage, Store
from shared.http.dependencies import SendCommands
from shared.http.key_ring import KeyRing
from shared.http.linked import Words
from shared.schemas.commands.followup import UnsubscribeRequested

router = page_router()


@router.head("/u/{token}", include_in_schema=False)
@router.get("/u/{token}", summary="The unsubscribe page; it changes nothing")
async def ask(keys: LinkKeys, token: str, page: ShownPage, store: Store) -> HTMLResponse:
    found = tokens.read_subscription(keys, token)
    if found is None:
        return page.to(None).unknown()
    say = page.to(await store.customer(found.customer_id))
    topic = page.policy.rules.topic(found.topic, say.reader.language) if found.topic else ""
    return say.render(
        "unsubscribe.html",
        title=say("unsubscribe.ask"),
        text=_sentence(say, found, topic, "ask"),
        topic=topic,
        centre=_centre(say, keys, found),
    )


@router.post("/u/{token}", summary="Unsubscribe in one click (RFC 8058)")
async def unsubscribe(
    request: Request,
    keys: LinkKeys,
    token: str,
    page: ShownPage,
    store: Store,
    commands: SendCommands,
) -> HTMLResponse:
    """From the topic of the message, where it had one: that is the list which mail programs speak of, and
    they post ``List-Unsubscribe=One-Click``. The page also posts ``scope=all``: the whole purpose."""
    found = tokens.read_subscription(keys, token)
    if found is None:
        return page.to(None).unknown()
    whole = "all" in (await read_form(request)).get("scope", ())
    told = {"purpose": found.purpose, "channel": found.channel}
    about = None if whole else found.topic
    asked = UnsubscribeRequested.model_validate(told | ({"topic": about} if about else {}))
    answer = await commands.submit(HOLDER, "unsubscribe", found.customer_id, asked, None)
    say = page.to(await store.customer(found.customer_id))
    topic = page.policy.rules.topic(about, say.reader.language) if about else ""
    text, link = _sentence(say, found, topic, "done"), _centre(say, keys, found)
    if answer.status == 202:
        # In the log, so it will be done; the worker is merely behind.
        return say.message(say("unsubscribe.soon"), text, say("unsubscribe.soon.why"), status=202, link=link)
    return say.message(say("unsubscribe.done"), text, link=link)


def _sentence(say: Words, found: Subscription, topic: str, when: str) -> str:
    what = "topic" if topic else cast(Purpose, found.purpose)
    return say(f"unsubscribe.{what}.{when}", channel=say.channel(found.channel), topic=topic)


def _centre(say: Words, keys: KeyRing, found: Subscription) -> tuple[str, str]:
    """The link to the preference centre, from beside it."""
    token = keys.sign(tokens.PREFERENCES, found.customer_id)
    return f"../p/{token}", say("unsubscribe.choose")
