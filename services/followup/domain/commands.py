"""What the API asks for."""

from services.followup import errors
from services.followup.domain.delivery import plan, render, settle
from services.followup.domain.effects import NewId, then
from services.followup.domain.gate.decision import decide
from services.followup.domain.gate.reach import usual
from services.followup.domain.gate.verdicts import No
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.messages.variables import VariableFaultError, checked
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import CHANNEL_OF, MANUAL, TASK
from services.followup.domain.rules.times import cut
from services.followup.domain.state import Customer, Planned
from services.followup.domain.tasks import TASKS
from shared.domain import Effects, Outcome, Put, SetTimer
from shared.schemas.commands.followup import OutreachRequested
from shared.schemas.times import Micros, micros, moment


def request_outreach(
    state: Customer, policy: Policy, data: OutreachRequested, whose: str, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """Send a manual message at ``at``, or decide about it at once. Answers 201 {outreach_id, status, due_at}.

    Raises ``RefusedError``: 422 for a template, channel or variable that is not usable, 409 with the reason
    when the message may not go now. What is planned for later is decided then. ``whose``: as of outreach.
    """
    planned = _planned(state, policy, data, new_id("outreach"), now).model_copy(update={"whose": whose})
    try:
        render(state, policy, planned)
    except TemplateFaultError as fault:
        raise errors.BAD_VARIABLES(fault=fault, field="variables") from None
    effects = _place(state, policy, planned, now)
    placed = effects.rows[-1]
    assert isinstance(placed, Put)
    status = placed.document["status"]
    due_at = max([moment(planned.due_at), *(t.due_at for t in effects.timers if isinstance(t, SetTimer))])
    body = {"outreach_id": planned.outreach_id, "status": status, "due_at": due_at.isoformat()}
    return then(effects, lambda s: Effects(s, outcome=Outcome(201, body)))


def _planned(
    state: Customer, policy: Policy, data: OutreachRequested, outreach_id: str, now: Micros
) -> Planned:
    name = data.channel or usual(state, policy, data.template)[0]
    name = CHANNEL_OF["call"] if name == TASK else name
    channel = policy.channels.get(name)
    template = policy.rules.templates.get(data.template)
    if channel is None or (name in TASKS and policy.rules.team is None):
        raise errors.UNKNOWN_CHANNEL(channel=name, field="channel")
    if template is None or not template.manual or not policy.templates.has(data.template, channel):
        raise errors.UNKNOWN_TEMPLATE(template=data.template, channel=channel.name, field="template")
    try:
        variables = checked(data.variables)
    except VariableFaultError as fault:
        raise errors.BAD_VARIABLES(fault=fault, field=fault.field) from None
    return Planned(
        at=now,
        by=now,
        outreach_id=outreach_id,
        key=f"{MANUAL}:{outreach_id}",
        rule=MANUAL,
        template=data.template,
        purpose=template.purpose,
        channel=channel.name,
        due_at=cut(micros(data.at)) if data.at else now,
        variables=variables,
        anyhow=data.channel is None,
    )


def _place(state: Customer, policy: Policy, planned: Planned, now: Micros) -> Effects[Customer]:
    if planned.due_at > now:
        return plan(state, planned, planned.due_at, now)
    decision = decide(state, policy, planned, now)
    if isinstance(decision, No):
        raise errors.SUPPRESSED[decision.reason](fault=decision.detail)
    announced = plan(state, planned, planned.due_at, now)
    decided = settle(state, policy, planned, now)
    # The timer of a plan that is decided at once would only fire to find nothing.
    return Effects(
        decided.state, announced.emits + decided.emits, decided.timers, announced.rows + decided.rows
    )
