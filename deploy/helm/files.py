"""The files within the chart that are made of the code: the variables, the topics, who may read and write
which, which paths callers need, the rules and the dashboards."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.variables import CHART, variables
from rapport.topics import Retention, wanted
from services.followup.domain.apply import CONSUMES as FOLLOWUP
from services.interactions.domain.apply import CONSUMES as INTERACTIONS
from services.loyalty.domain.apply import CONSUMES as LOYALTY
from services.metrics.domain.apply import CONSUMES as METRICS
from shared.schemas.base import Data
from shared.schemas.clock import ClockAdvanced
from shared.schemas.services import SERVICES
from shared.schemas.topics import DEAD_LETTER_SUFFIX, TOPICS

CHART_FOLDER = Path(__file__).parent / "rapport"
FILES = CHART_FOLDER / "files"
HEAD = "# Written by `python -m deploy.generate`.\n"

CONSUMES: Mapping[str, tuple[type[Data], ...]] = {
    "interactions": INTERACTIONS,
    "loyalty": LOYALTY,
    "followup": FOLLOWUP,
    "metrics": METRICS,
}
FACTS = tuple(topic for topic in TOPICS if topic not in ("commands", "clock"))
READS_ALL_FACTS = ("followup",)
"""A rule may start at any fact, so which its rules read is not known here."""
WRITES: Mapping[str, tuple[str, ...]] = {
    # It takes in what others say by POST /events, and forwards what came to the wrong partition of any topic.
    "interactions": tuple(TOPICS),
    # Each tells on `customers` that it has erased.
    "loyalty": ("loyalty", "customers", "commands"),
    "followup": ("outreach", "teams", "customers", "feedback", "insights", "commands"),
    "metrics": ("insights", "customers", "commands"),
}
"""Service -> the topics that its worker and its API write to, beside the dead letters of those it reads."""


def rights() -> dict[str, dict[str, list[str]]]:
    """Service -> the topics that it reads and those that it writes: no more than it needs."""
    made = {}
    for service in SERVICES:
        reads = _reads(service)
        writes = set(WRITES[service]) | {topic + DEAD_LETTER_SUFFIX for topic in reads}
        made[service] = {"reads": sorted(reads), "writes": sorted(writes)}
    return made


def _reads(service: str) -> set[str]:
    if service == "interactions":
        return set(TOPICS)
    reads = {cls.topic for cls in CONSUMES[service]} | {ClockAdvanced.topic}
    return reads | set(FACTS) if service in READS_ALL_FACTS else reads


def topics() -> dict[str, dict[str, Any]]:
    """Topic -> its settings, as ``rapport topics apply`` sets them, and what changes its retention."""
    return {
        topic.name: {
            "retention": Retention.variable(topic.name),
            "config": {name: int(v) if v.isdigit() else v for name, v in topic.configs.items()},
        }
        for topic in wanted(1, Retention())
    }


def known() -> dict[str, dict[str, Any]]:
    """Variable -> what the chart must know of it; what is false or empty is left out."""
    made = {}
    for name, variable in variables().items():
        facts = {
            "services": list(variable.services),
            "secret": variable.secret,
            "file": variable.file,
            "required": variable.required,
            "instead": variable.instead,
            "meaning": variable.meaning if variable.required else "",
            "value": CHART.get(name, ""),
            "kind": variable.kind if not (variable.secret or name in CHART) else "",
            "choices": list(variable.choices),
        }
        made[name] = {fact: value for fact, value in facts.items() if value}
    return made


INSIDE = {"/healthz", "/readyz", "/metrics"}


def paths(routes: Iterable[str]) -> list[str]:
    """The beginnings of paths that callers need; health and metrics stay inside."""
    begin = {"/" + path.split("/")[1] for path in routes}
    return sorted(begin - INSIDE - {"/", "/{path:path}"})


def generated(
    rules: Mapping[str, str], dashboards: Mapping[str, str], routes: Mapping[str, Iterable[str]]
) -> dict[Path, str]:
    """Each file within the chart's folder and what it is to say."""
    data = {
        "variables": known(),
        "topics": topics(),
        "rights": rights(),
        "paths": {service: paths(routes[service]) for service in SERVICES},
    }
    made = {FILES / f"{name}.yaml": HEAD + yaml.safe_dump(said, width=110) for name, said in data.items()}
    made |= {FILES / f"{name}.yaml": text for name, text in rules.items()}
    compact = {
        name: json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
        for name, text in dashboards.items()
    }
    return made | {FILES / "dashboards" / f"{name}.json": text + "\n" for name, text in compact.items()}
