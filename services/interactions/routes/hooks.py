"""What shops send by themselves. No key is asked for: the signature is the permission."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeAlias, cast

import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import SecretStr, ValidationError

from services.interactions.accepting import accept
from services.interactions.errors import BAD_SIGNATURE, HOOK_OFF, MALFORMED_HOOK
from services.interactions.hooks import shopify, woocommerce
from services.interactions.hooks.heard import Heard, UnreadableError, accepted_secrets, is_signed
from services.interactions.hooks.whose import told_of
from services.interactions.models.hooks import HookHeard
from services.interactions.routes.dependencies import get_resolver
from services.interactions.settings import InteractionsSettings
from shared.http.dependencies import get_clock, get_producer
from shared.http.errors import responses
from shared.http.hooks import HOOKS
from shared.http.problems import BodyTooLargeError
from shared.schemas.codec import BadRecordError

router = APIRouter(tags=["hooks"])
log = structlog.get_logger(__name__)

Adapter: TypeAlias = Callable[[Mapping[str, str], bytes, datetime], Heard]
ShopName = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9.-]{1,40}$")]
CODES = responses(BAD_SIGNATURE, HOOK_OFF, MALFORMED_HOOK)
BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.post(
    "/hooks/shopify",
    summary="What a Shopify shop tells, signed by it",
    status_code=202,
    responses=CODES,
    openapi_extra=BODY,
)
async def from_shopify(request: Request) -> HookHeard:
    """Orders, refunds and customers, signed by ``X-Shopify-Hmac-Sha256``; ``X-Shopify-Webhook-Id`` names the
    event. A topic that is not known is answered with 202, too."""
    told = await _Hook("shopify", request).take(
        _settings(request).shopify_secret, "X-Shopify-Hmac-Sha256", shopify.heard
    )
    if told.left_out == "privacy":
        topic = request.headers.get("x-shopify-topic")
        log.warning("a shop asks for what a person must do", code="privacy_request", topic=topic)
    return told


@router.post(
    "/hooks/woocommerce",
    summary="What a WooCommerce shop tells, signed by it",
    status_code=202,
    responses={200: {"model": HookHeard, "description": "To the ping of a webhook that is saved."}, **CODES},
    openapi_extra=BODY,
)
async def from_woocommerce(request: Request, response: Response, shop: ShopName = None) -> HookHeard:
    """Orders and customers, signed by ``X-WC-Webhook-Signature``. ``shop`` tells shops apart whose orders
    have the same numbers: it is then part of their names."""
    hook = _Hook("woocommerce", request)
    if woocommerce.is_ping(request.headers, await hook.body()):
        HOOKS.labels("woocommerce", "left_out").inc()
        response.status_code = 200  # any other answer counts as a failure there
        return HookHeard(accepted=0, left_out="ping")
    adapter = partial(woocommerce.heard, shop=shop)
    return await hook.take(_settings(request).woocommerce_secret, "X-WC-Webhook-Signature", adapter)


class _Hook:
    """One webhook on its way in; each end of it is counted. What it needs it takes from the app itself: a
    dependency of FastAPI's costs 18 µs a request, a sixth of what reading an order takes."""

    def __init__(self, name: str, request: Request) -> None:
        self._name, self._request = name, request

    async def body(self) -> bytes:
        try:
            return await self._request.body()
        except BodyTooLargeError:
            self._count("too_large")
            raise

    async def take(self, secret: SecretStr | None, header: str, adapter: Adapter) -> HookHeard:
        """Raises 401 ``bad_signature``, 404 ``hook_off``, 400 ``malformed_webhook``, 413."""
        if secret is None:
            raise HOOK_OFF(setting=f"RAPPORT_{self._name.upper()}_SECRET")
        body = await self.body()
        signature = self._request.headers.get(header, "")
        if not is_signed(accepted_secrets(secret.get_secret_value()), body, signature):
            self._count("bad_signature")
            what = "has none that fits" if signature else "is not there"
            raise BAD_SIGNATURE(fault=f"{header} {what}")
        try:
            heard = adapter(self._request.headers, body, await (await get_clock(self._request)).now(None))
            told = await told_of(heard, await get_resolver(self._request))
            accepted = 0 if not told else await accept(told, await get_producer(self._request))
        except (UnreadableError, ValidationError, BadRecordError) as fault:
            self._count("malformed")
            raise MALFORMED_HOOK(fault=_said(fault)) from None
        left_out = heard.ignored or ("nobody" if told is None else None)
        self._count({None: "accepted", "topic": "unknown_topic"}.get(left_out, "left_out"))
        return HookHeard(accepted=accepted, left_out=left_out)

    def _count(self, result: str) -> None:
        HOOKS.labels(self._name, result).inc()


def _settings(request: Request) -> InteractionsSettings:
    return cast(InteractionsSettings, request.app.state.settings)


def _said(fault: Exception) -> str:
    """Where it is at fault; never what it says, which may be personal."""
    if isinstance(fault, ValidationError):
        places = dict.fromkeys(".".join(map(str, one["loc"])) for one in fault.errors(include_input=False))
        return f"it is not valid at {', '.join(places)}"
    return fault.detail if isinstance(fault, BadRecordError) else str(fault)
