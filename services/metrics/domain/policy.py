"""What a company decides of its own numbers, as data: one file, a section for each subject.

A section is a model in the module of its subject; one that the file leaves out is as its defaults say.
"""

from services.metrics.domain.baseline import Anomalies, Lives
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.health.policy import HealthPolicy
from services.metrics.domain.insights import InsightsPolicy
from services.metrics.domain.restating import Restating
from services.metrics.domain.themes import ThemesPolicy
from shared.schemas.base import Strict
from shared.schemas.fields import Label


class MetricsPolicy(Strict):
    """The file that ``RAPPORT_METRICS_POLICY`` names."""

    name: Label
    churn: ChurnPolicy = ChurnPolicy()
    """When a customer has left."""
    health: HealthPolicy = HealthPolicy()
    """What a customer's health is made of."""
    insights: InsightsPolicy = InsightsPolicy()
    """When something is told of it."""
    anomalies: Anomalies = Anomalies()
    """When a figure has left what is usual for it."""
    restating: Restating = Restating()
    """How late facts are told from history that is loaded."""
    themes: ThemesPolicy = ThemesPolicy()
    """What customers' texts are read for."""

    @property
    def lives(self) -> Lives:
        """Of KPIs that look back: whom P(alive) gives up is known once all were looked at."""
        looked = self.insights.every_nights if self.churn.alive_below is not None else 0
        return Lives(self.churn.decides, looked)
