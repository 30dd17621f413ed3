"""What is sealed only its reader can have opened, and sealing it again gives the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.sealing import Seal, UnreadableError

SEAL = Seal([b"0123456789abcdef"], "feedback")


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_it_opens_for_its_reader(text: str) -> None:
    sealed = SEAL.close(text, "ann")
    assert SEAL.open(sealed, "ann") == text
    assert sealed == Seal([b"0123456789abcdef"], "feedback").close(text, "ann")
    assert sealed.isascii()


@pytest.mark.parametrize(
    ("seal", "reader"),
    [
        (SEAL, "bob"),
        (Seal([b"another secret key"], "feedback"), "ann"),
        (Seal([b"0123456789abcdef"], "letters"), "ann"),
    ],
)
def test_for_nobody_else(seal: Seal, reader: str) -> None:
    sealed = SEAL.close("you interrupt too early", "ann")
    with pytest.raises(UnreadableError):
        seal.open(sealed, reader)


@pytest.mark.parametrize("sealed", ["", "x", "ü", "AAAA", "not base64!", "A" * 400])
def test_what_nobody_sealed(sealed: str) -> None:
    with pytest.raises(UnreadableError):
        SEAL.open(sealed, "ann")


def test_a_changed_character_is_found_out() -> None:
    sealed = SEAL.close("you interrupt too early", "ann")
    with pytest.raises(UnreadableError):
        SEAL.open(("B" if sealed[0] == "A" else "A") + sealed[1:], "ann")
