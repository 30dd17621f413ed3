"""The one door to the domain: ``apply(policy, state, event, context)``."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from msgspec.structs import replace as replaced

from services.followup.domain import commands, customers, planning, replies
from services.followup.domain.complaints import kept, put_right, with_fact
from services.followup.domain.effects import Said, nothing, then, unseen
from services.followup.domain.erasing import erase, marked_before
from services.followup.domain.history.learning import learnt
from services.followup.domain.journeys import goals, occasions, walk
from services.followup.domain.journeys.review import review
from services.followup.domain.merging import early
from services.followup.domain.merging.course import course_of
from services.followup.domain.merging.shares import noted
from services.followup.domain.policy import Policy
from services.followup.domain.preferences import changing
from services.followup.domain.preferences.consents import has_no_effect, word_told
from services.followup.domain.results.counting import with_results
from services.followup.domain.rules.events import event_name
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import cut
from services.followup.domain.state import Customer, StepOf
from services.followup.domain.suggestions import asking, counting, product
from services.followup.domain.surveys.answering import answer
from services.followup.domain.triggers import Fact
from shared.domain import Context, Effects, Emit, Kind
from shared.facts.complaints import KINDS as COMPLAINT_KINDS
from shared.facts.complaints import told_step
from shared.facts.names import Heard, answer_of, heard, name_of, with_name
from shared.merging.course import concerns
from shared.schemas.base import Data
from shared.schemas.commands.followup import (
    DeliveryReported,
    OutreachRequested,
    ReplyRequested,
    UnsubscribeRequested,
)
from shared.schemas.commands.merging import MERGING
from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.commands.products import ProductSuggestRequested
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.commands.rules import RulesReviewRequested
from shared.schemas.commands.surveys import SurveyAnswerRequested
from shared.schemas.complaints import ComplaintOpened, ComplaintsData
from shared.schemas.customers import (
    ConsentChanged,
    CustomerErased,
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
    CustomerUpdated,
    ErasureLifted,
    Profile,
)
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import LedgerEntry, MemberEnrolled, TierChanged
from shared.schemas.products import PRODUCT
from shared.schemas.purchases import (
    ProductRegistered,
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionTerm,
)
from shared.schemas.timer import TimerFired
from shared.schemas.times import day_of, micros, moment

SOURCE = "/rapport/followup"
"""Of what the service tells."""
CONSUMES: tuple[type[Data], ...] = (
    CustomerRegistered,
    CustomerUpdated,
    ConsentChanged,
    CustomerErased,
    ErasureLifted,
    *COMPLAINT_KINDS,
    OutreachRequested,
    ReplyRequested,
    UnsubscribeRequested,
    SurveyAnswerRequested,
    PreferencesRequested,
    DeliveryReported,
    ReceiptReported,
    RulesReviewRequested,
    InteractionLogged,
    CustomerMerged,
    CustomerUnmerged,
    *MERGING["followup"].all,
)
"""What the service must know, whatever its rules."""
DATING = (
    Profile,
    SegmentChanged,
    SubscriptionTerm,
    SubscriptionCancelled,
    ProductRegistered,
    InteractionLogged,
    MemberEnrolled,
)
"""What may say when a date comes."""
OF_ONE_ID = (LedgerEntry, TierChanged, SegmentChanged, HealthChanged, ChurnWarned)
"""What the program and the metrics make of one id: of an old id it says nothing of the survivor."""


KINDS: Mapping[str, Kind[Any]] = {PRODUCT: Kind(product.Product, product.initial, counting.apply)}
"""States that are no customer's."""


def consumes(*versions: Rules) -> tuple[type[Data], ...]:
    """``CONSUMES``, and what the rules of all versions start and stop at."""
    used = (data for rules in versions for data in rules.event_classes())
    return tuple(dict.fromkeys((*CONSUMES, *used)))


def apply(policy: Policy, state: Customer, event: Event, context: Context) -> Effects[Customer]:
    """What an event does. Pure. Raises ``RefusedError`` for commands only."""
    if state.erased:
        return marked_before(state)
    act = partial(_act, policy)
    if concerns(state.merging, event):
        return course_of(policy).apply(state, event, context, act)
    return act(state, event, context)


def _act(policy: Policy, state: Customer, event: Event, context: Context) -> Effects[Customer]:
    effects = with_results(policy, state, event.data, _decided(policy, state, event, context))
    if state.shares or event.came:
        return noted(state, event, context, partial(_decided, policy), effects)
    return effects


def _decided(policy: Policy, state: Customer, event: Event, context: Context) -> Effects[Customer]:
    # What happened first is told by the microsecond; what is done about it, by the millisecond.
    at, heard_at, data = micros(event.time), micros(context.now), event.data
    now = cut(heard_at)
    match data:
        case DeliveryReported():
            return early.reported(state, policy, event, data, cut(at), now, context.new_id)
        case OutreachRequested():
            whose = _whose(event)
            return commands.request_outreach(state, policy.at(now), data, whose, now, context.new_id)
        case ReplyRequested():
            return replies.send_reply(state, policy.at(now), data, _whose(event), now)
        case ReceiptReported():
            return early.received(state, policy, event, data, cut(at), now, context.new_id)
        case UnsubscribeRequested():
            return _say(policy, state, changing.unsubscribe(state, policy, data, heard_at), event, context)
        case PreferencesRequested():
            return _say(policy, state, changing.change(state, policy.at(now), data, heard_at), event, context)
        case ProductSuggestRequested():
            return _say(policy, state, asking.suggest(state, policy, data, at), event, context)
        case RulesReviewRequested():
            return review(state, policy, now)
        case SurveyAnswerRequested():
            return _say(policy, state, answer(state, policy.at(now), data, heard_at), event, context)
    return _hear(state, policy, event, context)


def _say(policy: Policy, state: Customer, said: Said, event: Event, context: Context) -> Effects[Customer]:
    """Tell facts for the customer, and hear each as if it had been read: its own facts are skipped on their
    topics."""
    subject = event.told_of if event.came else None
    effects = Effects(state, tuple(Emit(data, moment(at), subject) for data, at in said.facts))
    for number, (data, at) in enumerate(said.facts):
        own = replaced(event, id=context.emitted(number), source=SOURCE, time=moment(at), data=data)
        effects = then(effects, partial(_hear, policy=policy, event=own, context=context))
    return replace(then(effects, said.more), outcome=said.outcome, unseen=())


def _hear(state: Customer, policy: Policy, event: Event, context: Context) -> Effects[Customer]:
    """What a fact or a timer does."""
    at, heard_at, data = micros(event.time), micros(context.now), event.data
    now = cut(heard_at)
    if isinstance(data, ErasureLifted):  # of somebody who is not erased
        return nothing(state)
    if isinstance(data, TimerFired):
        return planning.on_timer(state, policy, data, now, context.new_id)
    if (step := told_step(event, at)) is not None and isinstance(data, ComplaintsData):
        left = put_right(kept(state.complaints, now), data.complaint_id, step)
        if left is None:
            return unseen(nothing(state), event, context)
        state = state if left is state.complaints else state.model_copy(update={"complaints": left})
    name = name_of(event)
    thing = "" if name is None else name.key.hex()
    kind, by = event_name(type(data)), min(at, heard_at)
    fact = Fact(data, kind, at, by, now, thing=thing, whose=_whose(event))
    told = Heard.NEW if name is None else heard(state.names, name)
    before = past = state.history
    if not (event.came and isinstance(data, OF_ONE_ID)):
        past = learnt(before, policy.subjects, event, at, now, name, told, policy.suggestions)
    state = state if past is before else state.model_copy(update={"history": past})
    if name is not None:
        if told is Heard.NEW:
            state = state.model_copy(update={"names": with_name(state.names, name, day_of(now))})
        elif told is Heard.OTHER and isinstance(data, PurchaseReturned):
            fact = replace(fact, again=True)  # of returns of one name the first that can be holds
        else:  # a copy, whatever it says: the first holds
            bad = told is Heard.OTHER or isinstance(data, PurchaseReturned)
            known = nothing(state) if past is None else occasions.refresh(state, policy, now)
            return unseen(known, event, context) if bad else known
    effects = _fact(policy, state, fact, event, context)
    if isinstance(data, PurchaseMade | PurchaseReturned) and "baskets" in policy.subjects:
        effects = replace(effects, emits=(*effects.emits, *asking.told(state, policy, before, fact)))
    return effects


def _whose(event: Event) -> str:
    """Whom it was told of, where that is another id than the customer's."""
    return "" if event.told_of == event.subject else event.told_of


def _dated(state: Customer, policy: Policy, fact: Fact) -> Effects[Customer]:
    told = state
    if not (fact.whose and isinstance(fact.data, OF_ONE_ID)):
        told = customers.segment_told(state, policy, fact.data, fact.at)
    return occasions.refresh(told, policy, fact.now)


def _fact(policy: Policy, state: Customer, fact: Fact, event: Event, context: Context) -> Effects[Customer]:
    """What a fact says about the customer, whatever the rules, and what it means to these. Of which returns
    and which steps of a complaint other services make dead letters is not known here: their names tell
    what is heard again, and not their ids."""
    data, known, bad = fact.data, nothing(state), isinstance(fact.data, PurchaseReturned)
    match data:
        case Profile():
            known = customers.profile(state, policy, data, fact.at)
        case ConsentChanged():
            word = word_told(data, fact.at, micros(context.now), event)
            known = customers.consent(state, policy, data, word, fact.now)
            if has_no_effect(known.state.consents, data, word):
                return unseen(known, event, context)
        case ComplaintsData() if (step := told_step(event, fact.at)) is not None:
            message = data.message_id if isinstance(data, ComplaintOpened) else None
            learnt = with_fact(state.complaints, data.complaint_id, step, fact.now, message)
            bad = learnt.unseen
            if learnt.complaints is None:
                return unseen(nothing(state), event, context) if bad else nothing(state)
            known = customers.complaint(state, policy, data.complaint_id, learnt.complaints, fact.now)
            fact = replace(fact, of=StepOf(data.complaint_id, step.at, step.kind))
        case SurveyAnswered() if (place := answer_of(data)) is not None:
            fact = replace(fact, answer=place.hex())
        case CustomerErased():
            return erase(state, policy, fact.now)
    effects = then(known, lambda s: goals.on_fact(s, policy, fact))
    effects = then(effects, lambda s: walk.on_fact(s, policy, fact, context.new_id))
    effects = then(effects, lambda s: planning.on_fact(s, policy, fact, context.new_id))
    if isinstance(data, DATING):
        effects = then(effects, lambda s: _dated(s, policy, fact))
    if isinstance(data, PurchaseReturned) and effects.emits:
        bad = False  # it has called something off
    return unseen(effects, event, context) if bad else effects
