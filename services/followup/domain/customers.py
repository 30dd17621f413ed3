"""What profile, consent and complaint events change."""

from services.followup.domain.cancellation import cancel_flights
from services.followup.domain.complaints import Complaint
from services.followup.domain.effects import nothing, then
from services.followup.domain.gate.complaint import complaint_of
from services.followup.domain.gate.kept import Cited
from services.followup.domain.gate.reach import allows
from services.followup.domain.journeys.kept import Word
from services.followup.domain.journeys.segments import with_word
from services.followup.domain.policy import Policy
from services.followup.domain.state import Consent, Customer, InFlight, Moment
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
    state: Customer,
    policy: Policy,
    data: ConsentChanged,
    order: Moment,
    now: Micros,
    event: Cited | None = None,
) -> Effects[Customer]:
    """The latest word by event time holds; to a withdrawal that is heard later a grant of the future is as
    old as when it was heard. A withdrawal takes back what is still with the sender and has lost its leave."""
    by, at = order
    known = state.consent(data.purpose, data.channel, data.topic_)
    if known is not None:
        ahead = known.granted and not data.granted
        if at < (known.order.by if ahead else known.at):
            return nothing(state)
    about = (data.purpose, data.channel)
    word = Consent(
        purpose=data.purpose,
        channel=data.channel,
        topic=data.topic_,
        granted=data.granted,
        event=event,
        at=at,
        by=by,
    )
    others = tuple(c for c in state.consents if c is not known)
    effects = Effects(state.model_copy(update={"consents": (*others, word)}))
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
