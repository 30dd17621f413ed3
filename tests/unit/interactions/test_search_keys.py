"""Keys and queries meet, however a name or a number is written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.interactions.domain.search import (
    ID,
    MOST_WORDS,
    SAMPLES,
    folded,
    keys,
    profile_rows,
    ranges,
    samples,
    thing_key,
    words,
)
from services.interactions.domain.state import Customer
from shared.facts.profile import profile_told
from shared.schemas.customers import CustomerUpdated

names = st.lists(
    st.text(st.sampled_from("aZßéÅøŁıİがกकéñĳﬁ"), min_size=1, max_size=6), min_size=1, max_size=5
)


def finds(query: str, **profile: str) -> bool:
    told = keys(profile_told({}, CustomerUpdated.model_validate(profile), 0))
    return any(key.startswith(wanted) for key in told.values() for wanted in ranges(query))


@given(names, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.data())
def test_any_word_in_any_form_finds_the_name(name: list[str], form: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(name))
    typed = unicodedata.normalize(form, word)  # type: ignore[arg-type]
    assert folded(typed) == folded(word) == folded(folded(word))
    if words(typed):
        assert finds(typed, name=" ".join(name))
        assert finds(typed.upper() if len(typed.upper()) == len(typed) else typed, name=" ".join(name))


@pytest.mark.parametrize("query", ["lee", "Ann Lee", "lee, ann", "LEE ANN", "an", "ann-lee", " Ann  Lee "])
def test_a_name_is_found_by_first_and_last_word(query: str) -> None:
    assert finds(query, name="Ann Lee")


@pytest.mark.parametrize("query", ["nn", "Ann Bo", "ee"])
def test_a_name_is_not_found_by_what_is_within_a_word(query: str) -> None:
    assert not finds(query, name="Ann Lee")


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Ann Maria Smith", "Ann Smith"),
        ("Ann Maria Smith", "ann s"),
        ("Ann Maria Smith", "Smith, Ann"),
        ("Ann van der Berg", "Ann Berg"),
        ("Ann Maria O'Brien", "ann obrien"),
        ("Ann " + "van " * MOST_WORDS + "Berg", "Ann Berg"),
    ],
)
def test_what_is_between_first_and_last_name_may_be_left_out(name: str, query: str) -> None:
    assert finds(query, name=name)


def test_a_long_name_has_so_many_keys() -> None:
    told = profile_told({}, CustomerUpdated(name=" ".join(f"o'{n}" for n in range(100))), 0)
    assert len(keys(told)) == 2 * (MOST_WORDS + 1)


@pytest.mark.parametrize("told", ["+1 (212) 555-0199", "001 212 5550199", "+1.212.555.0199"])
@pytest.mark.parametrize("query", ["2125550199", "+12125550199", "12125550199", "+1 212", "212-555"])
def test_a_number_is_found_however_it_is_written(told: str, query: str) -> None:
    assert finds(query, phone=told)


@pytest.mark.parametrize(
    "pasted",
    [
        "+49\u201130\u2011123456",
        "\u202a+49 30 123456\u202c",
        "\ufeff +49\u201330\u2014123456",
        "+49 30\u2212123456",
    ],
)
def test_a_number_that_was_pasted_is_found(pasted: str) -> None:
    for told, query in ((pasted, "+49 30 123456"), ("+49 30 123456", pasted), (pasted, "030123456")):
        assert finds(query, phone=told)
    assert not finds(pasted, phone="+43 30 123456")


@pytest.mark.parametrize(
    ("told", "query", "found"),
    [
        ("030 123456", "+49 30 123456", True),  # told without a country, it may be of any
        ("030 123456", "030 1234", True),
        ("+49 30 123456", "030 123456", True),
        ("+49 30 123456", "+43 30 123456", False),
        ("+358 40 1234567", "040 1234567", True),
        ("+49 30 123456", "123456", False),
        ("+49 30 123456", "030", False),
    ],
)
def test_a_number_and_its_country(told: str, query: str, found: bool) -> None:
    assert finds(query, phone=told) is found


def test_an_id_is_found_whole_and_in_any_case() -> None:
    assert thing_key(" SO-1001 ") == thing_key("so-1001") != thing_key("so-100")


def test_one_in_so_many_is_drawn_by_their_id_with_all_of_their_keys() -> None:
    own = {"name.0": "ann lee", "email": "@ann@example.org"}
    drawn = {f"cust-{n}": samples(f"cust-{n}", own) for n in range(20_000)}
    for start, of in SAMPLES:
        inside = [found for found in drawn.values() if f"name.0 {start}" in found]
        assert len(inside) == pytest.approx(20_000 / of, rel=0.25)
        assert all(found[f"email {start}"] == f"{start}@ann@example.org" for found in inside)
    assert all(found.get("id %2", f"%2#{id}") == f"%2#{id}" for id, found in drawn.items())
    assert samples("cust-1", own) == samples("cust-1", own)


@pytest.mark.parametrize("query", ["%1ann", "%2#cust", "#cust-1", "%1", "%2@ann"])
def test_nobody_types_what_is_before_the_keys_of_a_sample(query: str) -> None:
    assert not any(wanted.startswith(("%", ID)) for wanted in (*ranges(query), thing_key(query)))


def test_the_rows_of_a_sample_follow_the_profile() -> None:
    drawn = next(f"cust-{n}" for n in range(999) if samples(f"cust-{n}", {}))
    new = Customer(customer_id=drawn)
    ann = new.model_copy(update={"seen_at": 1, "profile": profile_told({}, CustomerUpdated(name="Ann"), 0)})
    bo = ann.model_copy(update={"profile": profile_told({}, CustomerUpdated(name="Bo"), 0)})
    first = {row.document["_id"]: row.document.get("key") for row in profile_rows(new, ann)}
    assert first[f"{drawn} name.0 %2"] == "%2ann"
    assert first[f"{drawn} id %2"] == f"%2#{drawn}"
    then = {row.document["_id"]: row.document.get("key") for row in profile_rows(ann, bo)}
    assert then[f"{drawn} name.0 %2"] == "%2bo"
    assert f"{drawn} id %2" not in then
