"""What data of each type may say, and which field is named where it says more."""

import json
from typing import Any

import pytest

from tests.unit.schemas.codec_records import EUR, cloudevent, read, refused

PERSON = {"name": "Ann"}
COMPENSATION = {"complaint_id": "c-1", "kind": "voucher"}
LOGGED = {"channel": "phone", "direction": "inbound", "kind": "call", "summary": ""}
CASES: list[tuple[str, dict[str, Any], str | None]] = [
    ("customer.registered", {**PERSON, "birthday": "--02-29"}, None),
    ("customer.registered", {**PERSON, "birthday": "2024-02-29"}, None),
    ("customer.registered", {**PERSON, "birthday": "2023-02-29"}, "data.birthday"),
    ("customer.registered", {**PERSON, "birthday": "--02-30"}, "data.birthday"),
    ("customer.registered", {**PERSON, "birthday": "29.02.2024"}, "data.birthday"),
    ("customer.registered", {**PERSON, "birthday": "-2-02-29"}, "data.birthday"),
    ("customer.registered", {**PERSON, "email": "ann.o'neil+x@example.org"}, None),
    ("customer.registered", {**PERSON, "email": "ann"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "ann@a@b"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "ann@b.org\r\nBcc: all@b.org"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "ann@b.org\n"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "ann @b.org"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "a,b@b.org"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "Ann <ann@b.org>"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "@b.org"}, "data.email"),
    ("customer.registered", {**PERSON, "email": "ann@"}, "data.email"),
    ("customer.registered", {**PERSON, "timezone": "Europe/Paris"}, None),
    ("customer.registered", {**PERSON, "timezone": "Mars/Base"}, "data.timezone"),
    ("customer.registered", {**PERSON, "timezone": "../passwd"}, "data.timezone"),
    ("customer.registered", {**PERSON, "timezone": "Europe"}, "data.timezone"),
    ("customer.registered", {**PERSON, "locale": "pt_BR"}, None),
    ("customer.registered", {**PERSON, "locale": "fr FR"}, "data.locale"),
    ("customer.registered", {"email": "a@b.org"}, "data.name"),
    ("consent.changed", {"purpose": "service", "channel": "sms", "granted": True}, None),
    ("consent.changed", {"purpose": "other", "channel": "sms", "granted": True}, "data.purpose"),
    ("consent.changed", {"purpose": "service", "channel": "sms", "granted": "yes"}, "data.granted"),
    ("interaction.logged", {**LOGGED, "sentiment": -1, "duration_s": 0}, None),
    ("interaction.logged", {**LOGGED, "sentiment": 1.01}, "data.sentiment"),
    ("interaction.logged", {**LOGGED, "sentiment": "0.5"}, "data.sentiment"),
    ("interaction.logged", {**LOGGED, "duration_s": -1}, "data.duration_s"),
    ("interaction.logged", {**LOGGED, "duration_s": float("inf")}, "data.duration_s"),
    ("interaction.logged", {**LOGGED, "channel": "fax"}, "data.channel"),
    ("interaction.logged", {**LOGGED, "direction": "up"}, "data.direction"),
    ("conversation.escalated", {"conversation_id": "c", "from": "bot", "reason": ""}, None),
    ("conversation.escalated", {"conversation_id": "c", "from_": "bot", "reason": ""}, "data.from"),
    (
        "complaint.opened",
        {"complaint_id": "c", "channel": "web", "category": "x", "severity": "mild", "description": ""},
        "data.severity",
    ),
    ("compensation.granted", COMPENSATION, None),
    ("compensation.granted", {**COMPENSATION, "kind": "points"}, "data.points"),
    ("compensation.granted", {**COMPENSATION, "kind": "points", "points": None}, "data.points"),
    ("compensation.granted", {**COMPENSATION, "kind": "points", "points": 0}, "data.points"),
    ("compensation.granted", {**COMPENSATION, "kind": "points", "points": 5}, None),
    ("compensation.granted", {**COMPENSATION, "kind": "refund"}, "data.money"),
    (
        "compensation.granted",
        {**COMPENSATION, "kind": "refund", "money": {**EUR, "amount": -1}},
        "data.money.amount",
    ),
    ("purchase.returned", {"order_id": "o", "return_id": "r", "items": [], "refund": EUR}, None),
    (
        "purchase.returned",
        {"order_id": "o", "return_id": "r", "items": [], "refund": {**EUR, "amount": -1}},
        "data.refund.amount",
    ),
    ("survey.answered", {"survey": "nps", "score": 0}, None),
    ("survey.answered", {"survey": "nps", "score": 11}, "data.score"),
    ("survey.answered", {"survey": "csat", "score": 0}, "data.score"),
    ("survey.answered", {"survey": "csat", "score": 5}, None),
    ("survey.answered", {"survey": "csat", "score": 6}, "data.score"),
    ("survey.answered", {"survey": "ces", "score": 7}, None),
    ("survey.answered", {"survey": "ces", "score": 8}, "data.score"),
    ("survey.answered", {"survey": "nps", "score": "9"}, "data.score"),
    ("survey.answered", {"survey": "pulse", "score": 1}, "data.survey"),
    ("survey.answered", {"survey": "nps", "score": 9, "about": {"kind": "order"}}, "data.about.id"),
    ("review.posted", {"sku": "x", "rating": 5}, None),
    ("review.posted", {"sku": "x", "rating": 6}, "data.rating"),
    ("review.posted", {"sku": "x", "rating": 0}, "data.rating"),
    ("clock.advanced", {"to": "2026-11-22T10:00:00+01:00"}, None),
    ("clock.advanced", {"to": "2026-11-22T10:00:00"}, "data.to"),
    ("clock.advanced", {"to": 1_700_000_000}, "data.to"),
    ("outreach.suppressed", {"outreach_id": "o", "rule": "r", "reason": "bored"}, "data.reason"),
]


@pytest.mark.parametrize(("kind", "data", "field"), CASES)
def test_what_is_plausible(kind: str, data: dict[str, Any], field: str | None) -> None:
    value = json.dumps(cloudevent(kind, data)).replace("Infinity", "1e999").encode()
    if field is None:
        assert read(value).type == f"rapport.{kind}.v1"
    else:
        assert refused(value) == ("field", field)
