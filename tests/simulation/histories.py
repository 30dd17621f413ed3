"""Short realistic histories of customers, for the services' own handlers. Times rise. Pure."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.schemas.base import Data
from shared.schemas.customers import ErasureCompleted
from shared.schemas.event import Event
from shared.schemas.topics import TYPES
from tests.unit.journal.driver import START

SHOP = "/shop"
API = "/api/{service}/agent/route"
EUROS = {"currency": "EUR"}


def history(rng: random.Random, service: str, customers: int, size: int) -> list[Event]:
    """Events about these customers that the service is told, the first ones their profiles."""
    told = {"interactions": _interactions, "followup": _followup}[service]
    events, at = [], START
    for n in range(size):
        at += timedelta(minutes=rng.choice([1, 30, 600, 6000, 30_000]), seconds=n)
        customer = f"c{n if n < customers else rng.randrange(customers)}"
        kind, data = _profile(rng, n) if n < customers else told(rng, n)
        cls = TYPES[f"rapport.{kind}.v1"]
        source = API.format(service=service) if cls.topic == "commands" else _source(cls, rng)
        events.append(Event(f"h{n}", source, customer, at, cls.model_validate(data)))
    return events


def _source(cls: type[Data], rng: random.Random) -> str:
    of_loyalty = cls.topic == "loyalty" or cls is ErasureCompleted
    return "/rapport/loyalty" if of_loyalty else rng.choice([SHOP, "/desk"])


def _money(rng: random.Random) -> Mapping[str, Any]:
    return {"amount": rng.randrange(100, 50_000), **EUROS}


def _profile(rng: random.Random, n: int) -> tuple[str, Mapping[str, Any]]:
    kind = rng.choice(["customer.registered", "customer.updated"])
    profile = {
        "name": f"Ada Byron {n}",
        "email": f"a{n}@example.org",
        "segment": rng.choice(["a", "b", None]),
    }
    return kind, profile if rng.random() < 0.9 else {"name": "No Address"}


def _complaint(rng: random.Random, n: int) -> tuple[str, Mapping[str, Any]]:
    kind = rng.choice(["opened", "acknowledged", "updated", "resolved", "reopened", "closed"])
    data: dict[str, Any] = {"complaint_id": f"k{rng.randrange(4)}"}
    match kind:
        case "opened":
            data |= {"channel": "email", "category": "delivery", "severity": "normal", "description": "late"}
        case "acknowledged" | "updated":
            data["message"] = "We are on it."
        case "resolved":
            data["resolution"] = "Sent again."
        case "reopened":
            data["reason"] = "Still late."
    return f"complaint.{kind}", data


def _purchase(rng: random.Random, n: int) -> tuple[str, Mapping[str, Any]]:
    order = f"o{rng.randrange(n + 1)}"
    if rng.random() < 0.2:
        return "purchase.returned", {"order_id": order, "return_id": f"r{n}", "refund": _money(rng)}
    items = [{"sku": "tea", "quantity": 1, "unit_price": _money(rng)}]
    made = {"order_id": order, "channel": rng.choice(["web", "store"]), "total": _money(rng), "items": items}
    return "purchase.made", made


def _interactions(rng: random.Random, n: int) -> tuple[str, Mapping[str, Any]]:
    match rng.randrange(11):
        case 0:
            return _profile(rng, n)
        case 1 | 2:
            return _complaint(rng, n)
        case 3:
            return _purchase(rng, n)
        case 4:
            data = {"purpose": "marketing", "channel": "email", "granted": rng.random() < 0.7}
            return "consent.changed", data
        case 5:
            return "survey.answered", {"survey": "nps", "score": rng.randrange(11)}
        case 6:
            to = rng.choice(["silver", "gold"])
            return "tier.changed", {"from": "bronze", "to": to, "direction": "up"}
        case 7:
            asked = {"channel": "phone", "category": "delivery", "severity": "low", "description": "broken"}
            return "interactions.complaint_open.requested", asked
        case 8:
            step = rng.choice(["acknowledge", "close"])
            return f"interactions.complaint_{step}.requested", {"complaint_id": f"k{rng.randrange(4)}"}
        case 9 if rng.random() < 0.5:
            return _erasing(rng)
    contact = {"channel": rng.choice(["phone", "chat"]), "direction": "inbound", "kind": "question"}
    return "interaction.logged", {**contact, "summary": "Where is it?" * rng.choice([1, 1, 1, 2000])}


def _erasing(rng: random.Random) -> tuple[str, Mapping[str, Any]]:
    """Somebody is to be forgotten, is, or is elsewhere; or may come back."""
    match rng.randrange(6):
        case 0:
            return "customer.erased", {}
        case 1:
            return "erasure.completed", {"service": "loyalty", "removed": {"ledger": rng.randrange(9)}}
        case 2 | 3:
            return "interactions.erasure_lift.requested", {}
    return "interactions.customer_erase.requested", {}


def _followup(rng: random.Random, n: int) -> tuple[str, Mapping[str, Any]]:
    match rng.randrange(12):
        case 0:
            return _profile(rng, n)
        case 1 | 2 | 3:
            purpose = rng.choice(["marketing", "marketing", "service"])
            return "consent.changed", {"purpose": purpose, "channel": "email", "granted": rng.random() < 0.8}
        case 4 | 5:
            return _complaint(rng, n)
        case 6:
            to = rng.choice(["silver", "gold"])
            return "tier.changed", {"from": "bronze", "to": to, "direction": "up"}
        case 7:
            return "reward.available", {"reward_id": "tea", "name": "Tea", "cost": 100, "balance": 130}
        case 8 | 9:
            template = rng.choice(["note", "reply", "news"])
            if template == "reply":
                reply = {"outreach_id": f"r{n}", "conversation_id": "v", "channel": "email", "text": "Oh"}
                return "followup.reply.requested", reply
            variables = {"subject": "Hi", "message": "Oh"}
            return "followup.outreach.requested", {"template": template, "variables": variables}
        case 10 if rng.random() < 0.4:
            return rng.choice(["customer.erased", "erasure.lifted"]), {}
        case 10:
            return "followup.unsubscribe.requested", {"purpose": "marketing", "channel": "email"}
    return _purchase(rng, n)
