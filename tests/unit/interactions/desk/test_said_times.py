"""Times in words: what is remembered of them is what Babel says of each."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_timedelta
from hypothesis import given
from hypothesis import strategies as st

from services.interactions.desk.words import Words, speech_of
from shared.templates.speech import Reader

NOW = datetime(2026, 11, 26, 14, 30, 20, 500_000, tzinfo=UTC)
TIMES = st.one_of(
    st.timedeltas(timedelta(days=-3_000), timedelta(days=400)),
    st.integers(-5_000, 5_000).map(lambda halves: timedelta(seconds=30 * halves)),
    st.integers(-5_000, 5_000).map(lambda halves: timedelta(minutes=30 * halves)),
)


def words(language: str = "en", zone: str = "UTC", now: datetime = NOW) -> Words:
    return Words(Reader(speech_of([language]), ZoneInfo(zone)), now)


@pytest.mark.parametrize("language", ["en", "de-AT", "es"])
@given(delta=TIMES)
def test_how_long_ago_is_what_babel_says(language: str, delta: timedelta) -> None:
    said = words(language)
    if abs(delta) >= timedelta(minutes=1):
        right = format_timedelta(delta, add_direction=True, threshold=1, locale=said.locale)
        assert said.ago(NOW + delta) == right


def test_a_time_is_said_anew_for_each_reader_and_day() -> None:
    at = NOW + timedelta(minutes=-1)
    assert words().when(at) == "14:29"
    assert words(zone="Europe/Berlin").when(at) == "15:29"
    assert words(now=NOW + timedelta(days=1)).when(at) == "26 Nov, 14:29"
    assert words(now=NOW + timedelta(days=60)).when(at) == "26 Nov 2026"
    assert words().fully(at) == "Thursday, 26 November 2026, 14:29 UTC"
    assert words("de", "Europe/Berlin").fully(at) == "Donnerstag, 26. November 2026, 15:29 MEZ"
    assert words().fully(at.astimezone(ZoneInfo("Asia/Tokyo"))) == words().fully(at)


@pytest.mark.parametrize(
    ("seconds", "said"), [(3, "1 min"), (-7_500, "2 hrs 5 mins"), (90_000, "1 day 1 hr")]
)
def test_durations(seconds: float, said: str) -> None:
    assert words().span(seconds).replace("\u00a0", " ") == said
