"""A shop's webhooks over HTTP, through interactions into loyalty: the books are those of its plain list."""

import os
import random
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from tests.shop_webhooks import Webhook
from tests.shops import Shop
from tests.stack import Answer, Stack, until

STEPS = 30
CENTS = 100


@pytest.fixture(params=["shopify", "woocommerce"])
def shop(stack: Stack, request: pytest.FixtureRequest) -> Shop:
    """A month of a shop, in whole euros; its customers are its own."""
    if os.environ.get("RAPPORT_TEST_HOME"):
        pytest.skip("a stack of somebody's own has other secrets")
    people = [f"{name}.{uuid.uuid4().hex[:8]}@example.com" for name in ("ann", "bo", "cy", "di")]
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    seed = random.randrange(2**40)
    print(f"the shop's seed is {seed}")  # shown where the test fails
    played = Shop(request.param, "EUR", seed, people=people, start=start, unit=CENTS)
    played.play(STEPS)
    return played


def deliver(stack: Stack, hook: Webhook, **headers: str) -> Answer:
    """As shops do it: what is answered with 503 is sent again."""

    def sent() -> Answer | None:
        answer = stack.call("interactions", "POST", hook.path, hook.body, headers=hook.headers | headers)
        return answer if answer.status != 503 else None

    return until(sent, "the webhook is taken")


def customer(stack: Stack, email: str) -> str | None:
    items = stack.get("interactions", f"/customers?alias={quote(f'email:{email}')}")["items"]
    return items[0]["customer_id"] if items else None


def books(stack: Stack, email: str) -> tuple[int, int]:
    """What interactions counts as kept, in cents, and loyalty's points."""
    found = customer(stack, email)
    if found is None:
        return 0, 0
    answer = stack.call("interactions", "GET", f"/customers/{found}")
    totals: list[dict[str, Any]] = answer.body["purchases"]["totals"] if answer.status == 200 else []
    return sum(one["net"] for one in totals), stack.balance(found) or 0


def _spent(stack: Stack, email: str, wanted: int) -> bool:
    return books(stack, email) == (wanted, wanted // CENTS)


def test_copies_and_any_order_of_arrival_give_the_books_of_the_plain_list(stack: Stack, shop: Shop) -> None:
    for hook in shop.disturbed():
        assert deliver(stack, hook).body["accepted"] > 0
    for email in shop.people:
        wanted = shop.net(email)
        until(partial(_spent, stack, email, wanted), f"{email} has spent {wanted}")
    stack.settle()
    for email in shop.people:
        found = customer(stack, email)
        if found is not None and stack.balance(found) is not None:  # else nothing of theirs was paid
            assert sum(entry["points"] for entry in stack.ledger(found)) == shop.net(email) // CENTS
    refused = deliver(stack, shop.sent[0], **dict.fromkeys(_signature(shop), "bm90IHNpZ25lZA=="))
    assert (refused.status, refused.body["code"]) == (401, "bad_signature")


def _signature(shop: Shop) -> list[str]:
    return ["X-Shopify-Hmac-Sha256" if shop.kind == "shopify" else "X-WC-Webhook-Signature"]
