"""What a customer changes in the preference centre, and by the links to unsubscribe."""

from functools import partial

from services.followup.domain import customers
from services.followup.domain.cancellation import cancel_flights
from services.followup.domain.effects import Said, nothing
from services.followup.domain.policy import Policy
from services.followup.domain.preferences.consents import word_told
from services.followup.domain.preferences.wishes import PAUSE, WISHED
from services.followup.domain.rules.times import cut
from services.followup.domain.state import Consent, Customer, InFlight
from shared.domain import Effects, Outcome
from shared.schemas.base import Data
from shared.schemas.commands.followup import UnsubscribeRequested
from shared.schemas.commands.preferences import ConsentWord, PreferencesRequested
from shared.schemas.customers import ConsentChanged, CustomerUpdated
from shared.schemas.times import Micros

CENTRE, LINK = "preference centre", "unsubscribe link"
"""The evidence of consents."""


def change(state: Customer, policy: Policy, asked: PreferencesRequested, told_at: Micros) -> Said:
    """Keep what is wished. Answers 200 {}; what is so already is not told."""
    known = [word for word in asked.words if word.channel in policy.channels]
    words = sorted(known, key=lambda one: one.topic is not None)
    facts = [*_told(state, policy, words, CENTRE, told_at), *_spoken(state, asked.locale, told_at)]
    more = partial(_wish, policy=policy, asked=asked, now=told_at)
    return Said(tuple(facts), Outcome(200, {}), more)


def unsubscribe(state: Customer, policy: Policy, data: UnsubscribeRequested, told_at: Micros) -> Said:
    """Withdraw a consent; said before, nothing happens. Without a topic, what was granted about topics is
    withdrawn too, as that would count before it. Answers 200."""
    told = {"purpose": data.purpose, "channel": data.channel, "granted": False}
    outcome = Outcome(200, told | ({"topic": data.topic_} if data.topic_ else {}))
    topics = [data.topic_]
    if data.topic_ is None:
        about = (data.purpose, data.channel)
        granted = [c for c in state.consents if c.granted and (c.purpose, c.channel) == about]
        topics += [c.topic for c in granted if c.topic is not None]
    words = [ConsentWord.model_validate({**told, "topic": topic}) for topic in topics]
    return Said(tuple(_told(state, policy, words, LINK, told_at)), outcome)


def _told(
    state: Customer, policy: Policy, words: list[ConsentWord], evidence: str, told_at: Micros
) -> list[tuple[Data, Micros]]:
    """What is to be told of these words, in their order: not what was the last word already, unless an import
    alone says so, nor of a topic what holds for all."""
    facts: list[tuple[Data, Micros]] = []
    for word in words:
        own = state.consent(word.purpose, word.channel, word.topic)
        holds = own or (state.word(word.purpose, word.channel, word.topic) if word.topic else None)
        if holds is not None and holds.granted == word.granted and not holds.unproven:
            continue
        at = _later(told_at, own, word.granted)
        said = {**word.model_dump(exclude_none=True), "evidence": evidence}
        data = ConsentChanged.model_validate(said)
        state = customers.consent(state, policy, data, word_told(data, at, told_at), cut(told_at)).state
        facts.append((data, at))
    return facts


def _later(told_at: Micros, own: Consent | None, granted: bool) -> Micros:
    """Later than any word known, or a sender whose clock is ahead would have the last one."""
    words = () if own is None else own.words
    return max([told_at, *(word.at + (granted and not word.granted) for word in words)])


def _wish(state: Customer, policy: Policy, asked: PreferencesRequested, now: Micros) -> Effects[Customer]:
    """How often, and a pause: from now, unless there is one. It takes back what is still with the sender."""
    wishes = state.wishes
    if asked.frequency is not None and asked.frequency != wishes.frequency:
        wishes = wishes.model_copy(update={"frequency": asked.frequency, "frequency_at": now})
    begins = asked.pause is True and not wishes.paused(now)
    if begins:
        wishes = wishes.model_copy(update={"paused_until": cut(now) + PAUSE, "paused_at": now})
    elif asked.pause is False and wishes.paused_until is not None:
        wishes = wishes.model_copy(update={"paused_until": None, "paused_at": now})
    if wishes is state.wishes:
        return nothing(state)
    wished = state.model_copy(update={"wishes": wishes})
    if not begins:
        return nothing(wished)

    def held(flight: InFlight) -> bool:
        return policy.at(flight.at).rules.counts_as(flight.rule, flight.purpose) in WISHED

    return cancel_flights(wished, policy, "frequency_cap", cut(now), held)


def _spoken(state: Customer, locale: str | None, told_at: Micros) -> list[tuple[Data, Micros]]:
    """The language, for everybody's profile; that of a country stays where it is the one wished."""
    if locale is None or locale in (state.locale, _language(state.locale or "")):
        return []
    known = state.profile.get("locale")
    return [(CustomerUpdated(locale=locale), max(told_at, known.at) if known else told_at)]


def _language(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0].lower()
