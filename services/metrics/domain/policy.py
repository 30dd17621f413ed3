"""What a company decides of its own numbers, as data: one file, a section for each subject.

A section is a model in the module of its subject; one that the file leaves out is as its defaults say.
"""

from services.metrics.domain.churn_policy import ChurnPolicy
from shared.schemas.base import Strict
from shared.schemas.fields import Label


class MetricsPolicy(Strict):
    """The file that ``RAPPORT_METRICS_POLICY`` names."""

    name: Label
    churn: ChurnPolicy = ChurnPolicy()
    """When a customer has left."""
