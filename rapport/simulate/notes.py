"""What the reader of a simulation must know: what the recording cannot tell, and what it never reaches."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from rapport.simulate.run import Simulated
from services.loyalty.domain.program.program import Program, Programs
from shared.schemas.times import micros

REDEMPTIONS = (
    "Redemptions are not replayed: they are commands, which no recording has. So all points that were not "
    "taken back or expired are outstanding."
)


def notes(simulated: Simulated, baseline: Programs, draft: Programs, *, join: bool) -> list[str]:
    """A sentence each, the most important last."""
    found = [REDEMPTIONS]
    found += _of_program("the baseline", baseline, join)
    found += _of_program("the draft", draft, join)
    rates, others = ([version.rates for version in one.versions] for one in (baseline, draft))
    if rates != others:
        found.append("The programs' rates differ, and with them what sales come to.")
    found += _out_of_reach(draft, simulated.first, simulated.end)
    faults = dict.fromkeys(result.tally.fault for result in simulated.results)
    found += [f"The rules failed on an event, which is a bug: {fault}." for fault in faults if fault]
    return found


def _of_program(which: str, programs: Programs, join: bool) -> Iterator[str]:
    if all(version.enrolment == "automatic" for version in programs.versions):
        return
    yield f"Under {which} customers join by choice, and no recording says who did: " + (
        "here each joins at the first purchase (--join)."
        if join
        else "--join makes each join at the first purchase."
    )


def _out_of_reach(programs: Programs, first: datetime, end: datetime) -> Iterator[str]:
    """Versions and campaigns of which no event of the recording can tell."""
    recorded = micros(first), micros(end)
    for version, (start, stop) in zip(programs.versions, _spans(programs.versions), strict=True):
        if start is not None and start > recorded[1]:
            yield f"{version.version} begins after the end: nothing is judged by it."
            continue
        for campaign in version.campaigns:
            opens = max(at for at in (campaign.window[0], start, recorded[0]) if at is not None)
            closes = min(at for at in (campaign.window[1], stop, recorded[1] + 1) if at is not None)
            if opens >= closes:
                yield f"Campaign {campaign.id} never runs between the first event and the end."


def _spans(versions: Sequence[Program]) -> list[tuple[int | None, int | None]]:
    """From when to when each version holds, microseconds since 1970; None: no bound. The first also holds
    before its own date."""
    starts = [None if v.effective_from is None else micros(v.effective_from) for v in versions[1:]]
    return list(pairwise([None, *starts, None]))
