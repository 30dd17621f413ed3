"""Messages to a customer, as the 360 has them: what is planned, and the addresses that none reaches."""

from collections.abc import Iterable
from datetime import datetime

from services.interactions.domain.activity.kept import Planned
from services.interactions.domain.activity.unusable import Unusable, Why
from shared.schemas.base import Frozen
from shared.schemas.times import moment


class PlannedView(Frozen):
    """A message that followup has planned and not sent yet."""

    outreach_id: str
    rule: str
    channel: str
    due_at: datetime


class UnusableView(Frozen):
    """The address that a channel uses: a message to it ``came_back`` for good, or was ``called_unwanted``."""

    channel: str
    why: Why
    at: datetime


def planned_views(told: Iterable[Planned]) -> list[PlannedView]:
    return [
        PlannedView(outreach_id=p.outreach_id, rule=p.rule, channel=p.channel, due_at=moment(p.due_at))
        for p in told
    ]


def unusable_views(found: Iterable[Unusable]) -> list[UnusableView]:
    return [UnusableView(channel=one.channel, why=one.why, at=moment(one.at)) for one in found]
