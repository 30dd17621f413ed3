"""The rules in force, and what one would do."""

from fastapi import APIRouter

from services.followup import errors
from services.followup.domain.gate.sender import asked, held
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.preview import preview, with_sender
from services.followup.domain.rules.rules import Rules
from services.followup.domain.tasks import TASKS
from services.followup.models.rules import PreviewAnswer, PreviewBody, preview_answer
from services.followup.routes.dependencies import InForce, Reader, Store, Writer
from shared.http.bodies import Told
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.schemas.times import micros, moment

router = APIRouter(tags=["followup"])


@router.get("/rules", summary="The outreach rules in force", response_model=Rules)
async def read_rules(policy: InForce, clock: Clock, principal: Reader) -> Rules:
    return policy.at(micros(await clock.now(None))).rules


@router.post(
    "/rules/{name}/preview",
    summary="What a rule would send a customer, when, or why not",
    response_model=PreviewAnswer,
    responses=responses(errors.UNKNOWN_RULE, errors.UNKNOWN_CUSTOMER, errors.BAD_TEMPLATE),
)
async def read_preview(
    name: str, body: Told[PreviewBody], policy: InForce, store: Store, clock: Clock, principal: Writer
) -> PreviewAnswer:
    now = micros(await clock.now(body.customer_id))
    policy = policy.at(now)
    rule = policy.rules.rule(name)
    if rule is None:
        raise errors.UNKNOWN_RULE(rule=name)
    customer = await store.customer(body.customer_id)
    if customer is None:
        raise errors.UNKNOWN_CUSTOMER(customer=body.customer_id)
    try:
        found = preview(customer, policy, rule, now)
    except TemplateFaultError as fault:
        raise errors.BAD_TEMPLATE(fault=fault) from None
    if policy.event_time or found.channel in TASKS:  # nothing waits for a sender
        return preview_answer(found)
    about = asked(policy, found.channel, rule.name, found.purpose, found.to)
    books = await store.sending(about, moment(now), moment(now))
    return preview_answer(with_sender(found, held(policy, about, books, now), now))
