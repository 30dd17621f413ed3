"""Aliases: two spellings of one thing are one, and nothing can be read off the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.facts.aliases import KINDS, Alias, AliasError, Identity, alias_key, is_alias, normalised
from shared.schemas.base import ID_PATTERN
from shared.schemas.customers import AliasKind

HERE = Identity(b"a key that is never changed", "DE")


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("email", " Ann@Example.COM ", "ann@example.com"),
        ("email", "ÄNN@example.com", "änn@example.com"),
        ("phone", "0171 123 45 67", "+491711234567"),
        ("phone", "+49 (0)171/1234567", "+491711234567"),
        ("phone", "0049 171 1234567", "+491711234567"),
        ("phone", "tel:+49-171-1234567", "+491711234567"),
        ("phone", "+1 650-253-0000", "+16502530000"),
        ("phone", "\uff0b49171 1234567", "+491711234567"),
        ("card", "4006 381-333 93x", "400638133393X"),
        ("card", "äö-12", "ÄÖ12"),
        ("card", "кар 12", "КАР12"),
        ("card", "कार्ड-१२", "कार्ड१२"),
        ("card", "Ａ１²", "A12"),
        ("email", "ann@EXAMPLE.com.", "ann@example.com"),
        ("email", "Ann@xn--bcher-kva.example", "ann@bücher.example"),
        ("email", "ann@BÜCHER.example", "ann@bücher.example"),
        ("email", "ann@bu\u0308cher。example", "ann@bücher.example"),
        ("email", "\uff21\uff2e\uff2e@example.com", "ann@example.com"),
        ("email", "a\uff0cb@example.com", "a\uff0cb@example.com"),
        ("email", "ann@xn--.example", "ann@xn--.example"),
        ("account", " shop:Ann ", "shop:Ann"),
        ("device", "A-b", "A-b"),
    ],
)
def test_spellings_of_one_alias_are_one(kind: AliasKind, value: str, written: str) -> None:
    assert HERE.alias(kind, value) == Alias(kind, written)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "ann"),
        ("email", "Ann <ann@example.com>"),
        ("email", "ann@example.com, bob@example.com"),
        ("phone", "12"),
        ("phone", "ask the mother"),
        ("phone", "+49 30 1234567 ext. 12"),
        ("card", "- -"),
        ("account", " "),
        ("device", "x" * 255),
        ("account", "a\nb"),
    ],
)
def test_what_is_no_alias_is_said_without_its_value(kind: AliasKind, value: str) -> None:
    with pytest.raises(AliasError) as refused:
        HERE.alias(kind, value)
    assert value.strip() in ("", "- -") or value not in str(refused.value)


def test_a_number_without_country_code_needs_a_region() -> None:
    assert normalised("phone", "+49 171 1234567") == normalised("phone", "0049171 1234567") == "+491711234567"
    with pytest.raises(AliasError, match="RAPPORT_PHONE_REGION"):
        normalised("phone", "0171 1234567")


def test_a_subject_is_an_alias_or_an_id() -> None:
    assert [s for s in ("email:a@b", "card:7", "c-1", "shop:7", "email", "alias:7") if is_alias(s)] == [
        "email:a@b",
        "card:7",
    ]
    assert HERE.read("account:shopify:77") == Alias("account", "shopify:77")
    with pytest.raises(AliasError):
        HERE.read("shop:7")


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=300))
def test_any_text_is_an_alias_for_good_or_refused(kind: AliasKind, value: str) -> None:
    try:
        alias = HERE.alias(kind, value)
    except AliasError:
        return
    assert HERE.alias(*alias) == alias, "as it is written, it is written again"


@given(st.sampled_from(sorted(KINDS)), st.text(min_size=1, max_size=60), st.binary(min_size=16, max_size=100))
def test_keys_fit_the_log_and_differ_by_secret_and_kind(kind: AliasKind, value: str, secret: bytes) -> None:
    import re

    key = alias_key(secret, kind, value)
    assert re.fullmatch(ID_PATTERN, key)
    others = {alias_key(secret, other, value) for other in KINDS - {kind}}
    assert key not in others | {alias_key(secret + b"!", kind, value)}
