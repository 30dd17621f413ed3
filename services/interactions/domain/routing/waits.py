"""Why a conversation waits that wants an agent: for people who ask. Pure."""

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.calm import can_take_hard, paused_until
from services.interactions.domain.routing.decide import awaited
from services.interactions.domain.routing.floor import Floor
from services.interactions.domain.routing.matching import Needs, able, at_work, cost, load, needs
from services.interactions.domain.routing.state import Agent, Key, Team, Waiting
from shared.schemas.times import Micros


def waits_for(desk: Desk, team: Team, key: Key, now: Micros) -> str | None:
    """One word for programs: ``agent`` (nobody is in the team), ``skills``, ``language`` or ``channel``
    (nobody in it has them), ``shift`` (nobody who could is at work), ``known_agent``, ``preferred_skills``
    (waited for so long), ``calm``, ``room``. None where it does not wait in this team."""
    waiting = team.waiting.get(key)
    if waiting is None:
        return None
    members = [agent for agent in team.agents.values() if not agent.left]
    wanted = needs(desk, waiting, now)._replace(preferred=())
    fit = [agent for agent in members if able(agent, wanted)]
    if not fit:
        return _lacking(members, waiting)
    working = [agent for agent in fit if at_work(agent)]
    if not working:
        return "shift"
    if awaited(Floor(desk, team, now), waiting) is not None:
        return "known_agent"
    free = [agent for agent in working if _fits(agent, wanted)]
    if not free:
        return "room"
    calm = [one for one in free if paused_until(desk.calm, one) <= now]
    if waiting.difficult:
        calm = [one for one in calm if can_take_hard(desk.calm, one, now)]
    if not calm:
        return "calm"
    preferred = needs(desk, waiting, now).preferred
    return "preferred_skills" if preferred else "room"


def _fits(agent: Agent, wanted: Needs) -> bool:
    return load(agent) + (cost(agent, wanted.channel, wanted.takes) or 0) <= agent.total


def _lacking(members: list[Agent], waiting: Waiting) -> str:
    """What nobody has."""
    if not members:
        return "agent"
    takes = [agent for agent in members if cost(agent, waiting.channel, waiting.takes) is not None]
    if not takes:
        return "channel"
    able_at = [agent for agent in takes if all(name in agent.skills for name in waiting.skills)]
    return "language" if able_at else "skills"
