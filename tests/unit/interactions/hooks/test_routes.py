"""Webhooks over HTTP: to the books of a customer, or refused with a reason, counted, and never in the log."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from services.interactions.config import load, load_desk
from services.interactions.remembered import Remembered
from services.interactions.routes import ROUTERS
from services.interactions.settings import InteractionsSettings
from shared.http.app import create_api
from shared.runtime.settings import Settings
from tests.unit.interactions.inline_worker import InlineWorker

from . import recorded
from .recorded import SECRET, payload, signed

KEY = {"X-API-Key": "an-api-key-for-tests"}
OLD = "the-secret-before-it-0123456789"


@pytest.fixture(scope="module")
def shops(settings: Settings) -> Iterator[TestClient]:
    told = {"shopify_secret": f"{OLD},{SECRET}", "woocommerce_secret": SECRET}
    own = InteractionsSettings.model_validate({**settings.model_dump(), **told})
    app = create_api(own, "interactions", "Interactions", ROUTERS, publisher=InlineWorker(own))
    app.state.sla, app.state.desk, app.state.remembered = load(), load_desk(), Remembered()
    with TestClient(app) as client:
        yield client


@pytest.fixture
def address() -> str:
    return f"{uuid.uuid4().hex[:10]}@example.com"


def shopify(http: TestClient, topic: str, body: dict[str, Any] | bytes, **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = recorded.shopify(topic, raw, uuid.uuid4().hex) | headers
    return http.post("/hooks/shopify", content=raw, headers=sent)


def woocommerce(http: TestClient, topic: str, body: dict[str, Any], query: str = "") -> httpx.Response:
    raw = json.dumps(body).encode()
    return http.post(f"/hooks/woocommerce{query}", content=raw, headers=recorded.woocommerce(topic, raw))


def customer(http: TestClient, alias: str) -> dict[str, Any]:
    found = http.get("/customers", params={"alias": alias}, headers=KEY)
    assert found.status_code == 200, found.text
    (one,) = found.json()["items"]
    answer = http.get(f"/customers/{one['customer_id']}", headers=KEY)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def counted(hook: str, result: str) -> float:
    return REGISTRY.get_sample_value("rapport_hooks_total", {"hook": hook, "result": result}) or 0.0


def own_order(address: str, **changed: Any) -> dict[str, Any]:
    """A guest's order, with an id of its own."""
    told = {"id": uuid.uuid4().int % 10**13, "email": address, "contact_email": address, "customer": None}
    return payload("shopify_order", **(told | changed))


def test_an_order_and_its_refund_are_in_the_books_of_the_guest(shops: TestClient, address: str) -> None:
    order = own_order(address)
    refund = payload("shopify_refund", id=order["id"] + 1, order_id=order["id"])
    assert shopify(shops, "refunds/create", refund).json() == {"accepted": 1, "left_out": None}
    answer = shopify(shops, "orders/paid", order)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "left_out": None})
    shopify(shops, "orders/paid", order)
    bought = customer(shops, f"email:{address}")["purchases"]
    assert (bought["count"], bought["returns"]) == (1, 1)
    assert bought["totals"] == [{"currency": "EUR", "purchased": 6086, "refunded": 792, "net": 5294}]


def test_an_account_is_one_person_under_a_new_address(shops: TestClient, address: str) -> None:
    id = uuid.uuid4().int % 10**12
    person = payload("shopify_customer", id=id, email=address, phone=None, default_address=None)
    assert shopify(shops, "customers/create", person).json()["accepted"] == 3
    new = f"new-{address}"
    order = own_order(new, customer=person | {"email": new})
    assert shopify(shops, "orders/paid", order).json()["accepted"] == 1
    shown = customer(shops, f"account:shopify-acme-{id}")
    assert shown["purchases"]["count"] == 1
    assert customer(shops, f"email:{address}")["customer_id"] == shown["customer_id"]


def test_woocommerce_tells_shops_apart(shops: TestClient, address: str) -> None:
    billing = {"email": address, "first_name": "Bo"}
    order = payload("woocommerce_order", id=uuid.uuid4().int % 10**9, billing=billing, customer_id=0)
    for shop in ("?shop=uk", "?shop=de", "?shop=uk"):
        assert woocommerce(shops, "order.updated", order, shop).status_code == 202
    assert customer(shops, f"email:{address}")["purchases"]["count"] == 2
    woocommerce(shops, "order.deleted", {"id": order["id"]}, "?shop=uk")
    assert customer(shops, f"email:{address}")["purchases"]["totals"][0]["net"] == 5538


def test_the_ping_of_a_new_webhook_is_answered_as_woocommerce_wants(shops: TestClient) -> None:
    answer = shops.post("/hooks/woocommerce", data={"webhook_id": "7"})
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "left_out": "ping"})


@pytest.mark.parametrize("topic", ["products/update", "customers/redact", "shop/redact"])
def test_a_topic_that_nothing_is_done_about_is_answered(shops: TestClient, topic: str) -> None:
    before = counted("shopify", "unknown_topic") + counted("shopify", "left_out")
    answer = shopify(shops, topic, {"shop_id": 1, "customer": {"id": 2, "email": "ann@example.com"}})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    assert counted("shopify", "unknown_topic") + counted("shopify", "left_out") == before + 1


def test_a_secret_is_replaced_without_losing_a_webhook(shops: TestClient, address: str) -> None:
    order = json.dumps(own_order(address)).encode()
    for secret in (OLD, SECRET):
        answer = shopify(shops, "orders/paid", order, **{"X-Shopify-Hmac-Sha256": signed(order, secret)})
        assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "headers", "status", "code", "result"),
    [
        (b"{}", {"X-Shopify-Hmac-Sha256": signed(b"{ }")}, 401, "bad_signature", "bad_signature"),
        (b"{}", {"X-Shopify-Hmac-Sha256": ""}, 401, "bad_signature", "bad_signature"),
        (b'{"email": "secret@example.com"', {}, 400, "malformed_webhook", "malformed"),
        (b'{"id": 1, "currency": "EUR"}', {}, 400, "malformed_webhook", "malformed"),
    ],
)
def test_what_is_refused_is_counted_and_not_in_the_log(
    shops: TestClient, body: bytes, headers: dict[str, str], status: int, code: str, result: str
) -> None:
    before = counted("shopify", result)
    with capture_logs() as logged:
        answer = shopify(shops, "orders/create", body, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert counted("shopify", result) == before + 1
    assert "secret@example.com" not in f"{logged} {answer.text}"


def test_one_of_the_future_and_one_of_a_wrong_currency_are_malformed(shops: TestClient, address: str) -> None:
    for changed in ({"updated_at": "2999-01-01T00:00:00Z"}, {"currency": "Euro"}):
        answer = shopify(shops, "orders/paid", own_order(address, **changed))
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_webhook"), answer.text


def test_a_body_too_large_is_counted(shops: TestClient) -> None:
    before = counted("shopify", "too_large")
    answer = shopify(shops, "orders/create", b" " * (2**20 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert counted("shopify", "too_large") == before + 1


def test_without_a_secret_there_is_nothing(api: TestClient) -> None:
    answer = shopify(api, "orders/create", b"{}")
    assert (answer.status_code, answer.json()["code"]) == (404, "hook_off")
    assert "RAPPORT_SHOPIFY_SECRET" in answer.json()["detail"]
