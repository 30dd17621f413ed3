"""What profile, consent, complaint and erasure events change."""

from functools import partial

from services.followup.domain.cancellation import cancel_flight, cancel_flights, cancel_planned
from services.followup.domain.effects import nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.state import Consent, Customer
from shared.domain import CancelTimer, Effects
from shared.schemas.customers import ConsentChanged, Profile
from shared.schemas.times import Micros


def profile(state: Customer, data: Profile, at: Micros) -> Effects[Customer]:
    """A profile replaces the one before, unless that is newer."""
    if state.profile_at is not None and at < state.profile_at:
        return nothing(state)
    fields = ("name", "email", "phone", "locale", "timezone", "preferred_channel")
    changed = {name: getattr(data, name) for name in fields}
    return Effects(state.model_copy(update={**changed, "profile_at": at}))


def consent(
    state: Customer, policy: Policy, data: ConsentChanged, at: Micros, now: Micros
) -> Effects[Customer]:
    """The latest word by event time holds; a withdrawal takes back what is still with the sender."""
    known = state.consent(data.purpose, data.channel)
    if known is not None and at < known.at:
        return nothing(state)
    word = Consent(purpose=data.purpose, channel=data.channel, granted=data.granted, at=at)
    others = tuple(c for c in state.consents if (c.purpose, c.channel) != (data.purpose, data.channel))
    effects = Effects(state.model_copy(update={"consents": (*others, word)}))
    if data.granted:
        return effects
    return then(
        effects,
        lambda s: cancel_flights(
            s, policy, "no_consent", now, purposes=frozenset({data.purpose}), channel=data.channel
        ),
    )


def complaint_open(state: Customer, policy: Policy, complaint_id: str, now: Micros) -> Effects[Customer]:
    """A complaint was opened or reopened: marketing that is still with the sender comes back."""
    if complaint_id in state.open_complaints:
        return nothing(state)
    after = state.model_copy(update={"open_complaints": (*state.open_complaints, complaint_id)})
    purposes = frozenset[str](policy.rules.hold_during_complaint)
    return cancel_flights(after, policy, "open_complaint", now, purposes=purposes)


def complaint_over(state: Customer, complaint_id: str) -> Effects[Customer]:
    """A complaint was resolved or closed."""
    if complaint_id not in state.open_complaints:
        return nothing(state)
    rest = tuple(c for c in state.open_complaints if c != complaint_id)
    return nothing(state.model_copy(update={"open_complaints": rest}))


def erase(state: Customer, now: Micros) -> Effects[Customer]:
    """Forget the customer; what is planned or with the sender is cancelled. A tombstone stays."""
    effects = nothing(state)
    for planned in state.planned:
        effects = then(effects, partial(cancel_planned, planned=planned, reason="erased", now=now))
    for flight in state.in_flight:
        if not flight.cancelled:
            effects = then(effects, partial(cancel_flight, flight=flight, reason="erased", now=now))
    armed = tuple(CancelTimer(f"rule:{anchor.rule}") for anchor in state.anchors if anchor.armed)
    tombstone = Customer(customer_id=state.customer_id, in_flight=effects.state.in_flight, erased=True)
    return then(effects, lambda _: Effects(tombstone, timers=armed))
