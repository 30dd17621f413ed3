"""What chats and other systems send by themselves, read by mapping files. No key is asked for: the signature
is the permission."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, cast

from fastapi import APIRouter, Path, Request

from services.interactions.accepting import accept
from services.interactions.errors import BAD_SIGNATURE, HOOK_OFF, MALFORMED_HOOK
from services.interactions.hooks.heard import UnreadableError
from services.interactions.hooks.mapped import MappedHook, heard
from services.interactions.models.hooks import HookHeard
from services.interactions.resolving import resolved
from services.interactions.routes.dependencies import get_resolver
from services.interactions.routes.events import NEED_ADMIN
from services.interactions.routes.hooks import BODY, CODES
from shared.domain import RefusedError
from shared.http.dependencies import get_producer
from shared.http.hooks import HOOKS
from shared.http.problems import BodyTooLargeError
from shared.runtime.webhooks import StaleError, UnsignedError
from shared.schemas.codec import BadRecordError

router = APIRouter(tags=["hooks"])

HookName = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]


@router.post(
    "/hooks/chat",
    summary="What a chat tells, signed by Standard Webhooks",
    status_code=202,
    responses=CODES,
    openapi_extra=BODY,
)
async def from_chat(request: Request) -> HookHeard:
    """A JSON object, or a list of them, which ``RAPPORT_CHAT_MAP`` makes events of. The headers are
    ``webhook-id`` (names its events, unless the mapping does), ``webhook-timestamp`` (within five minutes of
    now) and ``webhook-signature``."""
    return await _take("chat", request)


@router.post(
    "/hooks/{name}",
    summary="What another system tells, signed by Standard Webhooks",
    status_code=202,
    responses=CODES,
    openapi_extra=BODY,
)
async def from_other(name: HookName, request: Request) -> HookHeard:
    """As ``/hooks/chat``, by the mapping ``<name>.yaml`` in the folder ``RAPPORT_HOOKS``."""
    return await _take(name, request)


async def _take(name: str, request: Request) -> HookHeard:
    """Raises 401 ``bad_signature``, 404 ``hook_off``, 400 ``malformed_webhook``, 413; each end is counted."""
    hook = cast(Mapping[str, MappedHook], request.app.state.hooks).get(name)
    if hook is None:
        raise HOOK_OFF(setting="RAPPORT_CHAT_SECRET" if name == "chat" else f"hook {name} in RAPPORT_HOOKS")
    try:
        body = await request.body()
    except BodyTooLargeError:
        HOOKS.labels(name, "too_large").inc()
        raise
    try:
        told = heard(hook, request.headers, body, datetime.now(UTC))
        if any(isinstance(one.event.data, NEED_ADMIN) for one in told):
            raise UnreadableError("type: needs the scope admin, which no webhook has")
        naming = partial(resolved, resolver=await get_resolver(request))
        accepted = await accept(told, await get_producer(request), naming) if told else 0
    except UnsignedError as fault:
        HOOKS.labels(name, "stale" if isinstance(fault, StaleError) else "bad_signature").inc()
        raise BAD_SIGNATURE(fault=fault) from None
    except (UnreadableError, BadRecordError, RefusedError) as fault:
        HOOKS.labels(name, "malformed").inc()
        raise MALFORMED_HOOK(fault=_said(fault)) from None
    HOOKS.labels(name, "accepted" if told else "left_out").inc()
    return HookHeard(accepted=accepted, left_out=None if told else "when")


def _said(fault: UnreadableError | BadRecordError | RefusedError) -> str:
    """Where it is at fault; never what it says, which may be personal."""
    match fault:
        case BadRecordError():
            return fault.detail
        case RefusedError():
            return f"{fault.field}: {fault.detail.rstrip('.')}"
    return str(fault)
