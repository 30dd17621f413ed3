"""Who buys again."""

from services.metrics.domain import gaps
from services.metrics.domain.kpis.kpi import Counts, Kpi, Result
from services.metrics.domain.kpis.shares import share_result
from services.metrics.domain.kpis.window import Window

PURCHASES = Counts(fields=gaps.FIELDS)
"""Counted by the record itself as orders come and go. A window gives what they come to: ``customers`` and
``repeat_customers``; one of the past is read with more fields for a KPI that has these."""


def _repeat_purchase_rate(w: Window) -> Result:
    return share_result(w.repeat_customers, w.customers)


REPEAT_PURCHASE_RATE = Kpi(
    name="repeat_purchase_rate",
    formula="Customers with two or more purchases in the window / customers with any; "
    "an order paid back in full is none",
    unit="0 to 1",
    counts=(PURCHASES,),
    compute=_repeat_purchase_rate,
)
