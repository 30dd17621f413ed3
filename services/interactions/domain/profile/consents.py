"""What the customer allows: the latest event time wins, whatever arrives first. But a clock that runs ahead
never outlasts a customer's no: to a withdrawal that is heard later, a grant of the future is as old as when
it was heard."""

from services.interactions.domain.state import MAX_CONSENTS, Consent, Customer, altered, found, placed
from services.interactions.domain.telling import Change, Told
from services.interactions.errors import TOO_MANY_CONSENTS
from shared.schemas.customers import ConsentChanged
from shared.schemas.times import Micros

MOST_EVIDENCE = 500
"""Characters of it that the state keeps; the timeline has all."""


def consent_changed(customer: Customer, told: Told) -> Change:
    """The latest word per purpose and channel, and per topic of these. Raises ``too_many_consents``."""
    data, at = told.event.data, told.at
    assert isinstance(data, ConsentChanged)
    old = found(customer.consents, (data.purpose, data.channel, data.topic_), _key)
    if old is not None and at < _holds_until(old, granted=data.granted):
        return Change(customer)
    if old is None and len(customer.consents) >= MAX_CONSENTS:
        raise TOO_MANY_CONSENTS(most=MAX_CONSENTS)
    heard = told.now if at > told.now else None
    new = Consent(
        purpose=data.purpose,
        channel=data.channel,
        topic=data.topic_,
        granted=data.granted,
        at=at,
        heard=heard,
        source=told.event.source,
        evidence=None if data.evidence is None else data.evidence[:MOST_EVIDENCE],
    )
    return Change(altered(customer, consents=placed(customer.consents, new, _key)))


def _holds_until(old: Consent, *, granted: bool) -> Micros:
    """The time from which on a new word, a grant or a withdrawal, takes the place of ``old``."""
    return old.heard if old.granted and not granted and old.heard is not None else old.at


def _key(consent: Consent) -> tuple[str, str, str | None]:
    return consent.purpose, consent.channel, consent.topic
