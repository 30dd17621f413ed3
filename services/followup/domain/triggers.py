"""What events are to rules: triggers, and what undoes them, by their times."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.followup.domain.effects import NewId
from services.followup.domain.journeys.arms import variant_of
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import due, span
from services.followup.domain.state import Bill, Customer, Moment, Planned, StepOf, Undone, Variable
from shared.facts.orders import counted_refund
from shared.schemas.base import Data, Money
from shared.schemas.complaints import ComplaintsData
from shared.schemas.insights import ProductSuggested
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros

MOST_UNDONE = 50
"""How many cancelling events are remembered of a customer: the latest heard."""
HISTORY: Micros = 30 * DAY
"""How long after it had become stale the message of a trigger is still told of; what was due before that is
history, such as is read in when a shop begins, and no message."""
ALWAYS: Micros = 2**62
"""After every trigger."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as rules see it."""

    data: Data
    name: str
    """As rules call it, such as ``purchase.made``."""
    at: Micros
    """When it happened, as its source says."""
    by: Micros
    """When it happened at the latest: ``at``, or when it was heard, if its clock runs ahead."""
    now: Micros
    """When it was heard, to the millisecond."""
    of: StepOf | None = None
    """The step of a complaint's life that it is."""
    answer: str | None = None
    """The answer's place that it fills."""
    thing: str = ""
    """The name of what it is about, in hexadecimal digits."""
    whose: str = ""
    """The id that it was told of, where that is another than the customer's."""
    again: bool = False
    """Told before, otherwise: it may undo what the first cannot, and starts nothing."""


def trigger(policy: Policy, rule: Rule, fact: Fact, person: str, new_id: NewId) -> Planned | None:
    """What the fact is to a rule of which it is a trigger; None where that is history: to a quiet time, what
    is stale."""
    due_at = due(fact.at, rule.delay)
    if due_at < fact.now - span(policy.rules.stale(rule.name)) - (0 if rule.restart else HISTORY):
        return None
    return Planned(
        **worded(policy.rules, rule, person),
        at=fact.at,
        by=fact.by,
        outreach_id="",
        key=f"{rule.name}:{new_id(f'every:{rule.name}')}" if rule.every else rule.key(fact.data),
        due_at=due_at,
        of=fact.of,
        complaint=fact.data.complaint_id if isinstance(fact.data, ComplaintsData) else None,
        answer=fact.answer,
        offers=fact.data.sku if isinstance(fact.data, ProductSuggested) else None,
        bill=_bill(rule, fact.data),
        variables={name: _plain(getattr(fact.data, name)) for name in rule.variables},
        trigger=rule.kept(fact.data),
        announced=False,
        thing=fact.thing,
        whose=fact.whose,
    )


def worded(rules: Rules, rule: Rule, person: str) -> dict[str, Any]:
    """What a message of the rule says to a person, and by what: fields of an outreach."""
    variant = variant_of(rule, person)
    template = rule.template if variant is None or variant.template is None else variant.template
    return {
        "rule": rule.name,
        "template": template,
        "purpose": rules.purpose(template),
        "channel": rule.ways[0],
        "variant": None if variant is None else variant.name,
    }


def _bill(rule: Rule, data: Data) -> Bill | None:
    """The money of an order or a return, for a rule that looks at each order by itself."""
    match data:
        case PurchaseMade(total=money) | PurchaseReturned(refund=money) if rule.for_each == "order_id":
            return Bill(money.currency, money.amount, len(data.items))
    return None


def _plain(value: object) -> Variable:
    """What state can hold and the templates' filters read: money as {amount, currency}, a time as text."""
    match value:
        case None | str() | int() | float():
            return value
        case Money():
            return {"amount": value.amount, "currency": value.currency}
        case datetime():
            return value.isoformat()
    return str(value)


def with_undone(
    state: Customer, policy: Policy, rule: Rule, fact: Fact, version: Micros | None = None
) -> Customer:
    """With a cancelling event remembered: a trigger that was before it may be heard after it. Of a key's the
    latest is enough, but of those that are steps each is kept, since its complaint's life may lose it, and of
    returns each, since it may be more than the order. With a ``version`` it is one by that version's rule."""
    key = rule.key(fact.data)
    # A return is after its order whatever the clocks of the two say.
    refund = _bill(rule, fact.data) if isinstance(fact.data, PurchaseReturned) else None
    by = fact.by if refund is None else ALWAYS
    new = Undone(at=fact.at, by=by, key=key, heard=fact.now, of=fact.of, refund=refund, version=version)
    others = []
    for known in state.undone:
        if (known.key, known.of, known.refund, known.version) == (key, new.of, new.refund, version):
            if known.order >= new.order:
                return state
        elif _matters(known, policy, fact.now):
            others.append(known)
    return state.model_copy(update={"undone": (*others, new)[-MOST_UNDONE:]})


def _matters(undone: Undone, policy: Policy, now: Micros) -> bool:
    """Whether a trigger that is heard now can be before it and not be history. A clock runs ahead by a day at
    most."""
    name = undone.key.partition(":")[0]
    return any(
        undone.heard >= now - span(rule.delay) - span(rules.stale(name)) - DAY
        for rules in policy.every
        if (rule := rules.rule(name)) is not None
    )


def undone(
    state: Customer, policy: Policy, key: str, order: Moment, bill: Bill | None = None
) -> Undone | None:
    """What undoes a trigger of this key: a cancelling event that was not before it. None if nothing does."""
    if not state.undone:
        return None
    version = policy.version(order.at)
    return next(
        (
            one
            for one in state.undone
            if one.key == key
            and one.order >= order
            and (one.version is None or version is None or one.version == version)
            and state.counts(one.of)
            and _fits(one.refund, bill)
        ),
        None,
    )


def _fits(refund: Bill | None, bill: Bill | None) -> bool:
    """Whether a return can be of the order, as every service judges it. The first that can undoes the
    trigger, so what is left of the order is its whole total."""
    if refund is None or bill is None:
        return True
    lines = refund.lines or bill.lines
    return refund.currency == bill.currency and counted_refund(bill.amount, refund.amount, lines) is not None
