"""What the customer allows: the latest event time wins, whatever arrives first."""

from typing import Any

from services.interactions.domain.state import MAX_CONSENTS, Consent, Customer, found, placed
from shared.domain import Refused
from shared.schemas.customers import ConsentChanged
from shared.schemas.event import Event
from shared.schemas.times import micros


def consent_told(state: Customer, event: Event) -> dict[str, Any]:
    """The latest word a purpose and channel. Refused: ``too_many_consents``."""
    data = event.data
    assert isinstance(data, ConsentChanged)
    at = micros(event.time)
    old = found(state.consents, (data.purpose, data.channel), _consent_key)
    if old is not None and old.at > at:
        return {}
    if old is None and len(state.consents) >= MAX_CONSENTS:
        raise Refused("too_many_consents", f"a customer has consents on {MAX_CONSENTS} channels at most")
    new = Consent(purpose=data.purpose, channel=data.channel, granted=data.granted, at=at)
    return {"consents": placed(state.consents, new, _consent_key)}


def _consent_key(consent: Consent) -> tuple[str, str]:
    return consent.purpose, consent.channel
