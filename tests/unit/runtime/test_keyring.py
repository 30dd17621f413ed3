"""Keys are rotated: what any of them has made stays good, and what is derived stays the same."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.followup.tokens import UNSUBSCRIBE
from services.interactions.desk.session import Session, Sessions
from shared.http.key_ring import KeyRing
from shared.http.sealing import Seal, UnreadableError
from shared.mail.addresses import BounceAddress
from shared.mail.marks import mark_of, read_mark
from shared.runtime.settings import Settings

PLACES: Any = {"kafka": "k:1", "mongo": "mongodb://m"}
NOW = datetime(2026, 5, 1, tzinfo=UTC)
rings = st.lists(st.text("abcdef0123456789", min_size=16, max_size=70), min_size=1, max_size=4, unique=True)


class Made:
    """What a process makes, and whether it takes what another has made."""

    def __init__(self, ring: tuple[bytes, ...]) -> None:
        self.links, self.seal = KeyRing(ring), Seal(ring, "feedback")
        self.bounces = BounceAddress.parse("bounces+{token}@news.example", ring)
        self.ring = ring
        nobody: Any = None
        self.sessions = Sessions(ring, nobody, timedelta(hours=1))
        self.session = Session(visit="v" * 16, expires_at=NOW + timedelta(hours=1))

    def all(self) -> tuple[str, ...]:
        return (
            self.links.sign(UNSUBSCRIBE, "c-1"),
            self.seal.close("well done", "ann"),
            self.bounces.of("o-1"),
            mark_of(self.ring[0], "o-1"),
            self.sessions.write(self.session),
            self.sessions.token(self.session),
        )

    def takes(self, made: tuple[str, ...]) -> tuple[bool, ...]:
        link, sealed, sender, mark, cookie, form = made
        try:
            opened = self.seal.open(sealed, "ann") == "well done"
        except UnreadableError:
            opened = False
        return (
            self.links.read(UNSUBSCRIBE, link) == ("c-1",),
            opened,
            self.bounces.read(sender) == "o-1",
            read_mark(self.ring, mark) == "o-1",
            self.sessions.read(cookie, NOW) == self.session,
            self.sessions.is_token(form, self.session),
        )


@settings(deadline=None)
@given(rings, st.data())
def test_what_any_key_of_the_ring_made_is_taken(keys: list[str], data: st.DataObject) -> None:
    ring = Settings(**PLACES, secret_keys=",".join(keys)).key_ring
    by = data.draw(st.sampled_from(ring))
    assert set(Made(ring).takes(Made((by,)).all())) == {True}
    assert set(Made((ring[0],)).takes(Made(ring).all())) == {True}  # the first made it
    assert set(Made((b"one that is not in it",)).takes(Made(ring).all())) == {False}


@settings(deadline=None)
@given(rings, rings)
def test_what_is_derived_stays_the_same_whatever_comes_before_the_oldest(
    keys: list[str], more: list[str]
) -> None:
    before = Settings(**PLACES, secret_key=keys[-1])
    ring = Settings(**PLACES, secret_keys=json.dumps([*more, *keys]))
    named = Settings(**PLACES, secret_keys=",".join([*keys, *more]), secret_key=keys[-1])
    assert before.oldest_key == ring.oldest_key == named.oldest_key == keys[-1].encode()
    assert before.identity == ring.identity == named.identity
    assert ring.key_ring[0] == more[0].encode()
    assert named.key_ring[0] == keys[0].encode()
    assert set(named.key_ring) == {key.encode() for key in keys + more}


@pytest.mark.parametrize("told", ["short", "[not json", '["0123456789abcdef", "short"]', "[1]", "{}"])
def test_a_ring_that_is_wrong_is_refused_without_showing_it(told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(**PLACES, secret_keys=told)
    assert "secret_keys" in str(raised.value) or "RAPPORT_SECRET_KEYS" in str(raised.value)


def test_a_ring_or_a_key_must_be_there() -> None:
    for empty in ("", " , "):
        with pytest.raises(ValidationError, match="secret_key\\n"):
            Settings(**PLACES, secret_keys=empty)
        assert Settings(**PLACES, secret_key="k" * 16, secret_keys=empty).key_ring == (b"k" * 16,)
