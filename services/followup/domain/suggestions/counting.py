"""A product's commands, one by one: state in, effects out. Pure."""

from services.followup.domain.suggestions.product import Product, candidates, counted
from shared.domain import Context, Effects, Emit
from shared.schemas.commands.products import Ask, ProductCountRequested, ProductSuggestRequested
from shared.schemas.event import Event
from shared.schemas.products import product_key


def apply(product: Product, event: Event, context: Context) -> Effects[Product]:
    """Count, then answer the customer who asks; where there is nothing to say the next product is asked."""
    data = event.data
    assert isinstance(data, ProductCountRequested)
    new = counted(product, data.votes)
    said = None if data.ask is None else _said(new, event, data.sku, data.ask)
    return Effects(new, emits=() if said is None else (said,))


def _said(product: Product, event: Event, sku: str, ask: Ask) -> Emit | None:
    found = candidates(product, ask.at_least, ask.share)
    if found:
        buyers = max(0, sum(product.buyers))  # below 0 where votes wait for those that they take back
        answer = ProductSuggestRequested(order_id=ask.order_id, because=sku, buyers=buyers, found=found)
        return Emit(answer, event.time, subject=ask.customer_id)
    if not ask.following:
        return None
    first, *rest = ask.following
    question = ProductCountRequested(sku=first, ask=ask.model_copy(update={"following": tuple(rest)}))
    return Emit(question, event.time, subject=product_key(first))
