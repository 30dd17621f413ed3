"""What the customer allows, by purpose, channel and topic: the word that holds, and those that it depends on
(``shared/facts/consents.py``)."""

from collections.abc import Iterable

from services.interactions.domain.profile.words import Consent, ConsentWord
from services.interactions.domain.state import MAX_CONSENTS, Customer, altered, found, placed
from services.interactions.domain.telling import Change, Note, Told
from services.interactions.errors import TOO_MANY_CONSENTS
from shared.facts.consents import decided, heard_ahead, is_unproven, is_unproven_grant, without_effect
from shared.schemas.customers import ConsentChanged
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros

MOST_EVIDENCE = 500
"""Characters of it that the state keeps; the timeline has all."""
WITHDRAWN = "The customer withdrew this themself: an import that has no evidence does not grant it again."
_WITHOUT_EFFECT = Note("Without effect", WITHDRAWN)


def consent_changed(customer: Customer, told: Told) -> Change:
    """The word that holds by purpose and channel, and by topic of these. An import's that does not hold may
    be told again under its id, with evidence. Raises ``too_many_consents``."""
    data = told.event.data
    assert isinstance(data, ConsentChanged)
    word = _word(told.event, data, told.at, told.now)
    old = found(customer.consents, (data.purpose, data.channel, data.topic_), _key)
    if old is None:
        if len(customer.consents) >= MAX_CONSENTS:
            raise TOO_MANY_CONSENTS(most=MAX_CONSENTS)
        return Change(altered(customer, consents=(*customer.consents, _consent(data, (word,)))))
    words = (*words_of(old), word)
    new = _consent(data, words)
    changed = customer if new == old else altered(customer, consents=placed(customer.consents, new, _key))
    if word.granted and word.unproven and without_effect(words) is not None:
        return Change(changed, counted=0, note=_WITHOUT_EFFECT, unseen=(told.unseen,))
    return Change(changed)


def has_no_effect(customer: Customer, event: Event) -> bool:
    """Whether this is an import's grant of what the customer, as known, withdrew themself."""
    data = event.data
    if not isinstance(data, ConsentChanged) or not is_unproven_grant(event):
        return False
    old = found(customer.consents, (data.purpose, data.channel, data.topic_), _key)
    if old is None:
        return False
    at = micros(event.time)
    return without_effect((*words_of(old), _word(event, data, at, at))) is not None


def consents_joined(one: Iterable[Consent], other: Iterable[Consent]) -> tuple[Consent, ...]:
    """The words on two ids as on one. Beyond the bound a consent is as if never given: the oldest go,
    refusals last."""
    every: dict[tuple[str, str, str | None], Consent] = {_key(told): told for told in one}
    for told in other:
        known = every.get(_key(told))
        every[_key(told)] = told if known is None else _consent(told, (*words_of(known), *words_of(told)))
    if len(every) <= MAX_CONSENTS:
        return tuple(every.values())
    latest = sorted(every.values(), key=lambda told: (not told.granted, told.at), reverse=True)
    return tuple(latest[:MAX_CONSENTS])


def words_of(consent: Consent) -> tuple[ConsentWord, ...]:
    """The word that holds, and the others."""
    return (consent, *consent.others)


def _word(event: Event, data: ConsentChanged, at: Micros, now: Micros) -> ConsentWord:
    return ConsentWord(
        granted=data.granted,
        at=at,
        heard=heard_ahead(at, now),
        source=event.source,
        evidence=None if data.evidence is None else data.evidence[:MOST_EVIDENCE],
        unproven=is_unproven(event, data),
    )


def _consent(about: ConsentChanged | Consent, words: Iterable[ConsentWord]) -> Consent:
    """On the same as ``about``, of all the words."""
    holds, others = decided(words, ConsentWord)
    topic = about.topic_ if isinstance(about, ConsentChanged) else about.topic
    return Consent(
        purpose=about.purpose,
        channel=about.channel,
        topic=topic,
        others=others,
        **vars(holds),
    )


def _key(consent: Consent) -> tuple[str, str, str | None]:
    return consent.purpose, consent.channel, consent.topic
