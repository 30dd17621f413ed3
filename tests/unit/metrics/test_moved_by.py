"""Who moved a figure most."""

from collections.abc import Mapping

import pytest

from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.sentiment import CONTACTS
from services.metrics.domain.moved_by import moved_by
from services.metrics.domain.places import crossed
from shared.schemas.interactions import InteractionLogged

ANGRY, CALM = -0.9, -0.1


def contacts(*sentiments: float) -> dict[str, int]:
    """What they count as."""
    found: dict[str, int] = {}
    for sentiment in sentiments:
        said = InteractionLogged(
            channel="chat", direction="inbound", kind="question", summary="?", sentiment=sentiment
        )
        for name, n in CONTACTS.count(said).items():
            found[name] = found.get(name, 0) + n
    return found


def mover(
    name: str, usual: float, day: Mapping[str, dict[str, int]], weeks: Mapping[str, dict[str, int]]
) -> dict[str, str]:
    now, before = ({crossed(segment, ""): counts for segment, counts in one.items()} for one in (day, weeks))
    levels: dict[str, int] = {}
    return moved_by(KPIS[name], name, usual, 100, now, [before] * 4, levels, ChurnPolicy())


@pytest.mark.parametrize("angry", ["a", "b", "z"])
def test_of_totals_below_zero_who_fell_is_named(angry: str) -> None:
    """All speak ill at all times, and one segment worse than it did."""
    usual = dict.fromkeys(("a", "b", "z"), contacts(*[CALM] * 10))
    assert mover("sentiment", CALM, {**usual, angry: contacts(*[ANGRY] * 10)}, usual) == {"segment": angry}


@pytest.mark.parametrize("late", ["a", "b", "z"])
def test_points_taken_back_of_another_day_count_below_zero(late: str) -> None:
    """On a day on which more was restored than redeemed."""
    usual = {segment: {"earned": 100, "redeemed": -10} for segment in ("a", "b", "z")}
    day = {**usual, late: {"earned": 100, "redeemed": -90}}
    assert mover("redemption_rate", -0.1, day, usual) == {"segment": late}
