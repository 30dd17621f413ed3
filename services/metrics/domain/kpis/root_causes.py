"""Why complaints happened: what their resolutions name."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from services.metrics.domain.causes import MOST, cause_of, most_frequent
from services.metrics.domain.cells import Change
from services.metrics.domain.churn_policy import OTHER
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
    counts: Counter[str] = Counter()
    for name, n in w.buckets(CAUSE).items():
        counts[w.life.policy.told_as(unescape(name))] += n
    return Result(most_frequent(counts), counts.total())


ROOT_CAUSES = Kpi(
    name="root_causes",
    title="Root causes",
    description="Why complaints happened, as their resolutions say",
    formula="Complaints by the root cause of the resolution that holds, on its day, by the names that the "
    f"policy lists (`churn.causes`): the {MOST} most frequent, and the rest, with all other words, as "
    f"`{OTHER}`",
    unit="complaints by root cause",
    kind=Kind.TALLY,
    version=2,
    effective=date(2026, 11, 27),
    before="any text was told by its own words. Figures of older days are told by the list too",
    counts=(ComplaintCounts(fields=(CAUSE,), events=KINDS, count=counted),),
    compute=_root_causes,
)
