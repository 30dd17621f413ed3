"""What providers report. No key is asked for: the signature is the permission."""

import hashlib
import re
import time
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from services.followup import errors
from services.followup.models.hooks import DeliveryHeard, DeliveryHook
from services.followup.routes.dependencies import Store
from services.followup.settings import FollowupSettings
from shared.http.auth import Principal
from shared.http.dependencies import SendCommands
from shared.http.errors import responses
from shared.http.hooks import HOOKS, begin_hooks
from shared.http.openapi import flat
from shared.http.problems import BodyTooLargeError, ProblemError, invalid
from shared.runtime.webhooks import StaleError, UnsignedError, verify
from shared.schemas.base import ID_PATTERN

PROVIDER = Principal("delivery-hook")
DOCUMENTED = flat(DeliveryHook)
HOOK = "delivery"

router = APIRouter(tags=["hooks"])
begin_hooks((HOOK,))


@router.post(
    "/hooks/delivery",
    summary="What became of a message, signed by Standard Webhooks",
    response_model=DeliveryHeard,
    responses=responses(errors.BAD_SIGNATURE, errors.HOOK_OFF, errors.UNKNOWN_OUTREACH),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": DOCUMENTED}},
        }
    },
)
async def delivery(request: Request, store: Store, commands: SendCommands) -> JSONResponse:
    """The headers are ``webhook-id`` (the same again has no second effect), ``webhook-timestamp`` (within
    five minutes of now) and ``webhook-signature``."""
    keys = cast(FollowupSettings, request.app.state.settings).delivery_keys
    if not keys:
        raise errors.HOOK_OFF()
    try:
        body = await request.body()
    except BodyTooLargeError:
        _count("too_large")
        raise
    try:
        message_id = verify(keys, request.headers, body, time.time())
    except UnsignedError as fault:
        _count("stale" if isinstance(fault, StaleError) else "bad_signature")
        raise errors.BAD_SIGNATURE(fault=fault) from None
    try:
        told = DeliveryHook.model_validate_json(body, strict=True)
    except ValidationError as fault:
        _count("malformed")
        found = fault.errors(include_url=False, include_context=False, include_input=False)
        raise invalid([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
    customer = await store.owner(told.data.outreach_id)
    if customer is None:
        _count("left_out")
        raise errors.UNKNOWN_OUTREACH(outreach=told.data.outreach_id)
    key = _key(message_id)
    try:
        answer = await commands.submit(PROVIDER, "hooks.delivery", customer, told.reported(), key)
    except ProblemError as refused:
        if refused.status < 500:  # else the provider asks again
            _count("left_out")
        raise
    _count("accepted")
    return answer.response()


def _count(result: str) -> None:
    HOOKS.labels(HOOK, result).inc()


def _key(message_id: str) -> str:
    """The command's key: providers may name their messages as they like."""
    if re.fullmatch(ID_PATTERN, message_id):
        return message_id
    return hashlib.sha256(message_id.encode("utf-8", "surrogateescape")).hexdigest()
