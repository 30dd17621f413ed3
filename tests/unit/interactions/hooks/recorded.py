"""Recorded webhooks, of the shape that the shops' documents give, and the headers that come with them."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
SECRET = "a-secret-of-the-shop-0123456789"


def payload(name: str, **changed: Any) -> dict[str, Any]:
    """A recorded body, with other values of these fields."""
    recorded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return recorded | changed


def signed(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def shopify(topic: str, body: bytes, id: str = "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043") -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signed(body),
        "X-Shopify-Shop-Domain": "acme.myshopify.com",
        "X-Shopify-API-Version": "2026-01",
        "X-Shopify-Webhook-Id": id,
        "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "X-Shopify-Triggered-At": "2026-03-01T11:00:02.123456789Z",
    }


def woocommerce(
    topic: str, body: bytes, delivery: str = "1a2b3c4d5e6f708192a3b4c5d6e7f809"
) -> dict[str, str]:
    thing, _, action = topic.partition(".")
    return {
        "Content-Type": "application/json",
        "User-Agent": "WooCommerce/9.3.3 Hookshot (WordPress/6.6)",
        "X-WC-Webhook-Source": "https://shop.example.com/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": thing,
        "X-WC-Webhook-Event": action,
        "X-WC-Webhook-Signature": signed(body),
        "X-WC-Webhook-ID": "7",
        "X-WC-Webhook-Delivery-ID": delivery,
    }
