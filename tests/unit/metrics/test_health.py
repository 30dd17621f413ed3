"""What makes a customer's health, and that it is defined and the same whatever happened."""

from collections.abc import Sequence
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.config import load, parse
from services.metrics.domain.clv import BgNbd, GammaGamma
from services.metrics.domain.health import Health, HealthPolicy, Models, health
from services.metrics.domain.health.policy import Segments, Weights
from services.metrics.domain.state import Customer
from shared.runtime.config import ConfigError
from shared.schemas.complaints import ComplaintReopened, ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import PointsEarned, PointsRedeemed
from shared.schemas.outreach import OutreachBounced, OutreachSent
from shared.schemas.times import DAY, micros
from tests.examples import examples

from .story import START, answered, entry, event, histories, opened, purchase, returned, run

POLICY = HealthPolicy()
MODELS = Models.of(
    {
        "bg-nbd": {"r": 1.4, "alpha": 1.36, "a": 0.04, "b": 2.0},
        "mbg-nbd": {"r": 1.4, "alpha": 1.36, "a": 0.04, "b": 2.0},
        "gamma-gamma.EUR": {"p": 6.25, "q": 3.74, "v": 1544.0},
    }
)


def of(events: Sequence[Event], day: float, models: Models = MODELS, policy: HealthPolicy = POLICY) -> Health:
    customers, _ = run(events)
    record = customers["c1"].data if customers else Customer()
    return health(record, models, policy, micros(START) + int(day * DAY))


def weekly(days: int, amount: int = 2_000, first: int = 0) -> list[Event]:
    return [event(purchase(f"o{day}", amount), days=day + 0.5) for day in range(first, days, 7)]


def points(found: Health, name: str) -> tuple[float, float]:
    """Of a driver: its points, and the most it could give."""
    return next((driver.points, driver.of) for driver in found.drivers if driver.driver == name)


def names(found: Health) -> list[str]:
    return [driver.driver for driver in found.drivers]


def test_who_bought_each_week_is_well_until_they_stay_away() -> None:
    bought = weekly(365)
    score, churn, segments = [], [], []
    for day in (366, 400, 450, 600):
        found = of(bought, day)
        score, churn = [*score, found.score], [*churn, found.churn_probability]
        segments.append(found.segment)
    assert score == sorted(score, reverse=True)
    assert churn == sorted(churn)
    assert (score[0] > 80, churn[0] < 0.01, churn[-1] > 0.99) == (True, True, True)
    assert (segments[0], segments[-1]) == ("champions", "lost")


def test_the_same_silence_is_worse_for_who_comes_more_often() -> None:
    often, seldom = of(weekly(365), 424), of([e for e in weekly(365) if int(e.id[1:]) % 5 == 0], 424)
    assert often.churn_probability > seldom.churn_probability


def test_who_bought_once() -> None:
    once = [event(purchase("o1"), days=0.5)]
    assert [of(once, day).segment for day in (10, 90, 900)] == ["new", "at_risk", "lost"]
    churn = [of(once, day).churn_probability for day in (1, 100, 1_000)]
    assert 0 < churn[0] < churn[1] < churn[2] < 1


def test_who_never_bought() -> None:
    found = of([], 0)
    assert (found.segment, found.churn_probability, found.clv) == ("new", 0.0, None)
    assert names(found) == ["recency", "complaints"]
    assert points(found, "recency")[0] == pytest.approx(points(found, "recency")[1] / 2, abs=1e-3)


def test_what_happens_later_has_no_part() -> None:
    before = [*weekly(200), event(answered("nps", 9), days=100)]
    later = [
        *weekly(400, first=203),
        event(returned("o203", 2_000), days=301),
        event(opened(), days=300),
        event(answered("nps", 0), days=300),
        event(entry(PointsEarned, 10), days=300),
    ]
    assert of([*later, *before], 200) == of(before, 200)


def test_complaints() -> None:
    bought = weekly(365)
    resolved = event(ComplaintResolved(complaint_id="k1", resolution="Sent anew."), days=331)
    reopened = event(ComplaintReopened(complaint_id="k1", reason="Late again."), days=332)
    stories = {
        "none": bought,
        "over": [*bought, event(opened(), days=330), resolved],
        "open": [*bought, event(opened(), days=330)],
        "reopened": [*bought, event(opened(), days=330), resolved, reopened],
    }
    share = {name: points(of(story, 366), "complaints") for name, story in stories.items()}
    assert share["none"][0] == share["none"][1]
    assert share["none"][0] > share["over"][0] > share["open"][0] > share["reopened"][0] > 0
    assert points(of(stories["over"], 700), "complaints")[0] > share["over"][0]


def test_answers_and_points_have_a_part_once_there_are_some() -> None:
    bought = weekly(365)
    assert names(of(bought, 366)) == ["recency", "frequency", "spend", "complaints"]
    told = [*bought, event(answered("nps", 10), days=300), event(entry(PointsEarned, 50), days=300)]
    found = of(told, 366)
    assert names(found)[-2:] == ["answers", "loyalty"]
    assert points(found, "answers")[0] == points(found, "answers")[1]
    redeemed = of([*told, event(entry(PointsRedeemed, -50), days=301)], 366)
    assert points(redeemed, "loyalty")[0] > points(found, "loyalty")[0]
    unhappy = [*bought, event(answered("nps", 3), days=300), event(answered("csat", 1), days=301)]
    assert points(of(unhappy, 366), "answers")[0] == 0
    assert points(of(unhappy, 366), "answers")[1] > 0
    easy = of([*bought, event(answered("ces", 7), days=300)], 366)
    assert points(easy, "answers")[0] == pytest.approx(points(easy, "answers")[1])


def test_contacts_and_messages_have_a_part_once_there_are_some() -> None:
    bought = weekly(365)

    def contact(sentiment: float | None, direction: str = "inbound") -> Event:
        data = {"channel": "email", "direction": direction, "kind": "question", "summary": "?"}
        told = {} if sentiment is None else {"sentiment": sentiment}
        return event(InteractionLogged.model_validate({**data, **told}), days=300)

    def message(name: str) -> Event:
        told = OutreachSent.model_construct(outreach_id=name, rule="news", channel="email", asks=None)
        return event(told, days=300)

    assert "sentiment" not in names(of([*bought, contact(None), contact(-1.0, "outbound")], 366))
    angry, glad = (points(of([*bought, contact(how)], 366), "sentiment") for how in (-0.8, 0.8))
    assert angry[0] == pytest.approx(0.1 * angry[1], abs=1e-3)
    assert glad[0] == pytest.approx(0.9 * glad[1], abs=1e-3)
    arrived = [*bought, message("m1"), message("m2")]
    bounced = OutreachBounced.model_construct(outreach_id="m2", rule="news", channel="email")
    assert points(of(arrived, 366), "reach")[0] == points(of(arrived, 366), "reach")[1]
    half = points(of([*arrived, event(bounced, days=301)], 366), "reach")
    assert half[0] == pytest.approx(half[1] / 2, abs=1e-3)


def test_trends() -> None:
    steady, fewer = weekly(365), [e for e in weekly(365) if e.time < event(purchase("x"), days=300).time]
    for name in ("frequency", "spend"):
        share = [points(of(story, 366), name) for story in (steady, fewer)]
        assert share[0][0] == pytest.approx(0.75 * share[0][1], rel=0.1)
        assert share[1][0] < share[0][0]
    more = [*steady[:40], *weekly(365, 8_000, first=280)]
    assert points(of(more, 366), "spend")[0] > points(of(steady, 366), "spend")[0]


def test_worth_is_in_the_own_currency_where_a_model_says() -> None:
    found = of(weekly(365), 366)
    assert found.clv is not None
    assert found.clv.currency == "EUR"
    assert found.clv.amount == pytest.approx(52 * 2_000, rel=0.1)
    assert of(weekly(365), 366, Models.of({})).clv is None


def test_parameters_that_are_not_valid_are_left() -> None:
    bad = {"bg-nbd": {"r": -1.0}, "mbg-nbd": {"nonsense": 1.0}, "gamma-gamma.EUR": {"p": 1.0, "q": 2.0}}
    assert Models.of(bad) == Models.of({}) == Models()
    assert Models.of({"gamma-gamma.SEK": {"p": 1, "q": 2, "v": 3}}).money == {"SEK": GammaGamma(1, 2, 3)}
    assert Models.of({"bg-nbd": {"r": 1, "alpha": 2, "a": 3, "b": 4}}).again == BgNbd(1, 2, 3, 4)


def test_a_worth_without_bound_is_none() -> None:
    wide = {"gamma-gamma.EUR": {"p": 0.01, "q": 0.5, "v": 1e300}}
    assert of([event(purchase("o1"), days=0.5)], 1, Models.of(wide)).clv is None
    assert of(weekly(30), 31, Models.of(wide)).clv is None


def test_weights_say_what_counts() -> None:
    alone = HealthPolicy(weights=Weights(recency=1, **dict.fromkeys(("frequency", "spend", "complaints"), 0)))
    found = of(weekly(365), 366, policy=alone)
    assert [(d.driver, d.of) for d in found.drivers] == [("recency", 100.0)]


def test_segments_go_by_the_policy() -> None:
    bought = weekly(90)
    strict = HealthPolicy(segments=Segments(champion_score=100, champion_purchases=100))
    assert of(bought, 91, policy=strict).segment == "loyal"
    few = HealthPolicy(segments=Segments.model_validate({"promising_purchases": 50, "new": "30d"}))
    assert of(bought, 91, policy=few).segment == "promising"


@settings(deadline=None, max_examples=examples(100))
@given(histories(), st.integers(-400, 4_000))
def test_it_is_defined_whatever_happened(history: Sequence[Event], day: int) -> None:
    for tracked in run(history)[0].values():
        found = health(tracked.data, MODELS, POLICY, micros(START) + day * DAY)
        assert 0 <= found.score <= 100
        assert 0 <= found.churn_probability <= 1
        assert sum(driver.of for driver in found.drivers) == pytest.approx(100, abs=0.01)
        assert round(sum(driver.points for driver in found.drivers)) == found.score
        for driver in found.drivers:
            assert isfinite(driver.points)
            assert -1e-9 <= driver.points <= driver.of + 1e-9
            assert driver.why
        assert found == health(tracked.data, MODELS, POLICY, micros(START) + day * DAY)


def test_the_policies_that_ship_have_the_section() -> None:
    assert load().health == HealthPolicy()
    assert (
        parse("name: x\nhealth: {weights: {recency: 1, complaints: 0}, half_life: 90d}").health.half_life
        == 90
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("weights: {recency: 0, complaints: 0}", "health.weights"),
        ("weights: {mood: 1}", "health.weights.mood"),
        ("half_life: 0d", "health.half_life"),
        ("segments: {at_risk_below: 101}", "health.segments.at_risk_below"),
    ],
)
def test_what_is_wrong_is_named(text: str, path: str) -> None:
    with pytest.raises(ConfigError, match=path):
        parse(f"name: x\nhealth: {{{text}}}")
