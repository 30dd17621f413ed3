"""Two customers who are one, and who are not after all."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.interactions.errors import MERGE_CYCLE, NOT_MERGED, UNKNOWN_CUSTOMER
from services.interactions.models.merging import Merged, MergeInto, Unmerge
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import Admin, CustomerId, Store
from shared.http.bodies import Told
from shared.http.commands import Answer, IdempotencyKey
from shared.http.dependencies import SendCommands
from shared.http.errors import responses
from shared.schemas.commands.customers import CustomerMergeRequested, CustomerUnmergeRequested

router = APIRouter(tags=["customers"])


@router.post(
    "/customers/{customer_id}/merge",
    summary="Say that two are one",
    responses=answers(Merged) | responses(UNKNOWN_CUSTOMER, MERGE_CYCLE),
)
async def merge(
    principal: Admin,
    store: Store,
    commands: SendCommands,
    customer_id: CustomerId,
    body: Told[MergeInto],
    key: IdempotencyKey = None,
) -> JSONResponse:
    """All that there is of this customer goes on as ``into``: points, complaints with their clocks,
    conversations, consents, messages that are planned. What is told of the old id is told of that one."""
    here, into = await asyncio.gather(store.ids(customer_id), store.ids(body.into))
    for id, known in ((customer_id, here), (body.into, into)):
        if not known:
            raise UNKNOWN_CUSTOMER(customer=id)
    if customer_id == body.into or (here[0] == into[0] == customer_id):
        raise MERGE_CYCLE(customer=customer_id, into=body.into)
    if here[0] == into[0]:
        return Answer(200, {"customer_id": customer_id, "into": into[0]}).response()
    command = CustomerMergeRequested(into=into[0], reason=body.reason)
    return (await commands.submit(principal, "customers.merge", customer_id, command, key)).response()


@router.post(
    "/customers/{customer_id}/unmerge",
    summary="Say that two are not one after all",
    responses=answers(Merged) | responses(UNKNOWN_CUSTOMER, NOT_MERGED),
)
async def unmerge(
    principal: Admin,
    store: Store,
    commands: SendCommands,
    customer_id: CustomerId,
    body: Told[Unmerge],
    key: IdempotencyKey = None,
) -> JSONResponse:
    """What came from this customer is theirs again, and what was told of them since."""
    if not await store.ids(customer_id):
        raise UNKNOWN_CUSTOMER(customer=customer_id)
    command = CustomerUnmergeRequested(into=body.into, reason=body.reason)
    return (await commands.submit(principal, "customers.unmerge", customer_id, command, key)).response()
