"""What profile, consent, complaint and erasure events change."""

from functools import partial

from services.followup.domain.cancellation import cancel_flight, cancel_flights, cancel_planned
from services.followup.domain.complaints import Complaint
from services.followup.domain.effects import nothing, then
from services.followup.domain.journeys.kept import Word
from services.followup.domain.journeys.segments import with_word
from services.followup.domain.policy import Policy
from services.followup.domain.state import Consent, Customer, InFlight, Moment
from shared.domain import CancelTimer, Effects
from shared.facts.profile import profile_told
from shared.schemas.base import Data
from shared.schemas.customers import ConsentChanged, Profile
from shared.schemas.insights import SegmentChanged
from shared.schemas.times import Micros


def profile(state: Customer, policy: Policy, data: Profile, at: Micros) -> Effects[Customer]:
    """Field by field: what is not named stays, null clears, the latest event time wins."""
    told = profile_told(state.profile, data, at, policy.profile)
    return nothing(state if told is state.profile else state.model_copy(update={"profile": told}))


def segment_told(state: Customer, policy: Policy, data: Data, at: Micros) -> Customer:
    """With what a fact says of the customer's segment, where a rule starts at that."""
    if "segment" not in policy.subjects:
        return state
    match data:
        case SegmentChanged():
            word = Word(at, profile=False, segment=data.to)
        case Profile() if "segment" in data.model_fields_set:
            word = Word(at, profile=True, segment=data.segment)
        case _:
            return state
    return state.model_copy(update={"segments": with_word(state.segments, word)})


def consent(
    state: Customer, policy: Policy, data: ConsentChanged, order: Moment, now: Micros
) -> Effects[Customer]:
    """The latest word by event time holds; to a withdrawal that is heard later a grant of the future is as
    old as when it was heard. A withdrawal takes back what is still with the sender."""
    by, at = order
    known = state.consent(data.purpose, data.channel)
    if known is not None:
        ahead = known.granted and not data.granted
        if at < (known.order.by if ahead else known.at):
            return nothing(state)
    word = Consent(purpose=data.purpose, channel=data.channel, granted=data.granted, at=at, by=by)
    others = tuple(c for c in state.consents if (c.purpose, c.channel) != (data.purpose, data.channel))
    effects = Effects(state.model_copy(update={"consents": (*others, word)}))
    if data.granted:
        return effects
    about = (data.purpose, data.channel)
    return then(
        effects,
        lambda s: cancel_flights(s, policy, "no_consent", now, lambda f: (f.purpose, f.channel) == about),
    )


def complaint(
    state: Customer, policy: Policy, complaint_id: str, after: tuple[Complaint, ...], now: Micros
) -> Effects[Customer]:
    """What a step of a complaint's life has made of all complaints. Where it opens this one, marketing that
    is still with the sender comes back."""
    learnt = state.model_copy(update={"complaints": after})
    before = state.complaint(complaint_id)
    if not any(c.complaint_id == complaint_id and c.is_open for c in after) or (before and before.is_open):
        return nothing(learnt)

    def held(flight: InFlight) -> bool:
        return flight.purpose in policy.at(flight.at).rules.hold_during_complaint

    return cancel_flights(learnt, policy, "open_complaint", now, held)


def erase(state: Customer, now: Micros) -> Effects[Customer]:
    """Forget the customer; what is planned or with the sender is cancelled. A tombstone stays."""
    effects = nothing(state)
    for planned in state.planned:
        effects = then(effects, partial(cancel_planned, planned=planned, reason="erased", now=now))
    for flight in state.in_flight:
        if not flight.cancelled:
            effects = then(effects, partial(cancel_flight, flight=flight, reason="erased", now=now))
    armed = [CancelTimer(f"rule:{anchor.rule}") for anchor in state.anchors if anchor.armed]
    armed += [CancelTimer(one.timer) for one in state.occasions if one.due_at is not None]
    tombstone = Customer(customer_id=state.customer_id, in_flight=effects.state.in_flight, erased=True)
    return then(effects, lambda _: Effects(tombstone, timers=tuple(armed)))
