"""Which segment a customer is counted to, since when, and when they left another."""

from itertools import pairwise
from typing import NamedTuple

from services.followup.domain.journeys.kept import Word
from shared.schemas.times import Micros

MOST_WORDS = 20
"""How many words on segments are kept: the latest by event time."""
Words = tuple[Word, ...]
"""By time; of one time the later in the log last."""


class Stay(NamedTuple):
    """From ``since`` on the customer is counted to ``segment``, or to none."""

    segment: str | None
    since: Micros


def with_word(words: Words, new: Word) -> Words:
    """With one more word, in whatever order they are heard. Where they are too many, of equal words of one
    voice in a row the first and the last are kept, and then the latest: until then each is, since one that
    is heard late may fall between any two."""
    place = sum(word.at <= new.at for word in words)
    told = (*words[:place], new, *words[place:])
    if len(told) > MOST_WORDS:
        told = tuple(sorted((*_ends(told, True), *_ends(told, False)), key=lambda word: word.at))
    return told[-MOST_WORDS:]


def _ends(words: Words, profile: bool) -> list[Word]:
    """Of one voice, those that have another word before or after them."""
    same = [word for word in words if word.profile is profile]
    return [
        word
        for number, word in enumerate(same)
        if number in (0, len(same) - 1)
        or not same[number - 1].segment == word.segment == same[number + 1].segment
    ]


def stays(words: Words) -> list[Stay]:
    """The customer's segments one after another; what a source names comes before what the metrics make."""
    said: dict[bool, str | None] = {}
    found: list[Stay] = []
    for word in words:
        said[word.profile] = word.segment
        segment = said.get(True) or said.get(False)
        if not found or found[-1].segment != segment:
            if found and found[-1].since == word.at:  # of one instant the last word holds
                found.pop()
            if not found or found[-1].segment != segment:
                found.append(Stay(segment, word.at))
    return found


def changed_at(words: Words, segment: str, change: str) -> Micros | None:
    """Since when the customer is in the segment (``entered``), or is not any more (``left``); None where it
    is not so."""
    known = stays(words)
    if not known or (known[-1].segment == segment) is not (change == "entered"):
        return None
    if change == "entered":
        return known[-1].since
    after = [stay.since for before, stay in pairwise(known) if before.segment == segment]
    return after[-1] if after else None
