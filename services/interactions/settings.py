"""What the interactions service is told by its environment."""

from shared.runtime.settings import Settings


class InteractionsSettings(Settings):
    """``sla`` names the YAML file of the SLA policy, ``desk`` that of the desk; without them, those that
    ship."""
