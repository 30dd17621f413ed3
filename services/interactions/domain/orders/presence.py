"""Whether an order is in its shop. WooCommerce says no time of a deletion: known is when it was heard.

An account that was modified after that proves that the order is there, and a restoring from long before is of
an earlier deletion. Between the two it is the order in which they come that decides: of a deletion and a
restoring the later one, and a restoring that found nothing deleted had overtaken its deletion.
"""

from services.interactions.domain.orders.state import Order
from services.interactions.domain.state import altered
from shared.schemas.commands.orders import ShopOrder
from shared.schemas.times import DAY, SECOND, Micros, micros

ASIDE: Micros = 300 * SECOND
"""How far a shop's clock may be from ours."""
LATE: Micros = DAY
"""How long a shop may take to tell of a deletion."""
OVERTAKEN: Micros = 3600 * SECOND
"""How long after a restoring that had overtaken it."""


def is_deleted(order: Order, heard: Micros) -> Order:
    """The order of whose deletion was heard then."""
    if order.deleted_at is not None and heard <= order.deleted_at:
        return order  # a later one decided already
    order = altered(order, deleted_at=heard)
    if order.shown is not None and _is_proof(order.shown, heard):
        return order
    if order.early and order.restored_at is not None and heard <= order.restored_at + OVERTAKEN:
        return altered(order, early=False)
    return altered(order, deleted=True, early=False)


def is_told(order: Order, told: ShopOrder, *, restored: bool) -> Order:
    """The order of which there is this account."""
    at, gone_at = micros(told.updated_at), order.deleted_at
    proven = gone_at is not None and _is_proof(told, gone_at)
    # An older one, or the same by another webhook, is no word about a later deletion.
    news = restored and (order.restored_at is None or at > order.restored_at)
    if news:
        order = altered(order, restored_at=at)
    if order.deleted and (proven or (news and (gone_at is None or at >= gone_at - LATE))):
        return altered(order, deleted=False, early=False)
    # Where a deletion is known and was taken back, whatever came first of the two is settled.
    return altered(order, early=True) if news and not order.deleted and gone_at is None else order


def _is_proof(told: ShopOrder, deleted_at: Micros) -> bool:
    """In the bin an order is void, and may be touched all the same."""
    return not told.void and micros(told.updated_at) > deleted_at + ASIDE
