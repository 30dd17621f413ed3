"""Tokens in links: what was signed comes back, what was touched does not."""

from hypothesis import given
from hypothesis import strategies as st

from services.followup.tokens import UNSUBSCRIBE, read, sign, unsubscribe_link

KEY = b"a key of some length"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@given(st.lists(st.text(max_size=40), max_size=4))
def test_round_trip(fields: list[str]) -> None:
    token = sign(KEY, UNSUBSCRIBE, *fields)
    assert read(KEY, UNSUBSCRIBE, token) == tuple(fields)
    assert read(b"another key", UNSUBSCRIBE, token) is None
    assert read(KEY, "survey", token) is None
    assert set(token) <= set(LETTERS)


@given(st.data())
def test_one_changed_character_is_refused(data: st.DataObject) -> None:
    token = sign(KEY, UNSUBSCRIBE, "c-1", "marketing", "email")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(LETTERS.replace(token[place], "")))
    assert read(KEY, UNSUBSCRIBE, token[:place] + other + token[place + 1 :]) is None


@given(st.text(max_size=80))
def test_anything_else_is_refused(token: str) -> None:
    assert read(KEY, UNSUBSCRIBE, token) is None


def test_a_link() -> None:
    link = unsubscribe_link("https://x.example", KEY, "c-1", "marketing", "email")
    assert link.startswith("https://x.example/u/")
    assert read(KEY, UNSUBSCRIBE, link.rpartition("/")[2]) == ("c-1", "marketing", "email")
