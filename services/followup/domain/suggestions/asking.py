"""What a customer's purchases tell and ask products, and what becomes of the answer."""

from services.followup.domain.effects import Said
from services.followup.domain.history.baskets import baskets_of, changes, dearest, had, pairs, standing
from services.followup.domain.history.state import History
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.suggestions import SUGGESTED
from services.followup.domain.rules.times import due, span
from services.followup.domain.state import Customer
from services.followup.domain.triggers import Fact
from shared.domain import Emit, Outcome
from shared.schemas.commands.products import Ask, ProductCountRequested, ProductSuggestRequested, Vote
from shared.schemas.insights import ProductSuggested
from shared.schemas.products import product_key
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import Micros, moment


def told(state: Customer, policy: Policy, before: History | None, fact: Fact) -> tuple[Emit, ...]:
    """One command for each product of which more, or less, is known by the fact; ``before`` is what was known
    without it. The dearest product of an order is asked what goes with it, if a rule can use that."""
    old, new = baskets_of(before), baskets_of(state.history)
    if old.latest is new.latest and old.back is new.back:
        return ()
    within = span(policy.suggestions.within)
    counted = standing(old, within) if isinstance(fact.data, PurchaseMade) else pairs(old, within)
    votes = changes(counted, pairs(new, within))
    at = moment(fact.at)
    question = _question(state, policy, fact)
    asked = None
    if question is not None:
        asked = question.following[0]
        question = question.model_copy(update={"following": question.following[1:]})
        votes.setdefault(asked, [])
    return tuple(
        Emit(
            ProductCountRequested(
                sku=sku,
                votes=tuple(Vote(other=other, period=period, by=by) for other, period, by in some),
                ask=question if sku == asked else None,
            ),
            at,
            subject=product_key(sku),
        )
        for sku, some in votes.items()
    )


def _question(state: Customer, policy: Policy, fact: Fact) -> Ask | None:
    """What is to be asked of the products of an order, ``following`` being all of them; None where no rule
    would say anything of the answer."""
    data, its = fact.data, policy.at(fact.at)
    if not isinstance(data, PurchaseMade) or not any(_asks(its, rule, fact) for rule in its.rules.rules):
        return None
    wanted = its.rules.suggestions
    following = dearest(data, wanted.lines, wanted.worth)
    if not following:
        return None
    return Ask(
        customer_id=state.customer_id,
        order_id=data.order_id,
        at_least=wanted.at_least,
        share=float(wanted.share),
        following=following,
    )


def _asks(policy: Policy, rule: Rule, fact: Fact) -> bool:
    """Whether the rule may suggest something for an order of then, which is no history."""
    if SUGGESTED not in rule.events or not rule.starts_at(fact.at):
        return False
    return due(fact.at, rule.delay) >= fact.now - span(policy.rules.stale(rule.name))


def suggest(state: Customer, policy: Policy, data: ProductSuggestRequested, at: Micros) -> Said:
    """Tell of the best that the customer never had. ``at``: the order's time."""
    never = policy.at(at).rules.suggestions.never
    past = state.history
    best = next((one for one in data.found if one.sku not in never and not had(past, one.sku)), None)
    if best is None:
        return Said((), Outcome())
    fact = ProductSuggested(
        order_id=data.order_id,
        because=data.because,
        sku=best.sku,
        together=best.together,
        buyers=data.buyers,
        share=best.share,
    )
    return Said(((fact, at),), Outcome())
