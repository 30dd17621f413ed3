"""Which word on a consent holds: the same in any order, told again or not, under one id or several, and in
both services that keep consents."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.happened import Consent as FollowupConsent
from services.followup.domain.preferences import consents as followup
from services.interactions.domain.profile import consents as interactions
from services.interactions.domain.state import Consent, initial
from services.interactions.domain.telling import Told
from shared.domain import Context
from shared.facts.consents import IMPORTED, without_effect
from shared.schemas.customers import ConsentChanged
from shared.schemas.event import Event
from shared.schemas.times import Micros, moment
from tests.examples import examples

MINUTE = 60_000_000


class Said(NamedTuple):
    """A word, the minute of its event and that in which it was heard."""

    granted: bool
    at: int
    imported: bool = False
    evidence: str | None = None
    heard: int = 1_000

    @property
    def unproven(self) -> bool:
        return self.imported and not (self.evidence or "").strip()


def holds(words: Sequence[Said]) -> bool:
    """What people would say who read all words that are of the past, in no order: the latest counts, of one
    time the no; but imports without evidence are not asked where the person's own latest word is a no."""
    own = [word for word in words if not word.unproven]
    if own and not _latest(own):
        return _latest(own)
    return _latest(words)


def _latest(words: Sequence[Said]) -> bool:
    return max(words, key=lambda word: (word.at, not word.granted)).granted


def event_of(word: Said) -> Event:
    data = ConsentChanged(purpose="marketing", channel="email", granted=word.granted, evidence=word.evidence)
    extensions = {IMPORTED: True} if word.imported else {}
    return Event(repr(word), "/test", "c-1", moment(word.at * MINUTE), data, extensions=extensions)


def in_interactions(words: Sequence[Said]) -> Consent:
    customer = initial("c-1")
    for word in words:
        context = Context(moment(word.heard * MINUTE), str, str)
        told = Told(event_of(word), word.at * MINUTE, context)
        customer = interactions.consent_changed(customer, told).customer
    (consent,) = customer.consents
    return consent


def in_followup(words: Sequence[Said]) -> FollowupConsent:
    found: tuple[FollowupConsent, ...] = ()
    for word in words:
        event = event_of(word)
        assert isinstance(event.data, ConsentChanged)
        told = followup.word_told(event.data, word.at * MINUTE, word.heard * MINUTE, event)
        found = followup.with_consent(found, event.data, told)
    (consent,) = found
    return consent


def verdicts(words: Sequence[Said]) -> set[tuple[bool, Micros, bool]]:
    """What holds since when, and whether an import's grant is in vain, as each service has it."""
    mine, theirs = in_interactions(words), in_followup(words)
    return {
        (mine.granted, mine.at, without_effect(interactions.words_of(mine)) is not None),
        (theirs.granted, theirs.at, without_effect(theirs.words) is not None),
    }


_past = st.builds(
    Said,
    granted=st.booleans(),
    at=st.integers(1, 8),
    imported=st.booleans(),
    evidence=st.sampled_from([None, None, "", " ", "form 3"]),
    heard=st.just(1_000),
)
_ahead = st.builds(
    Said,
    granted=st.booleans(),
    at=st.integers(1, 30),
    imported=st.booleans(),
    evidence=st.sampled_from([None, "form 3"]),
    heard=st.integers(1, 30),
)


@pytest.mark.parametrize(
    ("words", "granted"),
    [
        # The person took it back, and an old list says later that they are on it.
        ([Said(True, 1), Said(False, 2), Said(True, 3, imported=True)], False),
        ([Said(True, 3, imported=True), Said(False, 2)], False),
        # It says how it knows; or the person has said so again since.
        ([Said(False, 2), Said(True, 3, imported=True, evidence="form 3")], True),
        ([Said(False, 2), Said(True, 3)], True),
        ([Said(False, 2), Said(True, 3), Said(False, 4, imported=True), Said(True, 5, imported=True)], True),
        # Evidence does not make it later than it is.
        ([Said(False, 2), Said(True, 1, imported=True, evidence="form 3")], False),
        # Of what lists say alone the latest counts; and a no of theirs is one.
        ([Said(False, 2, imported=True), Said(True, 3, imported=True)], True),
        ([Said(True, 2), Said(False, 3, imported=True)], False),
        ([Said(True, 3, imported=True)], True),
        ([Said(True, 3), Said(False, 3)], False),
    ],
)
def test_what_holds(words: list[Said], granted: bool) -> None:
    assert {verdict[0] for verdict in verdicts(words)} == {granted}
    assert holds(words) is granted


@settings(max_examples=examples(300))
@given(st.lists(_past, min_size=1, max_size=10).flatmap(lambda w: st.tuples(st.just(w), st.permutations(w))))
def test_any_order_gives_the_same_verdict_in_both_services(case: tuple[list[Said], list[Said]]) -> None:
    words, other = case
    ((granted, at, vain),) = verdicts(words)
    assert verdicts(other) == {(granted, at, vain)}
    assert verdicts([*words, *other]) == {(granted, at, vain)}, "told again"
    assert granted is holds(words)
    if vain:
        assert any(word.granted and word.unproven for word in words)
        assert not holds([word for word in words if not word.unproven])


@settings(max_examples=examples(300))
@given(st.lists(st.tuples(_past, st.integers(0, 2)), min_size=1, max_size=10), st.permutations(range(3)))
def test_several_ids_together_say_what_one_would(told: list[tuple[Said, int]], order: list[int]) -> None:
    shares = [[word for word, whose in told if whose == id] for id in order]
    mine = [(in_interactions(words),) for words in shares if words]
    theirs = [in_followup(words) for words in shares if words]
    one = in_interactions([word for word, _ in told])
    (joined,) = reduce(interactions.consents_joined, mine)
    (both,) = followup.joined(theirs)
    assert (joined.granted, joined.at) == (both.granted, both.at) == (one.granted, one.at)


@settings(max_examples=examples(300))
@given(st.lists(_ahead, min_size=1, max_size=10))
def test_with_clocks_that_run_ahead_both_services_agree(words: list[Said]) -> None:
    told = sorted(words, key=lambda word: word.heard)
    assert len(verdicts(told)) == 1
    now = told[-1].heard + 1
    no = Said(False, now, heard=now)
    assert {verdict[0] for verdict in verdicts([*told, no])} == {False}, "the person's no of now holds"
    yes = no._replace(granted=True, at=max(now, *(word.at + 1 for word in (*told, no))), heard=now + 1)
    assert {verdict[0] for verdict in verdicts([*told, no, yes])} == {True}, "and their yes after that"


@settings(max_examples=examples(100))
@given(st.lists(_ahead, min_size=1, max_size=30))
def test_a_state_keeps_eight_words_at_most(words: list[Said]) -> None:
    told = sorted(words, key=lambda word: word.heard)
    assert len(interactions.words_of(in_interactions(told))) <= 8
    assert len(in_followup(told).words) <= 8


def test_states_from_before_other_words_were_kept() -> None:
    old = {"purpose": "marketing", "channel": "email", "granted": False, "at": 5 * MINUTE}
    mine, theirs = Consent.model_validate(old), FollowupConsent.model_validate(old)
    assert (mine.others, mine.unproven, theirs.others, theirs.unproven) == ((), False, (), False)
    late = Said(True, 6, imported=True)
    data = event_of(late).data
    assert isinstance(data, ConsentChanged)
    customer = initial("c-1").model_copy(update={"consents": (mine,)})
    told = Told(event_of(late), 6 * MINUTE, Context(moment(9 * MINUTE), str, str))
    change = interactions.consent_changed(customer, told)
    assert [consent.granted for consent in change.customer.consents] == [False]
    word = followup.word_told(data, 6 * MINUTE, 9 * MINUTE, event_of(late))
    assert [consent.granted for consent in followup.with_consent((theirs,), data, word)] == [False]


def test_an_import_is_told_by_either_spelling_of_a_truth() -> None:
    data = ConsentChanged(purpose="marketing", channel="email", granted=True)
    at = moment(0) + timedelta(hours=1)
    for spelt, unproven in ((True, True), ("true", True), (False, False), ("no", False)):
        event = Event("e", "/s", "c-1", at, data, extensions={IMPORTED: spelt})
        assert followup.word_told(data, 1, 2, event).unproven is unproven
