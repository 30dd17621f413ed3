"""A request that a shop makes, and the same under another name."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class Webhook:
    """A request that a shop makes."""

    path: str
    headers: dict[str, str]
    body: bytes
    order: int
    tells: int
    """Which account of the order it is, from 1."""
    at: datetime
    """When it was sent."""

    @property
    def deletes(self) -> bool:
        return self.headers.get("X-WC-Webhook-Topic") == "order.deleted"


def renamed(hook: Webhook, number: int) -> Webhook:
    name = next(name for name in hook.headers if name.endswith(("Webhook-Id", "Delivery-ID")))
    headers = hook.headers | {name: f"{hook.headers[name][:30]}{number:x}"}
    return replace(hook, headers=headers)
