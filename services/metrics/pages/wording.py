"""What pages call things beyond what the registry says: sections, what is better, parts of a figure. Pure."""

import re
from collections.abc import Mapping

from services.metrics.domain.kpis.kpi import Kind, Kpi

CUSTOMERS = "Buying and staying"
SECTIONS: tuple[tuple[str, str], ...] = (
    ("What customers say", r"nps|csat|ces|sentiment|response_rate|survey"),
    ("Complaints and answers", r"response|resolution|complaint|root_cause|reopen|clock|_met"),
    (CUSTOMERS, r"purchase|retention|churn|revenue|order|clv|customers|lifecycle|lost"),
    ("Loyalty points", r"redemption|breakage|liability|points|reward"),
    ("Messages to customers", r"outreach|reach|refus|lift|suppress|message"),
    ("The desk", r"agent|load|desk|team|conversation"),
)
"""In their order, and what the names of their KPIs hold; the first that fits."""
REST = "More"
LOWER_IS_BETTER = re.compile(r"_s$|open_|churn|complaint|refus|reopen|breach|suppress|bounce|fail")
HIGHER_IS_BETTER = re.compile(
    r"nps|csat|ces|sentiment|rate|share|retention|repeat|revenue|value|clv|reach|lift|redemption|_met"
)
PARTS: Mapping[str, tuple[str, str]] = {
    "mean": ("on average", "on average"),
    "p50": ("half within", "half at most"),
    "p90": ("9 of 10 within", "9 of 10 at most"),
    "p99": ("99 of 100 within", "99 of 100 at most"),
}
"""Of a figure with several numbers: of times, of anything else."""


SELDOM = frozenset({"p99"})
"""Told in the table alone."""


def level(kpi: Kpi) -> bool:
    """Whether it is how things stand at a time, not what happened in a window: its formula says so."""
    return "at the end of a step" in kpi.formula


def section(name: str) -> str:
    """Where a KPI stands."""
    return next((told for told, pattern in SECTIONS if re.search(pattern, name)), REST)


def better(name: str) -> int:
    """1 where more is better, -1 where less is, 0 where nobody can say."""
    if LOWER_IS_BETTER.search(name):
        return -1
    return 1 if HIGHER_IS_BETTER.search(name) else 0


def part(name: str, *, times: bool) -> str:
    """What a number of several is called."""
    of_times, of_others = PARTS.get(name, (name, name))
    return of_times if times else of_others


def beside(kpi: Kpi, name: str, *, times: bool) -> str:
    """What stands beside one of a figure's several numbers; nothing where the amount says its currency."""
    return "" if not name or kpi.kind is Kind.MONEY else part(name, times=times)
