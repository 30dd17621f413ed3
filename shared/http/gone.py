"""An id that was erased is gone, and not unknown: 410 ``erased`` where a route about a customer says 404."""

from fastapi import Request

from shared.domain import ERASED
from shared.facts.erased import ERASED_IDS, erased_hash
from shared.http.problems import STORE_AWAY, ProblemError, from_error, from_refusal

CUSTOMER = "customer_id"
"""The parameter of a path that is a customer's id, in every service."""


async def is_erased(request: Request, customer_id: str) -> bool:
    """Whether this service has erased the customer. Raises PyMongo's errors."""
    state = request.app.state
    hash = erased_hash(state.settings.erased_by, customer_id)
    return await state.database[ERASED_IDS].find_one({"_id": hash}) is not None


async def not_erased(request: Request, customer_id: str) -> None:
    """Raises 410 ``erased``: for a route that has an answer about somebody never heard of."""
    if await is_erased(request, customer_id):
        raise from_refusal(ERASED())


async def or_gone(request: Request, problem: ProblemError) -> ProblemError:
    """The problem, or that its customer has been erased: asked only where something was not found."""
    customer_id = request.path_params.get(CUSTOMER) if problem.status == 404 else None
    if customer_id is None:
        return problem
    try:
        return from_refusal(ERASED()) if await is_erased(request, customer_id) else problem
    except STORE_AWAY as away:
        return from_error(away)
