"""What a complaint counts as, and the KPIs made of that: how many are open, how long answers take, how many
come back."""

from collections.abc import Iterator, Sequence
from datetime import date
from heapq import merge

from services.metrics.domain.cells import OPEN, Change
from services.metrics.domain.histogram import bucket
from services.metrics.domain.kpis.durations import SKETCH, UNIT, durations
from services.metrics.domain.kpis.kpi import ComplaintCounts, Kind, Kpi, Result
from services.metrics.domain.kpis.shares import WILSON, share_result
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Complaint, Turn
from services.metrics.domain.turns import WROTE
from shared.facts.complaints import KINDS, OPENED, REOPENED, RESOLVED, RESPONSES
from shared.schemas.interactions import ConversationMerged, InteractionLogged
from shared.schemas.times import Micros

FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION = "first:", "next:", "resolution:"
SOLVED, REOPENED_AGAIN = "solved", "reopened"

_INBOUND, _TURN = -1, -2
"""Kinds of what was said, beside those of steps."""


def counted(complaint: Complaint, turns: Sequence[Turn] = ()) -> Iterator[Change]:
    """What a complaint counts as, and when; nothing until its opening is known.

    ``turns``: what was said in its conversation. As the SLA file has it (``docs/how-to``): a response is an
    acknowledgement, an update, a resolution, or an agent's message in its conversation. A message of the
    customer's after the first response waits for the next; so does a reopening.
    """
    if not complaint.steps:
        return
    opened = complaint.steps[0][0]
    responded: Micros | None = None
    waits: Micros | None = None
    since: Micros | None = None
    took, resolved, first, again = 0, None, None, False
    for at, kind in _happened(complaint, turns, opened):
        if kind in (OPENED, REOPENED):
            yield at, OPEN, 1
            since, resolved = at, None
            again = again or kind == REOPENED
            waits = at if kind == REOPENED else None
        elif since is None:
            continue  # nothing is answered of what is over
        elif kind == _INBOUND:
            waits = at if waits is None and responded is not None else waits
        elif kind == _TURN or kind in RESPONSES:
            if responded is None:
                responded = at
                yield at, f"{FIRST_RESPONSE}{bucket(at - opened)}", 1
            if waits is not None:
                yield at, f"{NEXT_RESPONSE}{bucket(at - waits)}", 1
                waits = None
            if kind == RESOLVED:
                yield at, OPEN, -1
                took, since, resolved = took + at - since, None, at
                first = at if first is None else first
    if resolved is not None:
        yield resolved, f"{RESOLUTION}{bucket(took)}", 1
    if first is not None:
        yield first, SOLVED, 1
        if again:
            yield first, REOPENED_AGAIN, 1


def _happened(complaint: Complaint, turns: Sequence[Turn], opened: Micros) -> Iterator[tuple[Micros, int]]:
    """Steps and turns by time; of one instant the customer's message first, then an agent's.

    A clock that runs behind must not make a complaint end before it began: what it tells is as of the
    opening, before all else."""
    if not turns:
        return ((max(step.at, opened), step.kind) for step in complaint.life.taken)
    steps = (
        (max(step.at, opened), 0 if step.at < opened or step.kind == OPENED else 3, step.kind)
        for step in complaint.life.taken
    )
    said = ((at, 1, _INBOUND) if kind == WROTE else (at, 2, _TURN) for at, kind in turns if at >= opened)
    return ((at, kind) for at, _, kind in merge(steps, said, key=lambda happened: happened[:2]))


COMPLAINTS = ComplaintCounts(
    fields=(OPEN, FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION, SOLVED, REOPENED_AGAIN),
    events=(*KINDS, InteractionLogged, ConversationMerged),
    count=counted,
    signed=(OPEN,),
)


def _open_complaints(w: Window) -> Result:
    return Result(w.level(OPEN), w.level(OPEN))


def _reopened_share(w: Window) -> Result:
    return share_result(w.total(REOPENED_AGAIN), w.total(SOLVED))


_SINCE = date(2026, 11, 26)

REOPENING_DAYS = 14
"""Solutions that do not hold have mostly shown it by then."""
_STAYS = "A complaint that an earlier version counted is in older figures as it was counted then"
FIRST_RESPONSE_S = Kpi(
    name="first_response_s",
    title="First response",
    description="How long customers with a complaint wait until they hear of us",
    formula="From a complaint's opening to its first response, on the day of the response: an "
    "acknowledgement, an update, a resolution, or an agent's message in its conversation; a rule's mail or a "
    "bot's message is none",
    unit=UNIT,
    source=SKETCH,
    kind=Kind.QUANTILES,
    version=2,
    effective=_SINCE,
    before="steps of the complaint alone were responses. " + _STAYS,
    counts=(COMPLAINTS,),
    compute=durations(FIRST_RESPONSE),
)
NEXT_RESPONSE_S = Kpi(
    name="next_response_s",
    title="Next response",
    description="How long customers wait who wrote again, or whose complaint came back",
    formula="From the customer's first message since a response, in the complaint's conversation, or from a "
    "reopening, to the next response, on its day",
    unit=UNIT,
    source=SKETCH,
    kind=Kind.QUANTILES,
    effective=_SINCE,
    counts=(COMPLAINTS,),
    compute=durations(NEXT_RESPONSE),
)
RESOLUTION_S = Kpi(
    name="resolution_s",
    title="Resolution",
    description="How long complaints take until they are solved",
    formula="From a complaint's opening to the resolution that holds, on its day, without the time in which "
    "it was resolved: a reopening takes the earlier resolution back",
    unit=UNIT,
    source=SKETCH,
    kind=Kind.QUANTILES,
    version=2,
    effective=_SINCE,
    before="the time in which a complaint was resolved was part of it. " + _STAYS,
    counts=(COMPLAINTS,),
    compute=durations(RESOLUTION),
)
OPEN_COMPLAINTS = Kpi(
    name="open_complaints",
    title="Open complaints",
    description="Complaints that somebody still has to solve",
    formula="Complaints opened or reopened, and neither resolved nor closed since: now, or at the end of a "
    "step",
    unit="complaints",
    kind=Kind.COUNT,
    effective=date(2026, 11, 22),
    counts=(COMPLAINTS,),
    compute=_open_complaints,
)
REOPENED_SHARE = Kpi(
    name="reopened_share",
    title="Reopened complaints",
    description="How many solutions did not hold",
    formula="Complaints that were reopened / complaints that were resolved, on the day of the first "
    f"resolution; {WILSON}",
    unit="0 to 1",
    effective=_SINCE,
    ripe_days=REOPENING_DAYS,
    counts=(COMPLAINTS,),
    compute=_reopened_share,
)
