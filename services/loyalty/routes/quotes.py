"""What a purchase would earn, asked before it is made."""

from fastapi import APIRouter, Request

from services.loyalty import errors
from services.loyalty.domain.reports.quote import quote
from services.loyalty.domain.state import MemberState
from services.loyalty.models.quote import QuoteAnswer, QuoteBody, quote_answer
from services.loyalty.routes.dependencies import AllVersions, CustomerId, Reader, Store
from services.loyalty.store import Member
from shared.domain import RefusedError
from shared.http.bodies import Told
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.gone import not_erased
from shared.schemas.times import micros

router = APIRouter(tags=["members"])


@router.post(
    "/members/{customer_id}/quote",
    summary="What a purchase would earn, and its vouchers take off",
    responses=responses(
        errors.UNKNOWN_MEMBER,
        errors.UNKNOWN_CURRENCY,
        errors.UNKNOWN_VOUCHER,
        errors.VOUCHER_REDEEMED,
        errors.VOUCHER_CANCELLED,
        errors.VOUCHER_EXPIRED,
        errors.VOUCHER_RESERVED,
        errors.POINTS_OVERFLOW,
    ),
)
async def quote_purchase(
    customer_id: CustomerId,
    body: Told[QuoteBody],
    store: Store,
    programs: AllVersions,
    clock: Clock,
    principal: Reader,
    request: Request,
) -> QuoteAnswer:
    """Changes nothing. Of a campaign's budget, others may have taken more by the time the purchase is made.
    Where a purchase makes a member, one who is none yet is quoted what theirs would bring."""
    member = await store.customer(customer_id)
    if member is None:
        await not_erased(request, customer_id)
        member = Member(customer_id, MemberState())
    now = micros(await clock.now(member.id))
    budgets = [c.counter for c in programs.at(now).campaigns if c.budget is not None]
    used = await store.used(budgets) if budgets else {}
    try:
        found = quote(
            member.id, member.state, programs, now, body.purchase(), lambda c: used.get(c, 0), body.order_id
        )
    except RefusedError as refused:
        raise RefusedError(
            refused.code, refused.detail, status=refused.status, field=_field(refused)
        ) from None
    return quote_answer(member.id, body, found)


def _field(refused: RefusedError) -> str | None:
    """Of the body: where a domain names what it would make of the total, the total."""
    if refused.code == errors.UNKNOWN_MEMBER.code:
        return "path.customer_id"
    named = refused.field or ""
    return f"body.{named if named.startswith(('total', 'voucher_codes')) else 'total.amount'}"
