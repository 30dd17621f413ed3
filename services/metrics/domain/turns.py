"""Who said something in a conversation, and when, as a customer's record keeps it: what complaints and
surveys ask of it. Changes of it are in ``talks``."""

from collections.abc import Iterator, Sequence

from services.metrics.domain.places import Where
from services.metrics.domain.state import Complaint, Customer, Merge, Talk, Turn
from shared.facts.complaints import WAIT
from shared.schemas.interactions import InteractionLogged

WROTE, ANSWERED = 0, 1
"""Kinds of turns: the customer wrote, an agent answered. Of one instant the customer goes first."""
MOST_TALKS = 200
"""Conversations of one customer that are kept, beside those that complaints name."""
LEFT, TAKEN = 0, 1
"""Nobody has it from then on, or an agent. Of one instant it is given back first."""


def kind_of(data: InteractionLogged) -> int | None:
    """What turn a contact is; None of a bot's, a rule's or nobody's."""
    if data.direction == "inbound":
        return WROTE if data.author in (None, "customer") else None
    return ANSWERED if data.author == "agent" else None


def homes(merges: Sequence[Merge]) -> dict[str, str]:
    """Which conversation goes on for one that was merged: of two merges the earlier by event time holds; one
    that is a circle, or of what is part of another already, holds nothing."""
    found: dict[str, str] = {}
    for _, one, into in sorted(merges):
        if one not in found and home(found, into) != one:
            found[one] = into
    return found


def home(found: dict[str, str], name: str) -> str:
    """The conversation that goes on for this one."""
    while name in found:
        name = found[name]
    return name


def together(record: Customer, name: str) -> Iterator[Talk]:
    """What is known of a conversation: of it and of all that are one with it."""
    if not record.merges:
        if (talk := record.talks.get(name)) is not None:
            yield talk
        return
    found = homes(record.merges)
    survivor = home(found, name)
    for other, talk in record.talks.items():
        if home(found, other) == survivor:
            yield talk


def turns_of(record: Customer, name: str) -> Sequence[Turn]:
    """What was said in a conversation, by time."""
    talks = [*together(record, name)]
    return talks[0].turns if len(talks) == 1 else sorted(turn for talk in talks for turn in talk.turns)


def turns_about(record: Customer, complaint: Complaint) -> Sequence[Turn]:
    """What was said in a complaint's conversation, by time."""
    return turns_of(record, complaint.conversation) if complaint.conversation else ()


def where_of_talk(record: Customer, name: str) -> Where:
    """The channel on which it began, and the team that was asked last; nowhere where it is not known."""
    talks = [*together(record, name)]
    began = [(talk.began, talk.channel) for talk in talks if talk.channel]
    asked = [(talk.team_at, talk.team) for talk in talks if talk.team]
    return Where(channel=min(began)[1] if began else "", team=max(asked)[1] if asked else "")


def trim(record: Customer) -> None:
    """Forget conversations that no complaint names, where none can be heard of any more that does. One that
    an agent has stays; of too many the latest."""
    if not record.talks:
        return
    found = homes(record.merges)
    named = {home(found, c.conversation) for c in record.complaints.values() if c.conversation}
    newest = max(talk.latest for talk in record.talks.values())
    ranked = sorted(record.talks.items(), key=lambda one: (one[1].latest, one[0]), reverse=True)
    kept = {
        name: talk
        for place, (name, talk) in enumerate(ranked)
        if (talk.latest > newest - WAIT and place < MOST_TALKS)
        or home(found, name) in named
        or (talk.hands and talk.hands[-1][1] == TAKEN)
    }
    if len(kept) < len(record.talks):
        record.talks = {name: talk for name, talk in record.talks.items() if name in kept}
        record.merges = [
            one
            for one in record.merges
            if home(found, one[1]) in named or not kept.keys().isdisjoint(one[1:])
        ]
