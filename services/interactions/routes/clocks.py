"""A complaint's clocks, with the sum behind each."""

from fastapi import APIRouter

from services.interactions.models.clocks import ExplainedClocks, explained_clocks
from services.interactions.routes.complaints import ONE, Whose, course_now, the_one
from services.interactions.routes.dependencies import ComplaintId, Policy, Reader, Store
from shared.http.dependencies import Clock
from shared.schemas.times import micros

router = APIRouter(tags=["complaints"])


@router.get("/complaints/{complaint_id}/clocks", summary="One's clocks, window by window", responses=ONE)
async def get_clocks(
    principal: Reader,
    store: Store,
    sla: Policy,
    clock: Clock,
    complaint_id: ComplaintId,
    customer_id: Whose = None,
) -> ExplainedClocks:
    """How the used time of each comes about, in open windows of its calendar, as of now."""
    row = await the_one(store, complaint_id, customer_id)
    now = micros(await clock.now(row.customer_id))
    course = await course_now(store, sla, row, now)
    return explained_clocks(complaint_id, row.customer_id, course.clocks, sla, now)
