"""How well the relationship with a customer goes: ``health`` is the one door."""

from services.metrics.domain.health.judging import Health, health
from services.metrics.domain.health.models import Models
from services.metrics.domain.health.policy import HealthPolicy

__all__ = ["Health", "HealthPolicy", "Models", "health"]
