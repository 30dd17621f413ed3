"""What is asked for about agents over HTTP, as the facts that it leads to."""

from services.interactions.domain.routing.state import Team
from shared.domain import Outcome
from shared.schemas.commands.teams import AgentChangeRequested
from shared.schemas.teams import AgentChanged
from shared.schemas.times import Micros


def asked_agent(
    team: Team, command: AgentChangeRequested, at: Micros
) -> tuple[AgentChanged, Micros, Outcome]:
    """The fact, when it happens, and the answer. Whoever asks knows how the agent was: it is after that."""
    said = command.model_dump(include=set(AgentChangeRequested.model_fields), exclude_none=True)
    known = team.agents.get(command.agent_id)
    if known is not None:
        at = max(at, 1 + known.at)
    return AgentChanged.model_validate(said), at, Outcome(200, said | {"team": team.team_id})
