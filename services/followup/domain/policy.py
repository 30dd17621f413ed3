"""What the domain is given besides state and events: the rules, the templates, the channels, how links are
made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.followup.domain.history.learning import Subject
from services.followup.domain.messages.channel import Writing
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import PROFILE


@dataclass(frozen=True, slots=True)
class Policy:
    """One service's configuration, as plain data and pure functions."""

    rules: Rules
    templates: Templates
    channels: Mapping[str, Writing]
    """By name; all that a rule of ``rules`` names are there."""
    unsubscribe_link: Callable[[str, str, str], str]
    """(customer id, purpose, channel) -> the URL that withdraws that consent."""
    event_time: bool = False
    """The stream clock: a message counts as sent when it was decided, however long its channel then takes,
    so that a replay gives the same result at any speed."""
    subjects: frozenset[Subject] = field(init=False)
    """What of a customer's past is kept."""
    profile: frozenset[str] = field(init=False)
    """The fields of a profile that are kept."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "subjects", self.rules.subjects())
        object.__setattr__(self, "profile", PROFILE | self.rules.profile_fields())
