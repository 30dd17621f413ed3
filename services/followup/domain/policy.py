"""What the domain is given besides state and events: the rules, the templates, the channels, how links are
made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.followup.domain.history.learning import Subject
from services.followup.domain.links import Links
from services.followup.domain.messages.channel import Writing
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rules import Rules


@dataclass(frozen=True, slots=True)
class Policy:
    """One service's configuration, as plain data and pure functions."""

    rules: Rules
    templates: Templates
    channels: Mapping[str, Writing]
    """By name; all that a rule of ``rules`` names are there."""
    links: Links
    event_time: bool = False
    """The stream clock: a message counts as sent when it was decided, however long its channel then takes,
    so that a replay gives the same result at any speed."""
    subjects: frozenset[Subject] = field(init=False)
    """What of a customer's past is kept."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "subjects", self.rules.subjects())
