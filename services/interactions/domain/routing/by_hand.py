"""What routing would have said of an agent whom a person chooses: it is done all the same."""

from services.interactions.domain.desk.policy import same_language
from services.interactions.domain.routing.matching import cost, of_kind
from services.interactions.domain.routing.rows import AgentRow
from services.interactions.domain.routing.state import ONE
from services.interactions.domain.rows import ConversationRow


def warnings(agent: AgentRow | None, conversation: ConversationRow) -> list[str]:
    """Words for programs, each once: ``off_shift``, ``lacks_skill:law``."""
    if agent is None:
        return ["unknown_agent"]
    found = []
    if not agent.on_shift:
        found.append("off_shift")
    elif agent.on_break:
        found.append("on_break")
    takes = cost(agent, conversation.channel, conversation.takes)
    if takes is None:
        found.append("channel_not_taken")
    has_it = conversation.agent_id == agent.agent_id and conversation.status != "closed"
    if takes is None:
        takes = of_kind(ONE, conversation.takes)
    if not has_it and agent.load + takes > agent.total:
        found.append("over_capacity")
    skills = {name for name, _ in agent.skills}
    found += [f"lacks_skill:{name}" for name in conversation.skills if name not in skills]
    language = conversation.language
    if language is not None and not any(same_language(own, language) for own in agent.languages):
        found.append(f"lacks_language:{language}")
    return found
