"""A thing told again under another event id is known; what is kept of it is bytes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.facts.names import KEEP_DAYS, Heard, Name, Names, answer_of, heard, name_of, with_name
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted, SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.purchases import PurchaseMade, SubscriptionRenewed, SubscriptionStarted
from shared.schemas.topics import TYPES

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Kept(BaseModel):
    names: Names = b""


def told(data: Data, id: str = "e-1", time: datetime = NOON) -> Event:
    return Event(id, "/shop", "cust-1", time, data)


def order(order_id: str = "so-1", amount: int = 100, **extra: Any) -> PurchaseMade:
    total = {"amount": amount, "currency": "EUR"}
    return PurchaseMade.model_validate(
        {"order_id": order_id, "channel": "web", "total": total, "items": [], **extra}
    )


def name(data: Data, **where: Any) -> Name:
    found = name_of(told(data, **where))
    assert found is not None
    return found


def test_an_order_has_one_name_under_every_event_id() -> None:
    names = with_name(b"", name(order(), id="wh-1"), 20_000)
    assert heard(names, name(order(), id="wh-2")) is Heard.SAME
    assert heard(names, name(order(amount=101), id="wh-2")) is Heard.OTHER
    assert heard(names, name(order("so-2"))) is Heard.NEW


def test_what_a_source_adds_beside_the_declared_fields_does_not_matter() -> None:
    assert name(order(webhook="1")) == name(order(webhook="2"))


def test_nor_does_what_it_adds_within_a_line_or_an_amount() -> None:
    def lines(price: dict[str, Any], **extra: Any) -> PurchaseMade:
        return order(items=[{"sku": "mug", "quantity": 1, "unit_price": price, **extra}])

    plain = {"amount": 100, "currency": "EUR"}
    assert name(lines(plain)) == name(lines(plain, title="Mug")) == name(lines({**plain, "note": "net"}))
    assert name(lines(plain)).told != name(lines(plain, category="cups", title="Mug")).told
    total = {**plain, "tax": 16}
    assert name(order()) == name(order(total=total))


def test_a_voucher_code_is_the_same_in_any_spelling() -> None:
    plain = name(order(voucher_codes=["SAVE5"]))
    for spelled in (" save5 ", "Save5", "\tSAVE5\n"):
        assert name(order(voucher_codes=[spelled])) == plain
    assert name(order(voucher_codes=["SAVE6"])).told != plain.told
    assert name(order(voucher_codes=[])).told != plain.told


@pytest.mark.parametrize("code", ["", " \t", "SA\nVE5", 5, None])
def test_what_is_no_voucher_code_stays_refused(code: Any) -> None:
    with pytest.raises(ValidationError):
        order(voucher_codes=[code])


def test_a_term_is_named_by_its_end_whether_it_was_started_or_renewed() -> None:
    term = {"subscription_id": "s-1", "plan": "p", "price": {"amount": 1, "currency": "EUR"}}
    first = SubscriptionStarted.model_validate(term | {"expires_at": "2027-01-01T00:00:00Z"})
    same = SubscriptionRenewed.model_validate(term | {"expires_at": "2027-01-01T01:00:00+01:00"})
    later = SubscriptionRenewed.model_validate(term | {"expires_at": "2028-01-01T00:00:00Z"})
    assert name(first) == name(same)
    assert name(first).key != name(later).key


def test_a_review_is_named_by_product_and_time() -> None:
    review = ReviewPosted(sku="mug", rating=5)
    assert name(review).key == name(ReviewPosted(sku="mug", rating=1)).key
    assert name(review).key != name(review, time=NOON.replace(minute=1)).key


def test_what_has_no_name_of_its_own_has_none() -> None:
    logged = InteractionLogged.model_validate(
        {"channel": "web", "direction": "inbound", "kind": "visit", "summary": "came"}
    )
    assert name_of(told(logged)) is None


def test_an_answer_is_named_by_survey_and_subject() -> None:
    def answer(survey: str, about: str | None) -> bytes | None:
        thing = None if about is None else {"kind": "order", "id": about}
        return answer_of(SurveyAnswered.model_validate({"survey": survey, "score": 5, "about": thing}))

    assert answer("nps", "so-1") == answer("nps", "so-1")
    assert len({answer("nps", "so-1"), answer("nps", "so-2"), answer("csat", "so-1")}) == 3
    assert answer("nps", None) is None


def test_every_name_is_made_of_fields_that_its_type_requires() -> None:
    for cls in TYPES.values():
        assert bool(cls.thing) or not cls.named_by
        for field in cls.named_by:
            assert field == "time" or cls.model_fields[field].is_required(), (cls, field)


@given(st.lists(st.tuples(st.binary(min_size=8, max_size=8), st.binary(min_size=4, max_size=4))))
def test_all_names_are_found_and_no_others(things: list[tuple[bytes, bytes]]) -> None:
    names, known = b"", dict[bytes, bytes]()
    for key, data in things:
        one = Name("order", key, data)
        expected = Heard.NEW if key not in known else Heard.SAME if known[key] == data else Heard.OTHER
        assert heard(names, one) is expected
        if expected is Heard.NEW:
            names, known[key] = with_name(names, one, 20_000), data
    assert len(names) == 14 * len(known)
    assert Kept.model_validate_json(Kept(names=names).model_dump_json()).names == names


def test_bytes_that_straddle_two_names_are_no_name() -> None:
    names = with_name(b"", Name("order", b"abcdefgh", b"ijkl"), 1)
    names = with_name(names, Name("order", b"mnopqrst", b"uvwx"), 1)
    for start in range(len(names) - 8):
        known = heard(names, Name("order", names[start : start + 8], b"....")) is not Heard.NEW
        assert known == (start in (0, 14))


def test_names_are_kept_for_their_days() -> None:
    old, new = name(order("so-1")), name(order("so-2"))
    names = with_name(b"", old, 20_000)
    assert heard(with_name(names, new, 20_000 + KEEP_DAYS), old) is Heard.SAME
    assert heard(with_name(names, new, 20_001 + KEEP_DAYS), old) is Heard.NEW
