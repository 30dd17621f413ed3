"""What is done with a complaint from its page."""

from typing import Annotated

from fastapi import Query, Response

from services.interactions.desk.page import Posted, SignedIn, desk_router
from services.interactions.routes.complaints import the_one
from services.interactions.routes.dependencies import ComplaintId, Store
from services.interactions.routes.desk.steps import TakeSteps
from shared.schemas.base import Id

router = desk_router()


@router.post("/complaints/{complaint_id}/{step}")
async def take(
    desk: SignedIn,
    form: Posted,
    store: Store,
    steps: TakeSteps,
    complaint_id: ComplaintId,
    step: str,
    customer_id: Annotated[Id | None, Query()] = None,
) -> Response:
    """Sent twice, by a double click, it is one step."""
    row = await the_one(store, complaint_id, customer_id)
    said = await steps.complaint(complaint_id, row.customer_id, step, form)
    return desk.go(f"/complaints/{complaint_id}?customer_id={row.customer_id}", said)
