"""Signed tokens in links: what they carry can be read by their holder, and changed by nobody."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from functools import partial
from typing import get_args

from pydantic import ValidationError

from services.followup.domain.links import Links, Question, Subscription
from services.followup.domain.rules.rule import Purpose
from shared.schemas.times import MILLISECOND

UNSUBSCRIBE, SURVEY, PREFERENCES = "unsubscribe", "survey", "preferences"
MAC_BYTES = 16


class KeyRing:
    """The keys that links are signed with: the first signs, each verifies, so that links which were sent stay
    good when a new key comes before the others."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a key ring needs a key")
        self._keys = tuple(keys)

    def sign(self, kind: str, *fields: str | int) -> str:
        """A URL-safe token of these fields. One ``kind`` of token is never taken for another."""
        payload = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
        return f"{_write(payload)}.{_write(_mac(self._keys[0], kind, payload))}"

    def read(self, kind: str, token: str) -> tuple[str | int, ...] | None:
        """The fields of a token that ``sign`` made of this kind with any of the keys, else None."""
        payload, _, mac = token.partition(".")
        try:
            signed, given = _read(payload), _read(mac)
            if not any(hmac.compare_digest(_mac(key, kind, signed), given) for key in self._keys):
                return None
            return tuple(json.loads(signed))
        except (ValueError, binascii.Error):
            return None


def links(base_url: str, ring: KeyRing) -> Links:
    """Links to the pages, which start with ``base_url``."""
    return Links(
        unsubscribe=partial(_unsubscribe_link, base_url, ring),
        preferences=partial(_preferences_link, base_url, ring),
        survey=partial(_survey_link, base_url, ring),
    )


def _unsubscribe_link(base_url: str, ring: KeyRing, what: Subscription) -> str:
    """A page for a GET, done by a POST (RFC 8058). It never expires."""
    fields = (what.customer_id, what.purpose, what.channel, *((what.topic,) if what.topic else ()))
    return f"{base_url}/u/{ring.sign(UNSUBSCRIBE, *fields)}"


def read_subscription(ring: KeyRing, token: str) -> Subscription | None:
    """What a good token unsubscribes from; else None."""
    fields = ring.read(UNSUBSCRIBE, token)
    if fields is None or len(fields) not in (3, 4) or fields[1] not in get_args(Purpose):
        return None
    return Subscription(*map(str, fields))


def _preferences_link(base_url: str, ring: KeyRing, customer_id: str) -> str:
    """A customer's preference centre. As what it can undo, it never expires."""
    return f"{base_url}/p/{ring.sign(PREFERENCES, customer_id)}"


def read_customer(ring: KeyRing, token: str) -> str | None:
    """Whose preferences a good token opens; else None."""
    fields = ring.read(PREFERENCES, token)
    return str(fields[0]) if fields is not None and len(fields) == 1 else None


def _survey_link(base_url: str, ring: KeyRing, asked: Question) -> str:
    """A question; what it asks about and until when stand in the token."""
    closes_at = asked.closes_at // MILLISECOND
    fields = (asked.customer_id, asked.survey, asked.about_kind, asked.about_id, asked.outreach_id, closes_at)
    return f"{base_url}/s/{ring.sign(SURVEY, *fields)}"


def read_question(ring: KeyRing, token: str) -> Question | None:
    """What a good token asks, open still or not; else None."""
    fields = ring.read(SURVEY, token)
    if fields is None or len(fields) != len(Question.model_fields) or not isinstance(fields[-1], int):
        return None
    try:
        told = (*fields[:-1], fields[-1] * MILLISECOND)
        return Question.model_validate(dict(zip(Question.model_fields, told, strict=True)))
    except ValidationError:
        return None


def _mac(key: bytes, kind: str, payload: bytes) -> bytes:
    return hmac.new(key, f"rapport {kind} link 1\n".encode() + payload, hashlib.sha256).digest()[:MAC_BYTES]


def _write(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _write(raw) != text:
        raise ValueError("not the one way to write these bytes")
    return raw
