"""What is done with a complaint from its page: the commands that the API's routes send."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, NamedTuple

from fastapi import Query, Response

from services.interactions.desk.page import Desk, Form, Posted, SignedIn, desk_router
from services.interactions.models import complaints as bodies
from services.interactions.models.compensation import Approving, Compensation
from services.interactions.models.complaints import command_of
from services.interactions.routes.complaints import the_one
from services.interactions.routes.dependencies import ComplaintId, Store
from shared.http.auth import Principal
from shared.http.dependencies import SendCommands
from shared.http.problems import ProblemError
from shared.schemas.base import Id, Strict
from shared.schemas.commands import complaints as asked
from shared.schemas.money import digits

router = desk_router()

Whose = Annotated[Id | None, Query()]
Reads = Callable[[Desk, Form], dict[str, Any]]
"""The fields of a body that a form does not have as they are."""
Says = Callable[[Principal], dict[str, Any]]
"""What a command says of who asks."""


class Step(NamedTuple):
    """What a form asks for."""

    body: type[Strict]
    command: type[asked.ComplaintCommand]
    scope: str = "complaints:write"
    reads: Reads = lambda desk, form: {}
    says: Says = lambda who: {}


def _promise(desk: Desk, form: Form) -> dict[str, Any]:
    """A time as the reader's clocks have it."""
    if not form["promised_by"]:
        return {}
    try:
        local = datetime.fromisoformat(form["promised_by"])
    except ValueError:
        raise ProblemError(422, "invalid", "The time is none.") from None
    return {"promised_by": local.replace(tzinfo=desk.t.reader.where)}


def _given(desk: Desk, form: Form) -> dict[str, Any]:
    """An amount as people write it: 12.50, or 12,50."""
    given: dict[str, Any] = {"points": form["points"] or None, "reward_id": form["reward_id"] or None}
    if form["kind"] == "points":
        return given | {"reward_id": None}
    given["points"] = None
    if form["amount"]:
        currency = form["currency"].strip().upper()
        try:
            amount = Decimal(form["amount"].strip().replace(",", ".")).scaleb(digits(currency))
        except InvalidOperation:
            raise ProblemError(422, "invalid", "The amount is no number.") from None
        if amount != amount.to_integral_value():
            raise ProblemError(422, "invalid", "The amount has more decimal places than its currency.")
        given["money"] = {"amount": int(amount), "currency": currency}
    return given | ({} if form["kind"] == "voucher" else {"reward_id": None})


STEPS: Mapping[str, Step] = {
    "acknowledge": Step(bodies.Acknowledgement, asked.ComplaintAcknowledgeRequested),
    "update": Step(bodies.Update, asked.ComplaintUpdateRequested, reads=_promise),
    "resolve": Step(bodies.Resolution, asked.ComplaintResolveRequested),
    "reopen": Step(bodies.Reopening, asked.ComplaintReopenRequested),
    "close": Step(bodies.Closing, asked.ComplaintCloseRequested),
    "change": Step(bodies.Change, asked.ComplaintChangeRequested),
    "wait": Step(bodies.Wait, asked.ComplaintWaitRequested),
    "resume": Step(bodies.Resumption, asked.ComplaintResumeRequested),
    "compensate": Step(
        Compensation,
        asked.ComplaintCompensateRequested,
        reads=_given,
        says=lambda who: {"asked_by": who.name, "scopes": sorted(who.scopes)},
    ),
    "approve": Step(
        Approving,
        asked.ComplaintApproveRequested,
        scope="complaints:approve",
        says=lambda who: {"approved_by": who.name},
    ),
}


@router.post("/complaints/{complaint_id}/{step}")
async def take(
    desk: SignedIn,
    form: Posted,
    store: Store,
    commands: SendCommands,
    complaint_id: ComplaintId,
    step: str,
    customer_id: Whose = None,
) -> Response:
    """Sent twice, by a double click, it is one step."""
    wanted = STEPS.get(step)
    if wanted is None:
        raise ProblemError(404, "not_found")
    principal = desk.demand(wanted.scope)
    row = await the_one(store, complaint_id, customer_id)
    body = form.into(wanted.body, **wanted.reads(desk, form))
    command = command_of(wanted.command, complaint_id, body, **wanted.says(principal))
    answer = await commands.submit(principal, f"complaints.{step}", row.customer_id, command, form.key)
    said = "done" if answer.status == 200 else "approval" if "code" in answer.body else "pending"
    return desk.go(f"/complaints/{complaint_id}?customer_id={row.customer_id}", said)
