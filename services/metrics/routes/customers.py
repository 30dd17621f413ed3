"""A customer's health, and how many customers there are in each segment."""

from fastapi import APIRouter, Request

from services.metrics import errors
from services.metrics.domain.fits import Fits
from services.metrics.domain.health import Models, health
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.models.customers import CustomerHealth, Segments, customer_health, segments
from services.metrics.routes.dependencies import Analyst, CustomerId, Store
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.problems import from_refusal
from shared.schemas.times import micros

router = APIRouter(tags=["Customers"])


@router.get("/customers/{customer_id}/health", responses=responses(errors.UNKNOWN_CUSTOMER))
async def customer(
    customer_id: CustomerId, principal: Analyst, store: Store, clock: Clock, request: Request
) -> CustomerHealth:
    """How well the relationship with a customer goes, by all that is known now, and what events told of it
    last. ``told`` changes at night and, under the wall clock, soon after something happened. An id that was
    merged into another answers as that one."""
    kept = await store.customer(customer_id)
    if kept is None:
        raise from_refusal(errors.UNKNOWN_CUSTOMER(customer=customer_id))
    survivor, record = kept
    policy: MetricsPolicy = request.app.state.policy
    now = await clock.now(survivor)
    at = micros(now)
    models = Models.of(Fits(await store.fits()).at(at))
    found = health(record, models, policy.health, at + 1)  # what happened at this very instant, too
    return customer_health(survivor, found, record, now)


@router.get("/segments")
async def sizes(principal: Analyst, store: Store) -> Segments:
    """How many customers are in each of the segments that follow from health, and their mean score, as events
    told it last. Who has a segment by the profile counts here too, under what health makes of them."""
    return segments(*await store.segments())
