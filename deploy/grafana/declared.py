"""What the services say of their metrics: names, labels, and the meaning that each was declared with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from services.followup import telemetry as followup
from services.followup.channels import email, webhook
from services.interactions import telemetry as interactions
from services.interactions.mail import telemetry as mail
from services.loyalty import telemetry as loyalty
from services.metrics import telemetry as metrics
from shared.http import hooks
from shared.runtime import telemetry as every

MODULES: tuple[ModuleType, ...] = (
    every,
    hooks,
    interactions,
    mail,
    loyalty,
    followup,
    email,
    webhook,
    metrics,
)
"""All that declare metrics; to import them is to declare them."""
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
_OF_REPLICAS = re.compile(r"\s*Each replica of the API shows the same: take max\.")


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric as it was declared; ``name`` as its samples have it, without the suffix of a histogram's."""

    name: str
    meaning: str
    labels: frozenset[str]


def declared() -> Mapping[str, Declared]:
    """By each name that a sample may have."""
    found: dict[str, Declared] = {}
    for module in MODULES:
        for metric in _metrics(vars(module)):
            for family in metric.describe():
                suffixes = _SUFFIXES[family.type]
                name = family.name + (suffixes[0] if family.type == "counter" else "")
                one = Declared(name, family.documentation, frozenset(metric._labelnames))
                found |= {family.name + suffix: one for suffix in (*suffixes, "")}
    return found


def _metrics(names: Mapping[str, object]) -> list[MetricWrapperBase]:
    held = [value for value in names.values() if isinstance(value, MetricWrapperBase)]
    for value in names.values():
        if isinstance(value, Mapping):
            held += [one for one in value.values() if isinstance(one, MetricWrapperBase)]
    return held


def meaning(name: str) -> str:
    """One line: what the metric was declared with, but for what is about replicas. Raises ``KeyError`` for
    one that nobody declares."""
    return " ".join(_OF_REPLICAS.sub("", DECLARED[name].meaning).split())


DECLARED = declared()
REGISTERED = frozenset(family.name for family in REGISTRY.collect() if family.name.startswith("rapport_"))
"""The names of all that are registered, whoever declares them; a test holds ``DECLARED`` against it."""
