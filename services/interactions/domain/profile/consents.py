"""What the customer allows: the latest event time wins, whatever arrives first."""

from services.interactions.domain.state import MAX_CONSENTS, Consent, Customer, altered, found, placed
from services.interactions.errors import TOO_MANY_CONSENTS
from shared.schemas.customers import ConsentChanged
from shared.schemas.times import Micros


def consent_changed(customer: Customer, told: ConsentChanged, at: Micros) -> Customer:
    """The latest word per purpose and channel. Raises ``too_many_consents``."""
    old = found(customer.consents, (told.purpose, told.channel), _key)
    if old is not None and old.at > at:
        return customer
    if old is None and len(customer.consents) >= MAX_CONSENTS:
        raise TOO_MANY_CONSENTS(most=MAX_CONSENTS)
    new = Consent(purpose=told.purpose, channel=told.channel, granted=told.granted, at=at)
    return altered(customer, consents=placed(customer.consents, new, _key))


def _key(consent: Consent) -> tuple[str, str]:
    return consent.purpose, consent.channel
