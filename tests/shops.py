"""A small shop that sends what Shopify or WooCommerce would: orders, edits, refunds, cancellations. A webhook
tells how the order stands at the time; what the books must come to is the plain list of its orders."""

import base64
import hmac
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from shared.schemas.money import digits
from tests.shop_orders import Line, Order, Refund
from tests.shop_webhooks import Webhook, renamed

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
SECRET = "a-secret-of-the-shop-0123456789"
PEOPLE = ("ann@example.com", "bo@example.com")


class Shop:
    """``kind``: shopify or woocommerce. ``unit``: amounts are multiples of so many minor units, without taxes
    and discounts where that is more than one. ``deletes``: where it is WooCommerce, orders are put into the
    bin, and maybe restored after ``days``, or within ``seconds`` too.

    What Shopify says of an order's worth by now is that, or what the goods that are still in it had cost; its
    total has in it what edits added, or not. What edits add makes up for goods that are gone, but where
    neither figure could show it."""

    def __init__(
        self,
        kind: str,
        currency: str,
        seed: int,
        *,
        people: Sequence[str] = PEOPLE,
        start: datetime = START,
        unit: int = 1,
        deletes: Literal["never", "days", "seconds"] = "never",
    ) -> None:
        self.kind, self.currency, self.random = kind, currency, random.Random(seed)
        self.people, self.orders, self.sent = people, list[Order](), list[Webhook]()
        self._deletes = deletes if kind == "woocommerce" else "never"
        self._unit, self._now, self._ids = unit, start, 1_000_000 * (seed % 1_000_000 + 1)
        self._says = self.random.choice(("worth", "goods", "goods, total as placed"))

    def play(self, steps: int) -> None:
        """So many things happen, each with its webhooks."""
        for _ in range(steps):
            self._now += timedelta(seconds=self.random.randrange(1, 3600))
            order = self.random.choice(self.orders) if self.orders else None
            if order is None or self.random.random() < 0.35:
                self._place()
            elif order.deleted:
                if self.random.random() < 0.5:
                    self._restore(order)
            elif self._deletes != "never" and self.random.random() < 0.3:
                self._delete(order)
            elif not order.paid:
                order.paid = True
                self._tell(order, "orders/paid", "order.updated")
            elif not order.cancelled:
                happens = [self._add, self._give_back, self._give_back, self._cancel]
                self.random.choice(happens + [self._take_out] * (self.kind == "shopify"))(order)

    def net(self, email: str) -> int:
        return sum(order.net for order in self.orders if order.email == email)

    def disturbed(self) -> list[Webhook]:
        """All that was sent, some of it again, in another order."""
        again = [hook for hook in self.sent if self.random.random() < 0.3]
        # A second delivery has another name where the shop's endpoint was entered twice.
        others = [renamed(hook, n) for n, hook in enumerate(again) if n % 2]
        arriving = [*self.sent, *again, *others]
        self.random.shuffle(arriving)
        return arriving

    def late(self) -> list[Webhook]:
        """As it comes where each takes some minutes: neighbours overtake each other. Copies of it too, but of
        what was undone within seconds only under the same name."""
        again = [hook for hook in self.sent if self.random.random() < 0.3]
        others = [renamed(hook, n) for n, hook in enumerate(again) if n % 2 and not hook.deletes]
        arriving = [
            replace(hook, at=hook.at + timedelta(seconds=self.random.randrange(240)))
            for hook in [*self.sent, *again, *others]
        ]
        return sorted(arriving, key=lambda hook: hook.at)

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    def _line(self) -> Line:
        quantity, price = self.random.randrange(1, 4), self.random.randrange(1, 5000)
        if self._unit > 1:
            price = price % 5 * self._unit + self._unit
            return Line(self._id(), self.random.choice(("tea", "mug", "pot")), quantity, price, 0, 0)
        off = self.random.randrange(0, price * quantity // 2 + 1) if self.random.random() < 0.4 else 0
        tax = (price * quantity - off) * 19 // 100
        return Line(self._id(), self.random.choice(("tea", "mug", "pot")), quantity, price, off, tax)

    def _place(self) -> None:
        lines = [self._line() for _ in range(self.random.randrange(1, 4))]
        email, shipping = self.random.choice(self.people), self.random.choice((0, 5 * self._unit))
        order = Order(self._id(), email, self._now, self._now, lines, shipping)
        order.paid, order.placed_total = self.random.random() < 0.7, order.total
        self.orders.append(order)
        self._tell(order, "orders/create", "order.created")

    def _add(self, order: Order) -> None:
        self._put_in(order)
        self._tell(order, "orders/updated", "order.updated")

    def _put_in(self, order: Order) -> None:
        order.lines.append(line := self._line())
        order.added += 0 if self._says == "goods" else line.worth

    def _give_back(self, order: Order) -> None:
        left = order.net
        if not left:
            return
        line = self.random.choice(order.lines)
        units = self.random.randrange(0, order.left(line) + 1)
        worth = line.worth * units // line.quantity
        amount = min(left, worth or self.random.randrange(1, left // self._unit + 1) * self._unit)
        goods = worth if self.kind == "shopify" else 0
        refund = Refund(self._id(), self._now, amount, {line.id: units} if units else {}, goods)
        order.refunds.append(refund)
        if self.kind == "shopify":
            self._send(order, "refunds/create", self._refund(order, refund) | {"order_id": order.id})
        self._tell(order, "orders/updated", "order.updated")

    def _take_out(self, order: Order) -> None:
        """An edit takes goods out: what is left of a line says so, or a refund that pays nothing. What
        is owed for them is paid back later, or never; it may add others for them."""
        line = self.random.choice(order.lines)
        if not (units := self.random.randrange(0, order.left(line) + 1)):
            return
        if self.random.random() < 0.5:
            line.removed += units
        else:
            goods = line.worth * units // line.quantity
            order.refunds.append(Refund(self._id(), self._now, 0, {line.id: units}, goods))
        if self.random.random() < 0.4:
            self._put_in(order)
        self._tell(order, "orders/edited", "order.updated")

    def _cancel(self, order: Order) -> None:
        order.cancelled = self._now
        self._tell(order, "orders/cancelled", "order.updated")

    def _delete(self, order: Order) -> None:
        self._now += timedelta(hours=26)
        order.deleted = True
        self._send(order, "order.deleted", {"id": order.id})
        if self._deletes == "seconds" and self.random.random() < 0.5:
            self._now += timedelta(seconds=self.random.randrange(60))
            self._put_back(order)

    def _restore(self, order: Order) -> None:
        self._now += timedelta(hours=26)
        self._put_back(order)

    def _put_back(self, order: Order) -> None:
        """WooCommerce tells it by both topics, and one may be lost where a shop does not want it."""
        order.deleted = False
        if self._deletes == "seconds" or self.random.random() < 0.5:
            self._tell(order, "", "order.restored")
        self._tell(order, "", "order.updated")

    def _tell(self, order: Order, shopify: str, woocommerce: str) -> None:
        order.updated = self._now
        order.accounts += 1
        if self.kind == "shopify":
            self._send(order, shopify, self._shopify(order))
        else:
            self._send(order, woocommerce, self._woocommerce(order))

    def _send(self, order: Order, topic: str, payload: dict[str, Any]) -> None:
        body = json.dumps(payload).encode()
        signed = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
        name = f"{self._id():032x}"
        if self.kind == "shopify":
            headers = {
                "X-Shopify-Topic": topic,
                "X-Shopify-Hmac-Sha256": signed,
                "X-Shopify-Shop-Domain": "acme.myshopify.com",
                "X-Shopify-Webhook-Id": name,
            }
        else:
            headers = {
                "X-WC-Webhook-Source": "https://shop.example.com/",
                "X-WC-Webhook-Topic": topic,
                "X-WC-Webhook-Signature": signed,
                # A hash of the webhook and the second, as WooCommerce makes it.
                "X-WC-Webhook-Delivery-ID": f"{len(topic):x}{int(self._now.timestamp()) // 7200:031x}",
            }
        self.sent.append(Webhook(f"/hooks/{self.kind}", headers, body, order.id, order.accounts, self._now))

    def _money(self, minor: int) -> str:
        places = digits(self.currency)
        return f"{Decimal(minor).scaleb(-places):.{places}f}"

    def _shopify(self, order: Order) -> dict[str, Any]:
        back = sum(one.amount for one in order.refunds)
        status = "refunded" if not order.net else "partially_refunded" if back else "paid"
        worth = order.worth if self._says == "worth" else order.total - order.gone
        total = order.placed_total if self._says.endswith("placed") else order.total
        return {
            "id": order.id,
            "email": order.email,
            "created_at": order.at.isoformat(),
            "processed_at": order.at.isoformat(),
            "updated_at": order.updated.isoformat(),
            "cancelled_at": order.cancelled and order.cancelled.isoformat(),
            "currency": self.currency,
            "financial_status": status if order.paid else "pending",
            "taxes_included": False,
            "total_price": self._money(total),
            "current_total_price": self._money(worth),
            "line_items": [
                {
                    "id": line.id,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "current_quantity": order.left(line),
                    "price": self._money(line.price),
                    "discount_allocations": [{"amount": self._money(line.off)}] if line.off else [],
                    "tax_lines": [{"price": self._money(line.tax), "rate": 0.19, "title": "VAT"}],
                }
                for line in order.lines
            ],
            "shipping_lines": [{"id": order.id * 10, "price": self._money(order.shipping), "tax_lines": []}],
            "refunds": [self._refund(order, one) for one in order.refunds],
        }

    def _refund(self, order: Order, refund: Refund) -> dict[str, Any]:
        amount = {"amount": self._money(refund.amount), "currency": self.currency}
        by_id = {line.id: line for line in order.lines}
        return {
            "id": refund.id,
            "order_id": order.id,
            "created_at": refund.at.isoformat(),
            "refund_line_items": [
                {
                    "line_item_id": id,
                    "quantity": units,
                    "line_item": {"id": id, "sku": by_id[id].sku},
                    "subtotal": self._money(refund.goods),
                }
                for id, units in refund.units.items()
            ],
            "transactions": [{"kind": "refund", "status": "success", **amount}] if refund.amount else [],
            "order_adjustments": [],
        }

    def _woocommerce(self, order: Order) -> dict[str, Any]:
        paid = "cancelled" if order.cancelled else "processing"
        return {
            "id": order.id,
            "status": paid if order.paid else "pending",
            "currency": self.currency,
            "date_created_gmt": order.at.replace(tzinfo=None).isoformat(),
            "date_modified_gmt": order.updated.replace(tzinfo=None).isoformat(),
            "date_paid_gmt": order.at.replace(tzinfo=None).isoformat() if order.paid else None,
            "total": self._money(order.total),
            "customer_id": 0,
            "billing": {"first_name": "Ann", "last_name": "Lee", "email": order.email, "phone": ""},
            "line_items": [
                {
                    "id": line.id,
                    "name": line.sku,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "subtotal": self._money(line.price * line.quantity),
                    "total": self._money(line.price * line.quantity - line.off),
                    "total_tax": self._money(line.tax),
                }
                for line in order.lines
            ],
            "shipping_lines": [{"id": order.id * 10, "total": self._money(order.shipping)}],
            "refunds": [{"id": one.id, "total": f"-{self._money(one.amount)}"} for one in order.refunds],
        }
