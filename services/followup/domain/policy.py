"""What the domain is given besides state and events: the rules, the templates, how links are made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rules import Rules


@dataclass(frozen=True, slots=True)
class Policy:
    """One service's configuration, as plain data and pure functions."""

    rules: Rules
    templates: Templates
    unsubscribe_link: Callable[[str, str, str], str]
    """(customer id, purpose, channel) -> the URL that withdraws that consent."""
    event_time: bool = False
    """The stream clock: a message counts as sent when it was decided, however long the SMTP server then
    takes, so that a replay gives the same result at any speed."""


def milliseconds(time: datetime) -> datetime:
    """The time cut to what the store keeps, so that state read back equals state kept in memory."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
