"""All KPIs, in the order in which they are told, one line per KPI. A new one is a file and a line here.

The API's answer, the series, the gauges, the counting and the README's table are made of this list.
"""

# ruff: noqa: F401, I001 (these imports are the list, and keep their order)
from services.metrics.domain.kpis.surveys import NPS
from services.metrics.domain.kpis.surveys import CSAT
from services.metrics.domain.kpis.surveys import CES
from services.metrics.domain.kpis.sentiment import SENTIMENT
from services.metrics.domain.kpis.outreach import RESPONSE_RATE
from services.metrics.domain.kpis.complaints import FIRST_RESPONSE_S
from services.metrics.domain.kpis.complaints import NEXT_RESPONSE_S
from services.metrics.domain.kpis.complaints import RESOLUTION_S
from services.metrics.domain.kpis.complaints import OPEN_COMPLAINTS
from services.metrics.domain.kpis.complaints import REOPENED_SHARE
from services.metrics.domain.kpis.clocks import CLOCKS_MET
from services.metrics.domain.kpis.clocks import FIRST_RESPONSE_MET
from services.metrics.domain.kpis.clocks import NEXT_RESPONSE_MET
from services.metrics.domain.kpis.clocks import UPDATE_MET
from services.metrics.domain.kpis.clocks import RESOLUTION_MET
from services.metrics.domain.kpis.root_causes import ROOT_CAUSES
from services.metrics.domain.kpis.life import RETENTION
from services.metrics.domain.kpis.life import CHURN
from services.metrics.domain.kpis.life import CHURN_VOLUNTARY
from services.metrics.domain.kpis.life import CHURN_INVOLUNTARY
from services.metrics.domain.kpis.life import CHURN_REASONS
from services.metrics.domain.kpis.purchases import REPEAT_PURCHASE_RATE
from services.metrics.domain.kpis.money import REVENUE_TOTAL
from services.metrics.domain.kpis.money import REVENUE_PER_CUSTOMER
from services.metrics.domain.kpis.money import ORDER_VALUE
from services.metrics.domain.kpis.worth import CLV
from services.metrics.domain.kpis.loyalty import REDEMPTION_RATE
from services.metrics.domain.kpis.loyalty import BREAKAGE
from services.metrics.domain.kpis.loyalty import POINTS_LIABILITY
from services.metrics.domain.kpis.outreach import OUTREACH_SENT
from services.metrics.domain.kpis.outreach import OUTREACH_REACH
from services.metrics.domain.kpis.outreach import REFUSALS
from services.metrics.domain.kpis.outreach import LIFT
from services.metrics.domain.kpis.desk import CONVERSATIONS_CARRIED
from services.metrics.domain.kpis.desk import CONVERSATIONS_TAKEN
from services.metrics.domain.kpis.desk import AGENTS_AT_WORK
from services.metrics.domain.kpis.desk import AGENTS_LOAD

from collections.abc import Mapping

from services.metrics.domain.kpis.kpi import Kpi

KPIS: Mapping[str, Kpi] = {kpi.name: kpi for kpi in tuple(globals().values()) if isinstance(kpi, Kpi)}
"""By name."""
