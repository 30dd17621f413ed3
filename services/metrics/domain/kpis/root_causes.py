"""Why complaints happened: what their resolutions name."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from services.metrics.domain.causes import LONGEST, MOST, OTHER, cause_of, most_frequent
from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.kpi import ComplaintCounts, Kind, Kpi, Result
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.places import escape, unescape
from services.metrics.domain.state import Complaint, Turn
from shared.facts.complaints import KINDS

CAUSE = "cause:"


def counted(complaint: Complaint, _: Sequence[Turn] = ()) -> Iterator[Change]:
    """The root cause of the resolution that holds, when that was."""
    found = cause_of(complaint)
    if found is not None:
        yield found[0], CAUSE + escape(found[1]), 1


def _root_causes(w: Window) -> Result:
    counts = Counter({unescape(name): n for name, n in w.buckets(CAUSE).items()})
    return Result(most_frequent(counts), counts.total())


ROOT_CAUSES = Kpi(
    name="root_causes",
    title="Root causes",
    description="Why complaints happened, as their resolutions say",
    formula=f"Complaints by the root cause of the resolution that holds, on its day: the {MOST} most "
    f"frequent, and the rest, with texts of more than {LONGEST} characters, as `{OTHER}`",
    unit="complaints by root cause",
    kind=Kind.TALLY,
    effective=date(2026, 11, 24),
    counts=(ComplaintCounts(fields=(CAUSE,), events=KINDS, count=counted),),
    compute=_root_causes,
)
