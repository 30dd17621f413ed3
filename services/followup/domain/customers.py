"""What profile, consent and complaint events change."""

from services.followup.domain.cancellation import cancel_flights
from services.followup.domain.complaints import Complaint
from services.followup.domain.effects import nothing, then
from services.followup.domain.gate.complaint import complaint_of
from services.followup.domain.gate.reach import allows
from services.followup.domain.happened import ConsentWord
from services.followup.domain.journeys.kept import Word
from services.followup.domain.journeys.segments import with_word
from services.followup.domain.policy import Policy
from services.followup.domain.preferences.consents import with_consent
from services.followup.domain.state import Customer, InFlight
from shared.domain import Effects
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
    state: Customer, policy: Policy, data: ConsentChanged, word: ConsentWord, now: Micros
) -> Effects[Customer]:
    """Of all words the one that holds by ``shared/facts/consents.py``. A withdrawal takes back what is still
    with the sender and has lost its leave."""
    about = (data.purpose, data.channel)
    consents = with_consent(state.consents, data, word)
    effects = nothing(
        state if consents is state.consents else state.model_copy(update={"consents": consents})
    )
    if data.granted:
        return effects

    def lost(flight: InFlight) -> bool:
        same = (flight.purpose, flight.channel) == about
        return same and not allows(effects.state, policy, flight, flight.channel)

    return then(effects, lambda s: cancel_flights(s, policy, "no_consent", now, lost))


def complaint(
    state: Customer, policy: Policy, complaint_id: str, after: tuple[Complaint, ...], now: Micros
) -> Effects[Customer]:
    """What a step of a complaint's life has made of all complaints. Where it opens this one, what that
    holds comes back from the sender."""
    learnt = state.model_copy(update={"complaints": after})
    before = state.complaint(complaint_id)
    if not any(c.complaint_id == complaint_id and c.is_open for c in after) or (before and before.is_open):
        return nothing(learnt)

    def lost(flight: InFlight) -> bool:
        rules = policy.at(flight.at).rules
        about = complaint_of(flight, rules.rule(flight.rule))
        kind = rules.counts_as(flight.rule, flight.purpose)
        return kind in rules.hold_during_complaint and about != complaint_id

    return cancel_flights(learnt, policy, "open_complaint", now, lost)
