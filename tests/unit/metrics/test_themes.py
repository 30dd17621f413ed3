"""What customers speak of: found, counted once, corrected, compared; whatever is heard first."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from services.metrics.domain.cells import Delta
from services.metrics.domain.state import Customer, decode, encode
from services.metrics.domain.texts import Raised, apply_text, has_text
from services.metrics.domain.themes import (
    LONGEST_TEXT,
    TEXTS,
    THEME,
    Matcher,
    Theme,
    ThemesPolicy,
    last_week,
    monday_of,
    spoken,
    z_score,
)
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.trimming import KEEP_DAYS
from shared.schemas.event import Event
from shared.schemas.feedback import About, ReviewPosted, SurveyAnswered
from shared.schemas.times import DAY, day_number, micros
from tests.examples import examples

from .story import FAR, START, counted, event, opened, profile, run

POLICY = ThemesPolicy(
    names=(
        Theme(name="late", words=("late", "verspät*")),
        Theme(name="price", words=("preis*", "too expensive")),
    )
)
THEMES = Matcher(POLICY)
DAY0 = day_number(START.date())


def complaint(text: str, name: str = "k") -> Any:
    return opened(name).model_copy(update={"description": text})


def comment(text: str | None, about: str | None = "o") -> SurveyAnswered:
    thing = None if about is None else About(kind="order", id=about)
    return SurveyAnswered(survey="nps", score=3, about=thing, comment=text)


def review(text: str | None) -> ReviewPosted:
    return ReviewPosted(sku="s", rating=1, text=text)


def told(*log: Event) -> tuple[Tracked, Delta, dict[tuple[str, str], Raised]]:
    """One customer's events, none of them twice under one id."""
    tracked, delta, rows = Tracked(Customer()), Delta(), {}
    for e in log:
        if has_text(e.data):
            for one in apply_text(tracked, e, FAR, delta, 0, THEMES)[1]:
                rows[one.theme, one.thing] = one
    return tracked, delta, rows


def mentions(delta: Delta) -> Counter[tuple[int, str]]:
    found: Counter[tuple[int, str]] = Counter()
    for (day, _, field), n in delta.items():
        if field == TEXTS or field.startswith(THEME):
            found[day, field.removeprefix(THEME)] += n
    return +found


TEXT = [
    ("It came LATE, very late.", ("late",)),
    ("later", ()),
    ("Die Lieferung ist VERSPÄTET!", ("late",)),
    ("verspa\u0308tet", ("late",)),
    ("Too  expensive", ("price",)),
    ("too... expensive; and late", ("late", "price")),
    ("not expensive", ()),
    ("", ()),
    (" " * LONGEST_TEXT + "late", ()),
]


@pytest.mark.parametrize(("text", "themes"), TEXT, ids=range(len(TEXT)))
def test_words_are_found_by_stem_and_phrase(text: str, themes: tuple[str, ...]) -> None:
    assert THEMES(text) == themes


def test_a_word_may_begin_anywhere_and_any_script_is_read() -> None:
    themes = Matcher(
        ThemesPolicy(names=(Theme(name="a", words=("*tasche", "遅い*")), Theme(name="b", words=("straße",))))
    )
    assert themes("Die Handtasche") == themes("とても遅いです。".replace("とても", "")) == ("a",)
    assert themes("In der STRASSE") == ("b",)


def test_a_texts_themes_count_once_each() -> None:
    _, delta, rows = told(event(complaint("late, late and late, and too expensive"), days=1))
    assert mentions(delta) == {(DAY0 + 1, "texts"): 1, (DAY0 + 1, "late"): 1, (DAY0 + 1, "price"): 1}
    assert set(rows) == {("late", "complaint/k"), ("price", "complaint/k")}


def test_a_text_without_words_counts_nothing_and_one_without_a_theme_is_a_text() -> None:
    _, delta, rows = told(event(comment(None)), event(review("  ")), event(comment("fine", "p")))
    assert mentions(delta) == {(DAY0, "texts"): 1}
    assert rows == {}


def test_of_accounts_the_first_holds() -> None:
    first, copy = event(complaint("late")), event(complaint("too expensive"), days=2)
    assert mentions(told(first, copy)[1]) == mentions(told(first)[1])
    first, copy = event(review("late"), days=1), event(review("preise"), days=1)
    assert mentions(told(first, copy)[1]) == mentions(told(first)[1])


@pytest.mark.parametrize("text", [None, "preise"])
@pytest.mark.parametrize("order", [1, -1])
def test_of_two_answers_the_later_holds_whichever_is_heard_first(text: str | None, order: int) -> None:
    log = (event(comment("late"), days=1), event(comment(text), days=2))
    _, delta, rows = told(*log[::order])
    later = {(DAY0 + 2, "texts"): 1, (DAY0 + 2, "price"): 1} if text else {}
    assert mentions(delta) == later
    assert [one.theme for one in rows.values() if one.stands] == (["price"] if text else [])


def test_answers_about_nothing_stand_alone() -> None:
    _, delta, rows = told(event(comment("late", None)), event(comment("late", None)))
    assert mentions(delta) == {(DAY0, "texts"): 2, (DAY0, "late"): 2}
    assert len(rows) == 2


def test_a_customer_takes_texts_along_and_a_record_keeps_them() -> None:
    tracked, delta, _ = told(event(comment("late")))
    tracked.move("gold", "", delta)
    assert delta[DAY0, "gold|", "theme:late"] == 1
    again = Tracked(decode(encode(tracked.data)))
    assert counted([again]) == delta
    again.data.latest = DAY0 + KEEP_DAYS + 1
    again.trim()
    assert again.data.texts == {}


def brute(log: Sequence[Event]) -> Counter[tuple[int, str]]:
    """By another way: which texts hold is decided from the whole log."""
    held: dict[Any, tuple[int, str]] = {}
    latest: dict[Any, int] = {}
    for e in log:
        data, at = e.data, micros(e.time)
        if isinstance(data, SurveyAnswered):
            key: Any = (e.subject, "a", data.about.id) if data.about else e.uid
            if at >= latest.get(key, at):
                latest[key] = at
                held[key] = (at, data.comment or "")
        else:
            key = (
                (e.subject, "k", data.complaint_id) if not isinstance(data, ReviewPosted) else (e.subject, at)
            )
            words = data.text if isinstance(data, ReviewPosted) else data.description
            if not isinstance(data, ReviewPosted) or (words or "").strip():
                held.setdefault(key, (at, words or ""))
    found: Counter[tuple[int, str]] = Counter()
    for at, words in held.values():
        if words.strip():
            found[at // DAY, "texts"] += 1
            found.update((at // DAY, theme) for theme in THEMES(words))
    return found


@pytest.mark.parametrize("seed", range(examples(60)))
def test_counts_equal_a_count_over_the_whole_log(seed: int) -> None:
    r = random.Random(seed)
    words = ["late", "verspätet", "preis", "late, too expensive", "fine", "", " ", None]
    log = []
    for _ in range(60):
        text = r.choice(words)
        data: Any = r.choice(
            [
                complaint(text or "", f"k{r.randrange(5)}"),
                comment(text, r.choice(["o", "p", None])),
                review(text),
            ]
        )
        log.append(event(data, days=r.randrange(12), subject="c1"))
    tracked, delta, rows = told(*log)
    assert mentions(delta) == brute(log)
    assert counted([tracked]).items() >= delta.items()
    standing = Counter((one.at // DAY, one.theme) for one in rows.values() if one.stands)
    assert standing == Counter({key: n for key, n in brute(log).items() if key[1] != "texts"})


def test_what_has_no_text_is_read_as_before() -> None:
    assert not has_text(profile("gold"))
    assert mentions(run([event(review("late"))])[1]) == {}


def test_z_score_by_hand() -> None:
    # Prior of 10 texts, of which (6 + 4 + 0.5) / (20 + 80 + 1) speak of it.
    share = 10.5 / 101
    a, b = 10 * share, 10 * (1 - share)
    difference = math.log((6 + a) / (14 + b)) - math.log((4 + a) / (76 + b))
    assert z_score(6, 20, 4, 80, 10) == pytest.approx(difference / math.sqrt(1 / (6 + a) + 1 / (4 + a)))


def test_z_score_of_nothing_of_all_and_of_the_same() -> None:
    assert z_score(0, 0, 0, 0, 10) is None
    assert z_score(5, 20, 20, 80, 1e-9) == pytest.approx(0, abs=1e-6)
    for one in ((0, 0, 5, 5), (5, 5, 0, 0), (9, 9, 9, 9), (0, 9, 0, 9)):
        score = z_score(*one, 20)
        assert score is not None
        assert math.isfinite(score)


@pytest.mark.parametrize("seed", range(examples(40)))
def test_z_score_changes_its_sign_with_the_sides_and_is_that_of_the_difference(seed: int) -> None:
    r = random.Random(seed)
    n, m = r.randrange(1, 500), r.randrange(1, 2_000)
    x, y = r.randrange(n + 1), r.randrange(m + 1)
    there, back = z_score(x, n, y, m, 20), z_score(y, m, x, n, 20)
    assert there is not None
    assert back is not None
    assert there == pytest.approx(-back)
    if abs(x / n - y / m) > 0.02:
        assert (there > 0) == (x / n > y / m)


def days_of(week: tuple[int, int], month: tuple[int, int]) -> dict[int, dict[str, int]]:
    monday = monday_of(DAY0)
    return {
        monday + 6: {"theme:late": week[0], TEXTS: week[1]},
        monday - 28: {"theme:late": month[0], TEXTS: month[1]},
        monday - 29: {"theme:late": 1_000, TEXTS: 1_000},
        monday + 7: {"theme:late": 1_000, TEXTS: 1_000},
    }


def test_a_theme_rises_against_the_month_before() -> None:
    found = spoken("late", days_of((20, 40), (8, 160)), monday_of(DAY0), POLICY)
    assert (found.mentions, found.usual, found.rising) == (20, 2.0, True)
    assert not spoken("late", days_of((2, 40), (8, 160)), monday_of(DAY0), POLICY).rising
    assert not spoken("late", days_of((4, 4), (0, 160)), monday_of(DAY0), POLICY).rising, (
        "too few speak of it"
    )
    assert not spoken("late", days_of((20, 40), (0, 0)), monday_of(DAY0), POLICY).rising, "nothing before it"


def test_a_week_is_closed_on_monday_at_one() -> None:
    monday = monday_of(DAY0)
    assert monday % 7 == 4
    hour = DAY // 24
    assert last_week(monday * DAY + hour) == monday - 7
    assert last_week(monday * DAY + hour - 1) == monday - 14
