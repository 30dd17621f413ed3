"""How well the score told who would fall silent, for people."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from rapport.commands.show import table
from rapport.health.calibrate import Quarter
from services.metrics.domain.health.ranking import Area

_SEGMENTS = ("champions", "loyal", "promising", "new", "at_risk", "lost")


def page(quarters: Sequence[Quarter]) -> Iterator[RenderableType]:
    """Each quarter, and of the last one its segments. It fits in 80 columns: what does not is cut, and a
    number without its end is another number."""
    made = table(
        "scored on", "customers", "silent", "AUC of score", "of recency", "gain",
        right=("customers", "silent"),
    )  # fmt: skip
    made.columns[0].no_wrap, made.columns[0].min_width = True, len("01 Apr 2025")
    for one in quarters:
        made.add_row(
            f"{one.begin:%d %b %Y}",
            f"{one.customers:,}",
            f"{one.silent:,}",
            *(_area(found) for found in (one.score, one.recency)),
            _area(one.gain, sign="+"),
        )
    yield made
    if not quarters:
        return
    last = quarters[-1]
    segments = table(
        "segment", "customers", "silent after", "share", right=("customers", "silent after", "share")
    )
    for name in sorted(last.segments, key=_SEGMENTS.index):
        customers, silent = last.segments[name]
        segments.add_row(name, f"{customers:,}", f"{silent:,}", f"{silent / customers:.0%}")
    yield segments
    yield (
        "AUC: the probability that of two customers, one who bought nothing in the quarter after and one who "
        "bought, the one who bought nothing had the lower score; 0.5 is chance. Below each: its 95 % "
        "interval."
    )
    if not all(one.fitted for one in quarters):
        yield (
            "The models' default parameters were used where fewer than 100 customers had bought again, or "
            "without SciPy (pip install 'rapport[fit]')."
        )


def as_dict(one: Quarter) -> dict[str, object]:
    """For programs."""
    return {
        "scored_on": f"{one.begin:%Y-%m-%d}",
        "customers": one.customers,
        "silent": one.silent,
        **{name: _figures(getattr(one, name)) for name in ("score", "recency", "gain")},
        "segments": {name: {"customers": n, "silent": gone} for name, (n, gone) in one.segments.items()},
        "fitted": one.fitted,
    }


def _figures(found: Area | None) -> dict[str, float] | None:
    return None if found is None else {"auc": found.value, "low": found.low, "high": found.high}


def _area(found: Area | None, sign: str = "") -> str:
    if found is None:
        return "-"
    value, low, high = (f"{number:{sign}.3f}" for number in (found.value, found.low, found.high))
    return f"{value}\n{low} to {high}"
