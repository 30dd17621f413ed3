"""What a complaint counts as, and the KPIs made of that: how many are open, how long answers take."""

from collections.abc import Iterator
from datetime import date

from services.metrics.domain.cells import OPEN, Change
from services.metrics.domain.histogram import bucket
from services.metrics.domain.kpis.durations import SKETCH, UNIT, durations
from services.metrics.domain.kpis.kpi import ComplaintCounts, Kind, Kpi, Result
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Complaint
from shared.facts.complaints import KINDS, OPENED, REOPENED, RESOLVED, RESPONSES

FIRST_RESPONSE, RESOLUTION = "first:", "resolution:"


def counted(complaint: Complaint) -> Iterator[Change]:
    """What a complaint counts as, and when; nothing until its opening is known.

    First response: the first acknowledgement, update or resolution. Resolution: from the opening to
    the resolution that holds; a reopening takes back the one before, the clock goes on.
    """
    if not complaint.steps:
        return
    opened = complaint.steps[0][0]
    responded, resolved = None, None
    for step in complaint.life.taken:
        # A clock that runs behind must not make a complaint end before it began.
        at = max(step.at, opened)
        if step.kind in (OPENED, REOPENED):
            yield at, OPEN, 1
            resolved = None
            continue
        if responded is None and step.kind in RESPONSES:
            responded = at
        if step.kind == RESOLVED:
            yield at, OPEN, -1
            resolved = at
    if responded is not None:
        yield responded, f"{FIRST_RESPONSE}{bucket(responded - opened)}", 1
    if resolved is not None:
        yield resolved, f"{RESOLUTION}{bucket(resolved - opened)}", 1


COMPLAINTS = ComplaintCounts(fields=(OPEN, FIRST_RESPONSE, RESOLUTION), events=KINDS, count=counted)


def _open_complaints(w: Window) -> Result:
    return Result(w.level(OPEN), w.level(OPEN))


FIRST_RESPONSE_S = Kpi(
    name="first_response_s",
    title="First response",
    description="How long customers with a complaint wait until they hear of us",
    formula="From a complaint's opening to its first acknowledgement, update or resolution, "
    "on the day of the response",
    unit=UNIT,
    source=SKETCH,
    kind=Kind.QUANTILES,
    counts=(COMPLAINTS,),
    effective=date(2026, 11, 22),
    compute=durations(FIRST_RESPONSE),
)
RESOLUTION_S = Kpi(
    name="resolution_s",
    title="Resolution",
    description="How long complaints take until they are solved",
    formula="From a complaint's opening to the resolution that holds, on its day: a reopening takes the "
    "earlier one back and the clock goes on, so time spent closed counts too",
    unit=UNIT,
    source=SKETCH,
    kind=Kind.QUANTILES,
    counts=(COMPLAINTS,),
    effective=date(2026, 11, 22),
    compute=durations(RESOLUTION),
)
OPEN_COMPLAINTS = Kpi(
    name="open_complaints",
    title="Open complaints",
    description="Complaints that somebody still has to solve",
    formula="Complaints opened or reopened, and neither resolved nor closed since: "
    "now, or at the end of a step",
    unit="complaints",
    kind=Kind.COUNT,
    counts=(COMPLAINTS,),
    effective=date(2026, 11, 22),
    compute=_open_complaints,
)
