"""Tokens in links: what was signed comes back, what was touched does not; a new key leaves old links good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.followup.domain.links import Question, Subscription
from services.followup.tokens import (
    PREFERENCES,
    SURVEY,
    UNSUBSCRIBE,
    links,
    read_customer,
    read_question,
    read_subscription,
)
from shared.http.key_ring import KeyRing
from shared.runtime.settings import Settings
from shared.schemas.times import MILLISECOND

OLD, NEW = b"a key of some length", b"another key of a length"
RING = KeyRing([OLD])
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
ASKED = Question(
    customer_id="c-1",
    survey="nps",
    about_kind="outreach",
    about_id="o-1",
    outreach_id="o-1",
    closes_at=1_700_000_000_000 * MILLISECOND,
)


@given(st.lists(st.text(max_size=40) | st.integers(0, 2**50), max_size=4))
def test_round_trip(fields: list[str | int]) -> None:
    token = RING.sign(UNSUBSCRIBE, *fields)
    assert RING.read(UNSUBSCRIBE, token) == tuple(fields)
    assert KeyRing([NEW]).read(UNSUBSCRIBE, token) is None
    assert RING.read(SURVEY, token) is None
    assert set(token) <= set(LETTERS)


@given(st.data())
def test_one_changed_character_is_refused(data: st.DataObject) -> None:
    token = RING.sign(UNSUBSCRIBE, "c-1", "marketing", "email")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(LETTERS.replace(token[place], "")))
    assert RING.read(UNSUBSCRIBE, token[:place] + other + token[place + 1 :]) is None


@given(st.text(max_size=80))
def test_anything_else_is_refused(token: str) -> None:
    assert RING.read(UNSUBSCRIBE, token) is None


def test_the_newest_key_signs_and_all_verify() -> None:
    both = KeyRing([NEW, OLD])
    before, after = RING.sign(UNSUBSCRIBE, "c-1"), both.sign(UNSUBSCRIBE, "c-1")
    assert both.read(UNSUBSCRIBE, before) == both.read(UNSUBSCRIBE, after) == ("c-1",)
    assert RING.read(UNSUBSCRIBE, after) is None
    assert KeyRing([NEW]).read(UNSUBSCRIBE, after) == ("c-1",)


def test_the_ring_of_the_settings() -> None:
    told = {"kafka": "k:1", "mongo": "mongodb://m", "secret_key": OLD.decode()}
    assert Settings(**told).key_ring == (OLD,)
    more = Settings(**told, secret_keys=f"{NEW.decode()} , third-key-of-a-length,")
    assert more.key_ring == (NEW, b"third-key-of-a-length", OLD)
    assert NEW.decode() not in repr(more)
    with pytest.raises(ValidationError):
        Settings(**told, secret_keys="too short")


def test_links_lead_to_what_they_were_made_of() -> None:
    made = links("https://x.example", RING)
    for what in (Subscription("c-1", "marketing", "email"), Subscription("c-1", "survey", "sms", "events")):
        link = made.unsubscribe(what)
        assert link.startswith("https://x.example/u/")
        assert read_subscription(RING, link.rpartition("/")[2]) == what
    assert made.preferences("c-1").startswith("https://x.example/p/")
    assert read_customer(RING, made.preferences("c-1").rpartition("/")[2]) == "c-1"
    assert made.survey(ASKED).startswith("https://x.example/s/")
    assert read_question(RING, made.survey(ASKED).rpartition("/")[2]) == ASKED


def test_a_link_of_before_topics_is_good_for_ever() -> None:
    token = "WyJjLTEiLCJtYXJrZXRpbmciLCJlbWFpbCJd.pgBnrUcqkGBVKIwmpHTL5Q"
    assert read_subscription(RING, token) == Subscription("c-1", "marketing", "email")


@pytest.mark.parametrize(
    "fields",
    [
        ("c-1", "nps", "outreach", "o-1", "o-1"),
        ("c-1", "nps", "outreach", "o-1", "o-1", "tomorrow"),
        ("c-1", "mood", "outreach", "o-1", "o-1", 1),
        ("c-1", "nps", "no id", "o-1", "o-1", 1),
    ],
)
def test_a_question_that_makes_no_sense_is_none(fields: tuple[str | int, ...]) -> None:
    assert read_question(RING, RING.sign(SURVEY, *fields)) is None
    assert read_customer(RING, RING.sign(PREFERENCES, *fields)) is None
    assert read_subscription(RING, RING.sign(UNSUBSCRIBE, *fields)) is None
