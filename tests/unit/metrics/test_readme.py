"""What documents say of the KPIs is what the registry says."""

import re
from pathlib import Path

from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.table import gauges, table

ROOT = Path(__file__).parents[3]


def between(path: str, mark: str) -> str:
    text = (ROOT / path).read_text(encoding="utf-8")
    (found,) = re.findall(rf"<!-- {mark} -->(.*?)<!-- /{mark} -->", text, flags=re.DOTALL)
    return str(found)


def test_the_readme_tells_every_kpi() -> None:
    assert between("services/metrics/README.md", "kpis") == f"\n{table(KPIS.values())}\n"


def test_operations_name_every_gauge() -> None:
    assert between("docs/operating.md", "gauges") == gauges(KPIS.values())
