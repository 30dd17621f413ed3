"""What a page says first, by what its address names."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.interactions.desk.said import AGAINST, MOST, given, said_of
from services.interactions.desk.words import Words, speech_of
from shared.templates.speech import Reader


def words(language: str = "en") -> Words:
    return Words(Reader(speech_of([language]), ZoneInfo("UTC")), datetime.now(UTC))


def test_all_that_was_against_an_agent_is_said() -> None:
    against = ["on_break", "lacks_skill:law", "lacks_skill:tax law", "lacks_language:fr"]
    assert said_of(given(against), words()) == (
        "Done all the same. They have a break. They do not know this: law. They do not know this: tax law. "
        "They do not speak this language: French."
    )
    german = said_of(given(against), words("de"))
    assert german is not None
    assert "hat Pause" in german
    assert "Französisch" in german


@pytest.mark.parametrize("one", AGAINST)
def test_whatever_was_against_them_is_said(one: str) -> None:
    said = said_of(given([f"{one}:law" if one.startswith("lacks_") else one]), words())
    assert said is not None
    assert len(said) > len("Done all the same. ")


@pytest.mark.parametrize(
    "name", ["", "any", "done\noff_shift", "given:off_shift", "\n", "constructor", "Done all the same."]
)
def test_an_address_says_nothing_of_its_own(name: str) -> None:
    assert said_of(name, words()) is None


def test_what_is_lacking_is_named_where_it_is_a_name() -> None:
    told = given(["lacks_skill:call 0900 1234 and pay", "lacks_language:<b>", "any", "any:thing"])
    assert said_of(told, words()) == (
        "Done all the same. They do not know this well enough. They do not speak this language."
    )
    assert len(given(["off_shift"] * 1000).split("\n")) == MOST + 1
