"""Somebody is erased: nothing more goes to them, and what must never be written to stays known. Pure."""

import hmac
from functools import partial

from services.followup.domain.cancellation import cancel_flight, cancel_planned
from services.followup.domain.deliverability.heard import Klass
from services.followup.domain.deliverability.suppression import class_of
from services.followup.domain.effects import nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.rows import UNWANTED
from services.followup.domain.state import Customer, address_mark
from shared.domain import ERASED, Effects, Outcome, Put
from shared.schemas.times import Micros

HASH_DIGITS = 32
_LABEL = b"address "
"""Before the marks, so that no customer's id has the hash of one."""


def erase(state: Customer, policy: Policy, now: Micros) -> Effects[Customer]:
    """What waits is cancelled and what is with the sender taken back, which is told; the state goes. What is
    reported of it later has no effect. Addresses that are suppressed stay so, by a keyed hash."""
    effects = nothing(state)
    for planned in state.planned:
        effects = then(effects, partial(cancel_planned, planned=planned, reason="erased", now=now))
    for flight in state.in_flight:
        if not flight.cancelled:
            effects = then(effects, partial(cancel_flight, flight=flight, reason="erased", now=now))
    # All rows of the customer go, these soon; until then no sender takes them.
    rows = (*effects.rows, *_unwanted(state, policy))
    return Effects(Customer(customer_id=state.customer_id), effects.emits, rows=rows, erase=True)


def marked_before(state: Customer) -> Effects[Customer]:
    """The state of one whom an earlier version had erased, and who was only marked so."""
    body = {"code": ERASED.code, "detail": ERASED.sentence, "field": None}
    return Effects(state, outcome=Outcome(ERASED.status, body), erase=True)


def _unwanted(state: Customer, policy: Policy) -> tuple[Put, ...]:
    return tuple(
        Put(UNWANTED, {"_id": _key(policy.erased_by, one.mark, one.of), "why": one.why})
        for one in state.suppressed
    )


def unwanted_keys(key: bytes, channel: str, address: str, purpose: str) -> list[str]:
    """The ids of ``UNWANTED`` rows by which such a message does not go there. ``purpose``: what it counts
    as."""
    ofs: dict[Klass, None] = dict.fromkeys((class_of(purpose), "service"))
    return [_key(key, address_mark(channel, address), of) for of in ofs]


def _key(key: bytes, mark: str, of: Klass) -> str:
    hashed = hmac.digest(key, _LABEL + mark.encode(), "sha256").hex()[:HASH_DIGITS]
    return f"{hashed} {of}"
