"""The customer's side: after each event, teams and agents are told what has changed of who is wanted for a
conversation, and who has it, since they were told last: so it does not matter what was heard first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import Course, course
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.owners import owners_of_conversations
from services.interactions.domain.routing.contents import news_of
from services.interactions.domain.routing.standing import had, wanted
from services.interactions.domain.routing.state import ONE
from services.interactions.domain.routing.told import Had, Routed, Routing, Wanted
from services.interactions.domain.rows import CONVERSATIONS, conversation_row
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import Told
from shared.domain import Effects, Emit, Put, Retract, Unseen
from shared.schemas.commands.routing import (
    AgentLoadRequested,
    RoutingNewsRequested,
    RoutingOfferRequested,
)
from shared.schemas.times import moment

PARTS = ("conversations", "complaints", "loyalty", "profile", "routing")
"""What of a customer decides how a conversation stands."""

NOTHING = (None, None)


class _Change(NamedTuple):
    """How one was told, how it is, and the conversation, if it is not part of another by now."""

    old: Routed | None
    new: Routed
    found: Conversation | None


def watched(desk: Desk, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With what is to be told now."""
    after = effects.state
    if all(getattr(after, part) is getattr(before, part) for part in PARTS):
        return effects
    # A fact that takes itself back may come again and do all of it anew: what it says waits for another.
    taken_back: tuple[Retract | Unseen, ...] = (*effects.retracts, *effects.unseen)
    if any(one.event is told.event for one in taken_back):
        return effects
    known = after.routing.by_id
    now = course(after.conversations)
    ids = {id for id, one in now.open.items() if one.wanted or one.agent_id is not None} | known.keys()
    if not ids:
        return effects
    changed = []
    for id in sorted(ids):
        old, found = known.get(id), now.open.get(id)
        new = _standing(desk, after, now, found, old, id)
        renamed = old is not None and old.told_as is not None
        if renamed or new.standing != (NOTHING if old is None else old.standing):
            changed.append(_Change(old, new, found))
    if not changed:
        return effects
    # What an agent still has is told before what they have no more: a merge leaves no gap in between.
    changed.sort(key=lambda one: one.new.had is None)
    revision, emits, rows = after.routing.revision, list(effects.emits), list(effects.rows)
    owner = owners_of_conversations(after)
    for old, new, found in changed:
        revision += 1
        teams = _teams(now, old, new.conversation_id, changed)
        new = altered(new, revision=revision, team=new.team or next(iter(teams), None), told_as=None)
        emits += (
            Emit(data, told.context.now, key) for key, data in _tell(after.customer_id, old, new, teams)
        )
        known[new.conversation_id] = new
        if found is not None:
            whose = owner(new.conversation_id)
            row = conversation_row(after.customer_id, found, new, owner=whose)
            rows.append(Put(CONVERSATIONS, row.document()))
    # Of one that is over the team is remembered, as long as the conversation is.
    kept = (
        one for id, one in sorted(known.items()) if one.standing != NOTHING or (one.team and id in now.open)
    )
    state = altered(after, routing=Routing(revision=revision, routed=tuple(kept)))
    return replace(effects, state=state, emits=tuple(emits), rows=tuple(rows))


def _teams(now: Course, old: Routed | None, id: str, changed: Iterable[_Change]) -> list[str]:
    """Those that know of it: the one that was asked, and those of what has become part of it now."""
    gone = (one.old for one in changed if one.old is not None and one.found is None)
    parts = (one.team for one in gone if now.survivor(one.conversation_id) == id)
    known = (None if old is None else old.team, *parts)
    return list(dict.fromkeys(team for team in known if team is not None))


def _standing(
    desk: Desk, customer: Customer, now: Course, found: Conversation | None, old: Routed | None, id: str
) -> Routed:
    """What there is to tell by now."""
    new = old or Routed(conversation_id=id, revision=0)
    if found is None:
        return altered(new, wanted=None, had=None)
    asks = wanted(desk, customer, now, found, old)
    has = had(desk, customer, now, found)
    away = new.away if has is not None and has.agent_id == new.away else None
    team = new.team if asks is None else asks.team
    return altered(new, wanted=asks, had=has, team=team, away=away)


Said = Iterator[tuple[str, RoutingOfferRequested | RoutingNewsRequested | AgentLoadRequested]]


def _tell(customer_id: str, old: Routed | None, new: Routed, teams: Sequence[str]) -> Said:
    """Whom, and what: the team that is asked, those that knew, the agent who has it, the one who had."""
    asked = None if new.wanted is None else new.wanted.team
    was = None if old is None else old.told_as
    for team in teams:
        if team != asked:
            yield team, news(customer_id, new, was)
    if new.wanted is not None:
        yield new.wanted.team, _offer(customer_id, new, new.wanted, was)
    told = next(iter(teams), None)
    agent = None if new.had is None else new.had.agent_id
    if old is not None and old.had is not None and old.had.agent_id != agent:
        yield old.had.agent_id, load(customer_id, new, old.had.agent_id, told, was)
    if agent is not None:
        yield agent, load(customer_id, new, agent, told, was)


def _offer(customer_id: str, new: Routed, asks: Wanted, was: str | None) -> RoutingOfferRequested:
    return RoutingOfferRequested(
        customer_id=customer_id,
        was=was,
        conversation_id=new.conversation_id,
        revision=new.revision,
        since=moment(asks.since),
        priority=asks.priority,
        skills=asks.skills,
        preferred_skills=asks.preferred,
        language=asks.language,
        channel=asks.channel,
        takes=asks.takes,
        difficult=asks.difficult,
        knows=asks.knows,
        gave_back=asks.gave_back,
        been=asks.been,
    )


def news(customer_id: str, new: Routed, was: str | None) -> RoutingNewsRequested:
    has = new.had or Had(agent_id="")
    return RoutingNewsRequested(
        customer_id=customer_id,
        was=was,
        conversation_id=new.conversation_id,
        revision=new.revision,
        agent_id=has.agent_id or None,
        channel=has.channel,
        takes=has.takes,
        difficult=has.difficult,
        manual=has.manual,
    )


def load(
    customer_id: str, new: Routed, agent_id: str, told: str | None, was: str | None = None
) -> AgentLoadRequested:
    """Whether this agent has it; ``told``: the team that is told the same; ``was``: as whose it was told."""
    has = new.had if new.had is not None and new.had.agent_id == agent_id else None
    return AgentLoadRequested(
        customer_id=customer_id,
        was=was,
        conversation_id=new.conversation_id,
        revision=new.revision,
        holds=has is not None,
        channel=None if has is None else has.channel,
        takes=ONE if has is None else has.takes,
        difficult=has is not None and has.difficult,
        manual=has is not None and has.manual,
        told=told,
        offered=has is None and new.wanted is not None,
    )


Answers = tuple[tuple[str, RoutingNewsRequested | AgentLoadRequested], ...]


def answer(customer_id: str, new: Routed, agent_id: str, team: str | None, was: str | None = None) -> Answers:
    """Whether this agent has it, as both are told who took it to be so: the agent's state, and the team that
    had them as it asked."""
    said = load(customer_id, new, agent_id, team, was)
    return ((agent_id, said), *(() if team is None else ((team, news_of(agent_id, said)),)))
