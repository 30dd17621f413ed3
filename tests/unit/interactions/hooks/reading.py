"""What the adapters make of recorded webhooks."""

import json
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers

from services.interactions.hooks import shopify, woocommerce
from services.interactions.hooks.heard import Heard
from shared.schemas.base import Data
from shared.schemas.commands.orders import OrderTellRequested, ShopOrder

from . import recorded

NOW = datetime(2026, 3, 6, tzinfo=UTC)


def from_shopify(topic: str, body: dict[str, Any], **headers: str) -> Heard:
    raw = json.dumps(body).encode()
    return shopify.heard(Headers(recorded.shopify(topic, raw) | headers), raw, NOW)


def from_woocommerce(topic: str, body: dict[str, Any], shop: str | None = None, **headers: str) -> Heard:
    raw = json.dumps(body).encode()
    return woocommerce.heard(Headers(recorded.woocommerce(topic, raw) | headers), raw, NOW, shop)


def data_of(heard: Heard) -> list[Data]:
    return [event.data for event in heard.events]


def order_of(heard: Heard) -> ShopOrder:
    (data,) = data_of(heard)
    assert isinstance(data, OrderTellRequested)
    return data.order
