"""What is heard of messages that are on their way between ids: nothing of it is lost, and each message has it
once, when it comes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from services.followup import errors
from services.followup.domain import reports
from services.followup.domain.deliverability import receipts
from services.followup.domain.deliverability.early import Early
from services.followup.domain.deliverability.heard import Receipt, Trace
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.state import Customer, InFlight
from shared.domain import Effects, Outcome
from shared.merging.ways import may_be_coming
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.event import Event
from shared.schemas.times import DAY, Micros

KEPT = 7 * DAY
"""How long it is kept for a message that does not come."""
MOST = 100


def reported(
    state: Customer,
    policy: Policy,
    event: Event,
    data: DeliveryReported,
    at: Micros,
    now: Micros,
    new_id: NewId,
) -> Effects[Customer]:
    """The sender says what became of a message, at ``at``: now, or once it is here."""
    word = Early(outreach_id=data.outreach_id, whose=event.told_of, at=at, heard_at=now, report=data)
    return _heard(state, policy, word, now, new_id, keep=may_be_coming(state.merging, event))


def received(
    state: Customer,
    policy: Policy,
    event: Event,
    data: ReceiptReported,
    at: Micros,
    now: Micros,
    new_id: NewId,
) -> Effects[Customer]:
    """Somebody says what became of a message after it was handed over. Answers 200 {outreach_id, status}.
    Raises ``unknown_outreach``."""
    receipt = Receipt(data.what, data.kind, data.code, at)
    word = Early(outreach_id=data.outreach_id, whose=event.told_of, at=at, heard_at=now, receipt=receipt)
    keep = may_be_coming(state.merging, event)
    if not keep and not _about(state, word):
        raise errors.UNKNOWN_OUTREACH(outreach=data.outreach_id)
    effects = _heard(state, policy, word, now, new_id, keep=keep)
    return replace(effects, outcome=Outcome(200, {"outreach_id": data.outreach_id, "status": data.what}))


def arrived(state: Customer, policy: Policy, now: Micros, new_id: NewId) -> Effects[Customer]:
    """Messages have come: with what was heard of them before, in the order in which it was."""
    words = state.early
    effects = nothing(state if not words else state.model_copy(update={"early": ()}))
    for word in words:
        step = partial(_heard, policy=policy, word=word, now=now, new_id=new_id, keep=True)
        effects = then(effects, step)
    return effects


def together(some: Iterable[Early]) -> tuple[Early, ...]:
    return tuple(sorted(some, key=lambda one: one.heard_at))[-MOST:]


def _heard(
    state: Customer, policy: Policy, word: Early, now: Micros, new_id: NewId, *, keep: bool
) -> Effects[Customer]:
    found = _about(state, word)
    names = {one.outreach_id for one in found}
    effects = nothing(state)
    if found and word.report is not None:
        effects = reports.report(state, policy, word.report, names, word.at, now, new_id)
    elif found and word.receipt is not None:
        effects = receipts.report(state, policy.at(now), word.outreach_id, word.receipt, names)
        settle = partial(reports.settle, policy=policy, outreach_id=word.outreach_id, at=word.at, now=now)
        effects = then(effects, partial(settle, new_id=new_id))
    if keep and (not found or any(one.mail for one in found)) and not _went(state, word):
        waits = word.model_copy(update={"done": (*word.done, *sorted(names))})
        effects = then(effects, partial(_kept, word=waits, now=now))
    return effects


def _about(state: Customer, word: Early) -> Sequence[InFlight | Trace]:
    """What is here of the mail that it is about, and has not had it."""
    about: list[InFlight | Trace] = [*reports.in_mail(state, word.outreach_id)]
    if word.receipt is not None:
        about += receipts.traces_of(state, word.outreach_id)
    return [one for one in about if one.outreach_id not in word.done]


def _went(state: Customer, word: Early) -> bool:
    """Whether a report is a copy: its message went, alone."""
    its = receipts.traces_of(state, word.outreach_id)
    return word.report is not None and any(trace.mail is None for trace in its)


def _kept(state: Customer, word: Early, now: Micros) -> Effects[Customer]:
    young = (one for one in state.early if one.heard_at > now - KEPT)
    return nothing(state.model_copy(update={"early": together((*young, word))}))
