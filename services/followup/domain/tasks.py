"""Messages that people bring: a team is told to call the customer, or to write a letter. Such a message
counts as sent when its task is opened."""

from collections.abc import Mapping

from services.followup.domain.messages.channel import Message, Thread, Writing
from services.followup.domain.policy import Policy
from services.followup.domain.rules.task_plan import CHANNEL_OF, TaskPlan
from services.followup.domain.rules.times import due
from services.followup.domain.state import Customer, Outreach
from shared.domain import Emit
from shared.schemas.teams import TaskOpened
from shared.schemas.times import Micros, moment


class ByTask(Writing):
    """What a task reaches the customer by: ``phone``, ``mail``. There is nothing to connect to."""

    parts = ("task.txt",)

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = CHANNEL_OF[kind]

    def address(self, customer: Customer) -> str | None:
        """Who calls needs a number; postal addresses are looked up by whoever writes."""
        return customer.phone if self.name == "phone" else customer.customer_id

    def write(
        self, texts: Mapping[str, str], unsubscribe_url: str | None, thread: Thread | None = None
    ) -> Message:
        (text,) = texts.values()
        return Message(text.strip())


TASKS: Mapping[str, ByTask] = {task.name: task for task in map(ByTask, CHANNEL_OF)}
"""By channel."""


def plan_of(policy: Policy, outreach: Outreach) -> TaskPlan | None:
    """What a team has to do for an outreach by one of ``TASKS``; None where no team is named for it, or its
    rule has another channel by now and the file names none."""
    rule = policy.rules.rule(outreach.rule)
    plan = None if rule is None else rule.task
    if plan is None or plan.channel != outreach.channel:
        plan = TaskPlan.model_validate({"kind": TASKS[outreach.channel].kind})
    team = plan.team or policy.rules.team
    return None if team is None else plan.model_copy(update={"team": team})


def opened(plan: TaskPlan, outreach: Outreach, customer_id: str, text: str, now: Micros) -> Emit:
    """The task, as its team is told of it. It is named as the outreach is."""
    told = TaskOpened(
        task_id=outreach.outreach_id,
        kind=plan.kind,
        text=text,
        customer_id=customer_id,
        due_at=moment(due(now, plan.within)),
        outreach_id=outreach.outreach_id,
    )
    return Emit(told, moment(now), subject=plan.team)
