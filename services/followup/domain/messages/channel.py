"""The pure half of a channel: whom it reaches, and what a message on it is made of.

The half that sends is ``services.followup.channels.base``; the domain is given this one, by its policy.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.followup.domain.state import Customer


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message. A channel fills what it has."""

    text: str
    subject: str = ""
    """One line."""
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What goes beside the text, by name."""


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a message belongs: what an agent wrote, or what is written about a complaint."""

    conversation_id: str | None
    in_reply_to: str | None
    """The name of the customer's message that it answers, as their channel gave it."""


class Writing(ABC):
    """How messages of one channel are addressed and written. Pure: no method may do I/O."""

    name: str
    """What rules, consents and rows call the channel, such as ``email``; never changes."""
    parts: tuple[str, ...]
    """The template files that a message needs, such as ``("subject.txt", "txt")``: they are named
    ``<template>.<part>``. Values are escaped for HTML in those that end in ``html``."""

    @abstractmethod
    def address(self, customer: Customer) -> str | None:
        """Where the channel reaches the customer, None where it does not. Consent is not its business."""

    def unusable(self, customer: Customer) -> str | None:
        """Why the address that is known of the customer can never be used, without a capital and a stop; None
        where it can, or none is known. ``address`` is None then."""
        return None

    @abstractmethod
    def write(
        self, texts: Mapping[str, str], unsubscribe_url: str | None, thread: Thread | None = None
    ) -> Message:
        """The message made of its rendered ``parts``, all of which are there. ``unsubscribe_url`` withdraws
        the consent that it was sent by, None for one that needs none: the channel puts it where its readers'
        programs look, and what ``thread`` says too."""
