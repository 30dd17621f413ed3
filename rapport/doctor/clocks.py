"""How far the clock of a part is from ours: timers fire by the worker's, quiet hours and campaigns too."""

from rapport.doctor.finding import Finding

WARN_SECONDS, BAD_SECONDS = 1.0, 10.0


def judged(name: str, theirs: float, before: float, after: float) -> Finding:
    """``theirs``: what the part said it was, between ``before`` and ``after`` of our clock, all in seconds
    since the epoch. What its answer may have taken is not held against it."""
    off = theirs - after if theirs > after else min(0.0, theirs - before)
    if abs(off) <= WARN_SECONDS:
        return Finding("clocks", name, "ok", f"within {abs(off) + (after - before):.1f} s of this machine's")
    said = f"{abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} this machine's"
    do = "keep the time of both machines by NTP (chronyc tracking, timedatectl)"
    return Finding("clocks", name, "bad" if abs(off) > BAD_SECONDS else "warn", said, do)
