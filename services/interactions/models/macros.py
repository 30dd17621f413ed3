"""Macros over HTTP."""

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.desk.macros import written
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.desk.shown import shown, zone
from services.interactions.domain.state import Customer
from shared.facts.profile import value_of
from shared.schemas.base import Frozen


class MacroView(Frozen):
    """A macro with the customer's fields filled in. ``text`` is null where it is about something that is not
    there; ``lacks`` says what, e.g. a complaint."""

    name: str
    title: str
    language: str
    text: str | None
    lacks: list[str]


class Macros(Frozen):
    """In the order of the desk's file."""

    items: list[MacroView]


def macro_views(
    desk: Desk,
    customer: Customer,
    found: Conversation,
    *,
    channel: str | None,
    agent_id: str | None,
    agent_name: str | None = None,
    language: str | None = None,
    titles: str | None = None,
) -> list[MacroView]:
    """The macros that may go out by ``channel``, each in ``language``, else in the customer's, where it is
    there; their titles in the language ``titles``."""
    wanted = (language, value_of(customer.profile, "locale"))
    seen, where = shown(customer, found, agent_id, agent_name), zone(customer)
    views = []
    for macro in desk.macros:
        if channel is not None and macro.channels and channel not in macro.channels:
            continue
        one = written(macro, seen, wanted, where)
        title = macro.titled(macro.language((titles, one.language)))
        views.append(
            MacroView(
                name=macro.name, title=title, language=one.language, text=one.text, lacks=list(one.lacks)
            )
        )
    return views
