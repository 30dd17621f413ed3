"""What the preference centre asks for."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Id, Open
from shared.schemas.commands import Command
from shared.schemas.fields import Label, Locale


class ConsentWord(Open):
    """What a customer says about messages of one kind by one channel."""

    purpose: Literal["marketing", "service", "survey"]
    """What messages it is about."""
    channel: Id
    """What they come by."""
    topic: Label | None = None
    """What they are about; null: all of the purpose."""
    granted: bool
    """Whether they are wanted."""


class PreferencesRequested(Command):
    """Keep what a customer wishes. What is left out stays as it is."""

    event_type: ClassVar[str] = "rapport.followup.preferences.requested.v1"

    words: Annotated[tuple[ConsentWord, ...], Field(max_length=500)] = ()
    """What the customer changed; words about a whole purpose count before those about its topics."""
    frequency: Literal["all", "weekly", "monthly"] | None = None
    """How often at most there are offers, news and questions: as they come, once a week, once a month."""
    pause: bool | None = None
    """True: none of them for 30 days; false: a pause ends."""
    locale: Locale | None = None
    """The language to be written to in."""
