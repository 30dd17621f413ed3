"""What was promised about complaints, and whether it was kept, as interactions tells it of each clock."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import get_args

from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.kpi import ComplaintCounts, Kpi, Result
from services.metrics.domain.kpis.shares import WILSON, share_result
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Complaint, Turn
from shared.schemas.complaints import ClockName, ComplaintSlaBreached, ComplaintSlaMet

CLOCKS: tuple[ClockName, ...] = get_args(ClockName)
MET, BREACHED = "clock_met:", "clock_breached:"


def counted(complaint: Complaint, _: Sequence[Turn] = ()) -> Iterator[Change]:
    """Each promise that was decided, when that was; of one that was told as breached and, when a step was
    heard late, as met, the latter."""
    met = {(clock, due) for clock, due, _, kept in complaint.judged if kept}
    for clock, due, at, kept in complaint.judged:
        if kept:
            yield at, MET + CLOCKS[clock], 1
        elif (clock, due) not in met:
            yield at, BREACHED + CLOCKS[clock], 1


PROMISES = ComplaintCounts(
    fields=(MET, BREACHED), events=(ComplaintSlaMet, ComplaintSlaBreached), count=counted
)


def _met(clocks: Sequence[ClockName], w: Window) -> Result:
    met, breached = (sum(w.total(kind + clock) for clock in clocks) for kind in (MET, BREACHED))
    return share_result(met, met + breached)


def _kpi(name: str, title: str, of: str, compute: Callable[[Window], Result]) -> Kpi:
    return Kpi(
        name=name,
        title=title,
        description=f"How often {of} came in time",
        formula="Clocks of the SLA file that were met / those that were met or breached, on the day on which "
        f"that was decided; where a step heard late makes a breached one met, it is met; {WILSON}",
        unit="0 to 1",
        effective=date(2026, 11, 26),
        counts=(PROMISES,),
        compute=compute,
    )


CLOCKS_MET = _kpi("clocks_met", "Clocks met", "what was promised about complaints", partial(_met, CLOCKS))
FIRST_RESPONSE_MET = _kpi(
    "first_response_met",
    "First responses in time",
    "the first answer to a complaint",
    partial(_met, CLOCKS[:1]),
)
NEXT_RESPONSE_MET = _kpi(
    "next_response_met", "Next responses in time", "the answer to a later message", partial(_met, CLOCKS[1:2])
)
UPDATE_MET = _kpi("update_met", "Updates in time", "word of how a complaint goes", partial(_met, CLOCKS[2:3]))
RESOLUTION_MET = _kpi(
    "resolution_met", "Resolutions in time", "the solution of a complaint", partial(_met, CLOCKS[3:])
)
