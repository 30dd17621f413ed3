"""What agents are spared: too many hard contacts in a row and a day, and a pause after one."""

from collections.abc import Sequence
from itertools import pairwise

from services.interactions.domain.desk.policy import Calm
from services.interactions.domain.routing.state import Agent, Contact, Key, mark_of
from services.interactions.domain.state import altered
from shared.schemas.times import DAY, Micros

MOST = 300
"""Contacts of an agent that are remembered."""


def paused_until(calm: Calm, agent: Agent) -> Micros:
    """Until when nothing comes, as a hard contact has ended."""
    return 0 if agent.hard_ended_at is None else agent.hard_ended_at + calm.pause


def can_take_hard(calm: Calm, agent: Agent, now: Micros) -> bool:
    """Whether one more hard contact is not too much."""
    hard = [one for one in agent.contacts if one.difficult and one.at > now - DAY]
    if len(hard) >= calm.a_day:
        return False
    return rested(calm, agent, now) or in_a_row(agent.contacts) < calm.in_a_row


def in_a_row(contacts: Sequence[Contact]) -> int:
    """Hard ones since the last easy one, or the last rest."""
    count = 0
    for one in reversed(contacts):
        if not one.difficult:
            break
        count += 1
        if one.rested:
            break
    return count


def rested(calm: Calm, agent: Agent, now: Micros) -> bool:
    """Whether there was no hard one for so long."""
    rest = _rest_at(calm, agent)
    return rest is not None and rest <= now


def easier_at(calm: Calm, agent: Agent, now: Micros) -> Micros | None:
    """When time alone may make the agent free for what they are not free for now; None: never."""
    hard = [one.at for one in agent.contacts if one.difficult and one.at > now - DAY]
    times = [paused_until(calm, agent), _rest_at(calm, agent) or 0]
    if len(hard) >= calm.a_day:
        times.append(hard[-calm.a_day] + DAY)
    return min((at for at in times if at > now), default=None)


def with_contact(calm: Calm, agent: Agent, key: Key, difficult: bool, now: Micros) -> Agent:
    """The agent after one more contact."""
    new = Contact(at=now, key=mark_of(key), difficult=difficult, rested=rested(calm, agent, now))
    return altered(agent, contacts=(*_needed(agent, now), new)[-MOST:])


def without_contact(agent: Agent, key: Key) -> Agent:
    """The agent as if the last contact of this conversation had not come."""
    place = _last(agent, key)
    if place is None:
        return agent
    return altered(agent, contacts=agent.contacts[:place] + agent.contacts[place + 1 :])


def turned_hard(agent: Agent, key: Key) -> Agent:
    """The agent where a conversation turned out to be hard. What turns easy was hard on them all the same."""
    place = _last(agent, key)
    if place is None or agent.contacts[place].difficult:
        return agent
    changed = altered(agent.contacts[place], difficult=True)
    return altered(agent, contacts=(*agent.contacts[:place], changed, *agent.contacts[place + 1 :]))


def was_hard(agent: Agent, key: Key) -> bool:
    """Whether the last contact of this conversation was hard, at any time."""
    place = _last(agent, key)
    return place is not None and agent.contacts[place].difficult


def _last(agent: Agent, key: Key) -> int | None:
    places, mark = range(len(agent.contacts) - 1, -1, -1), mark_of(key)
    return next((place for place in places if agent.contacts[place].key == mark), None)


def _rest_at(calm: Calm, agent: Agent) -> Micros | None:
    """From when on they have had a rest; None as long as they have a hard one."""
    if any(one.difficult for one in agent.carries.values()):
        return None
    last = max((one.at for one in agent.contacts if one.difficult), default=None)
    times = [at for at in (last, agent.hard_ended_at) if at is not None]
    return max(times) + calm.rest if times else 0


def _needed(agent: Agent, now: Micros) -> list[Contact]:
    """Those of a day; of easy ones after each other the last, and those that may still turn hard."""
    contacts = [one for one in agent.contacts if one.at > now - DAY]
    carried = {*map(mark_of, agent.carries)} if contacts else set()
    return [
        one
        for one, following in pairwise((*contacts, None))
        if one is not None
        and (one.difficult or following is None or following.difficult or one.key in carried)
    ]
