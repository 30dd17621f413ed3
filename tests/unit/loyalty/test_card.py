"""A member's own page: what it shows of whom, in which language, and until when."""

from dataclasses import is_dataclass
from string import Formatter

import pytest
from fastapi.testclient import TestClient

from services.loyalty.domain import rules
from services.loyalty.models.card import NAMES
from services.loyalty.pages import FOLDER
from services.loyalty.store import Member
from shared.http.key_ring import KeyRing
from shared.http.linked import words
from shared.http.member_links import member_link, read_member
from shared.pages.readers import LANGUAGES
from shared.schemas.times import micros

from .account import day
from .platform import MEMBER, Platform

RING = KeyRing([b"k" * 16])
ENDS = micros(day(400))


def link(customer: str = MEMBER, ends_at: int = ENDS, language: str | None = None) -> str:
    return member_link("", RING, customer, ends_at, language)


def test_a_link_says_whose_page_and_until_when() -> None:
    token = link().removeprefix("/m/")
    assert read_member(RING, token) == (MEMBER, ENDS)
    assert read_member(KeyRing([b"o" * 16]), token) is None
    assert read_member(RING, RING.sign("preferences", MEMBER, 1)) is None
    assert read_member(RING, RING.sign("member", MEMBER)) is None


def test_the_page_shows_what_the_member_has(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 42_000)
    code = platform.account.redeem(1, "voucher-5")
    used = platform.account.redeem(1)
    platform.account.use(1, used)
    platform.now = day(2)
    before = platform.account.state
    answer = client.get(link(), headers={"X-API-Key": ""})
    assert (answer.status_code, platform.account.state, platform.asked) == (200, before, [])
    page = answer.text
    for shown in ("70 points", "Your level: Silver", "€580.00 more to reach Gold", code, "Free delivery"):
        assert shown in page, shown
    for shown in (
        "30 points to go",
        "1 January 2026",
        "Redeemed: 5.00 off the next purchase",
        "+420",
        "−250",
    ):
        assert shown in page, shown
    assert used not in page
    assert "script" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_the_language_of_the_link_else_of_the_browser(
    language: str, client: TestClient, platform: Platform
) -> None:
    platform.account.buy(0, 42_000)
    title = words(language, FOLDER)["card.title"]
    assert f"<h1>{title}</h1>" in client.get(link(language=language), headers={"Accept-Language": "en"}).text
    assert f"<h1>{title}</h1>" in client.get(link(), headers={"Accept-Language": language}).text


def test_a_merged_ids_link_opens_the_survivors_page(
    client: TestClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.account.buy(0, 42_000)
    known = platform.member

    async def survivor(customer_id: str) -> Member | None:
        return await known(MEMBER if customer_id == "old" else customer_id)

    monkeypatch.setattr(platform, "member", survivor)
    assert "420 points" in client.get(link("old")).text


def test_a_link_ends(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 42_000)
    assert client.get(link(ends_at=micros(day(2)))).status_code == 200
    platform.now = day(2)
    over = client.get(link(ends_at=micros(day(2))))
    assert (over.status_code, "420" in over.text) == (410, False)


def test_what_is_wrong_is_said_by_a_page(client: TestClient, platform: Platform) -> None:
    assert client.get("/m/x.y").status_code == 404
    assert client.get(link()[:-1]).status_code == 404
    nobody = client.get(link())
    assert (nobody.status_code, "There are no points yet" in nobody.text) == (200, True)


def test_all_languages_say_the_same_things() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    wanted = {key: places(text) for key, text in words("en", FOLDER).items()}
    for language in LANGUAGES:
        assert {key: places(text) for key, text in words(language, FOLDER).items()} == wanted, language


def test_every_rule_has_words() -> None:
    told = {rules.Campaign, rules.Redemption, rules.Cancellation, *NAMES}
    assert told == {one for one in vars(rules).values() if is_dataclass(one)}
    assert {f"card.entry.{name}" for name in NAMES.values()} <= words("en", FOLDER).keys()
