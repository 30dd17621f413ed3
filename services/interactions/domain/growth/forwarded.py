"""What is for an agent's team, whichever it is, goes on to it: the agent's own state knows."""

from shared.schemas.commands.growth import (
    AgentRefresherRequested,
    AgentThankRequested,
    RecordCommand,
    RefresherRequested,
    StoryTellRequested,
)


def forwarded(
    agent_id: str, team: str | None, told: AgentThankRequested | AgentRefresherRequested
) -> tuple[str, RecordCommand]:
    """The team, and what it is told. Where the agent is in none (``team``), it is the one that was named."""
    to = team or told.team
    if isinstance(told, AgentRefresherRequested):
        return to, RefresherRequested(agent_id=agent_id, kept=told.kept)
    return to, StoryTellRequested(agent_id=agent_id, text=told.text, customer_id=told.customer_id, at=told.at)
