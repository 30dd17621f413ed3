"""Which words on consents hold, of all that are known (``shared/facts/consents.py``). Pure."""

from collections.abc import Iterable

from services.followup.domain.gate.kept import Cited
from services.followup.domain.happened import Consent, ConsentWord
from shared.facts.consents import decided, heard_ahead, is_unproven, since, without_effect
from shared.schemas.customers import ConsentChanged
from shared.schemas.event import Event
from shared.schemas.times import Micros


def word_told(data: ConsentChanged, at: Micros, heard: Micros, event: Event | None = None) -> ConsentWord:
    """What somebody says; ``event``: where they have said it by one."""
    return ConsentWord(
        granted=data.granted,
        event=None if event is None else Cited(event.source, event.id),
        at=at,
        by=since(at, heard_ahead(at, heard), granted=data.granted),
        unproven=event is not None and is_unproven(event, data),
    )


def with_consent(
    consents: tuple[Consent, ...], data: ConsentChanged, word: ConsentWord
) -> tuple[Consent, ...]:
    """With a word more; those themselves where it says nothing new."""
    about = (data.purpose, data.channel, data.topic_)
    known = next((consent for consent in consents if consent.about == about), None)
    words = (word,) if known is None else (*known.words, word)
    new = _consent(about, words)
    if new == known:
        return consents
    return (*(consent for consent in consents if consent is not known), new)


def has_no_effect(consents: Iterable[Consent], data: ConsentChanged, word: ConsentWord) -> bool:
    """Whether the word, which is among those, is an import's grant of what the customer withdrew themself."""
    if not (word.granted and word.unproven):
        return False
    about = (data.purpose, data.channel, data.topic_)
    return any(without_effect(one.words) is not None for one in consents if one.about == about)


def joined(consents: Iterable[Consent]) -> tuple[Consent, ...]:
    """Those of several ids as of one."""
    found: dict[tuple[str, str, str | None], Consent] = {}
    for one in consents:
        known = found.get(one.about)
        found[one.about] = one if known is None else _consent(one.about, (*known.words, *one.words))
    return tuple(found.values())


def _consent(about: tuple[str, str, str | None], words: Iterable[ConsentWord]) -> Consent:
    holds, others = decided(words, ConsentWord)
    purpose, channel, topic = about
    return Consent(
        purpose=purpose,
        channel=channel,
        topic=topic,
        others=others,
        **vars(holds),
    )
