"""Who buys again."""

from datetime import date

from services.metrics.domain import gaps
from services.metrics.domain.kpis.kpi import Counts, Kpi, Result
from services.metrics.domain.kpis.shares import WILSON, share_result
from services.metrics.domain.kpis.window import Window
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

PURCHASES = Counts(fields=gaps.FIELDS, events=(PurchaseMade, PurchaseReturned))
"""Counted by the record itself as orders come and go. A window gives what they come to: ``customers`` and
``repeat_customers``; one of the past is read with more fields for a KPI that has these."""


def _repeat_purchase_rate(w: Window) -> Result:
    return share_result(w.repeat_customers, w.customers)


REPEAT_PURCHASE_RATE = Kpi(
    name="repeat_purchase_rate",
    title="Repeat purchase rate",
    description="How many customers bought on more than one day",
    formula="Customers with purchases on two or more days of the window / customers with any, as lifetime "
    f"value counts: days with a purchase, the first left out; an order paid back in full is none; {WILSON}",
    unit="0 to 1",
    version=2,
    effective=date(2026, 11, 27),
    before="two orders of one day were two purchases. Each customer's record is counted anew by days when "
    "something is heard of the customer, in the first night at the latest, so figures of older days are by "
    "this definition too; purchases that a record keeps no longer (800 days) stay counted as they were",
    counts=(PURCHASES,),
    compute=_repeat_purchase_rate,
)
