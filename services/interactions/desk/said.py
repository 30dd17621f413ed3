"""What a page says first: what came of the form before it, as its address names it (``?said=``)."""

import re
from collections.abc import Callable, Mapping, Sequence

from services.interactions.desk.reading import language_name
from services.interactions.desk.words import Words, _

SAID: Mapping[str, str] = {
    "sent": _("Sent."),
    "noted": _("Noted."),
    "thanked": _("It is on the wall."),
    "done": _("Done."),
    "saved": _("Saved."),
    "pending-approval": _("It waits until somebody else approves it."),
    "pending": _("It is under way: look again in a moment."),
    "given": _("Done all the same."),
    "signed-out": _("You have signed out."),
}
AGAINST: Mapping[str, str] = {
    "unknown_agent": _("Nobody has heard of this agent."),
    "off_shift": _("They are not at work now."),
    "on_break": _("They have a break."),
    "over_capacity": _("They have more than they can carry."),
    "channel_not_taken": _("They do not take this channel."),
    "lacks_skill": _("They do not know this: %(what)s."),
    "lacks_language": _("They do not speak this language: %(what)s."),
}
"""What routing would have said against an agent whom a person chose (``domain/routing/by_hand.py``)."""
_SOMETHING: Mapping[str, str] = {
    "lacks_skill": _("They do not know this well enough."),
    "lacks_language": _("They do not speak this language."),
}
"""Where what is lacking has no plain name: an address is anybody's, and tells no story of its own."""
_SHOWN: Mapping[str, Callable[[str, Words], str]] = {"lacks_language": language_name}
_NAME = re.compile(r"(?=.{1,40}$)[\w&+/.:-]+( [\w&+/.:-]+){0,2}")
MOST = 20
"""Of what was against it."""


def given(against: Sequence[str]) -> str:
    """As an address names it that a conversation was given to somebody, and what was against it."""
    return "\n".join(("given", *against[:MOST]))


def said_of(name: str, words: Words) -> str | None:
    """In the reader's language; None for what is no such name."""
    done, *against = name.split("\n")
    if done not in SAID or (against and done != "given"):
        return None
    told = (_against(one, words) for one in against[:MOST])
    return " ".join(dict.fromkeys((words(SAID[done]), *filter(None, told))))


def _against(one: str, words: Words) -> str:
    kind, _sep, what = one.partition(":")
    if kind in _SOMETHING and not _NAME.fullmatch(what):
        return words(_SOMETHING[kind])
    if kind not in AGAINST:
        return ""
    return words(AGAINST[kind], what=_SHOWN.get(kind, _as_it_is)(what, words))


def _as_it_is(what: str, words: Words) -> str:
    return what
