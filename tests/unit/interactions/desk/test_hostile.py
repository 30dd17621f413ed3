"""What somebody tries who means harm: forms of others, too much of anything, markup in every word that
customers and colleagues can choose."""

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from services.interactions.desk.site import ROOT, TEMPLATES
from services.interactions.routes import desk

from .test_forms import browser, tell, token_of

__all__ = ["browser"]
NASTY = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{ 7*7 }}%(x)s"
PAGES = [one.router for one in vars(desk).values() if isinstance(one, ModuleType) and hasattr(one, "router")]
POSTS = sorted(
    {
        route.path
        for router in PAGES
        for route in router.routes
        if isinstance(route, APIRoute) and "POST" in route.methods
    }
)
"""What forms go to."""


def address(path: str) -> str:
    return re.sub(r"\{\w+\}", "x-1", path)


def test_there_are_forms() -> None:
    assert len(POSTS) > 10
    assert all(path.startswith(f"{ROOT}/") for path in POSTS)


def test_no_form_of_another_is_taken(browser: TestClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    for path in POSTS:
        for told in ("", "csrf=guessed", "csrf="):
            answer = browser.post(address(path), params={"customer_id": "c-1"}, content=told, headers=form)
            assert answer.status_code == 403, path
            assert "load the page again" in answer.text


def test_a_form_that_another_site_sends_is_not_taken(browser: TestClient) -> None:
    form = {"csrf": token_of(browser.get("/desk/settings").text)}
    elsewhere = {"sec-fetch-site": "cross-site"}
    for path in POSTS:
        answer = browser.post(address(path), params={"customer_id": "c-1"}, data=form, headers=elsewhere)
        assert answer.status_code == 403, path


def test_a_body_is_bounded(browser: TestClient) -> None:
    token = token_of(browser.get("/desk/settings").text)
    much = f"csrf={token}&text=".encode() + 3 * 2**20 * b"x"

    def in_pieces() -> Iterator[bytes]:
        for start in range(0, len(much), 2**16):
            yield much[start : start + 2**16]

    form = {"content-type": "application/x-www-form-urlencoded"}
    for path in POSTS:
        for body in (much, in_pieces()):
            answer = browser.post(address(path), params={"customer_id": "c-1"}, content=body, headers=form)
            assert answer.status_code == 413, path


def test_a_file_is_no_form(browser: TestClient) -> None:
    answer = browser.post("/desk/wall", files={"text": ("a.html", b"<script>", "text/html")})
    assert answer.status_code == 415


def test_no_template_says_that_a_value_is_markup() -> None:
    found = [
        file.name
        for file in TEMPLATES.iterdir()
        if re.search(r"\|\s*safe|Markup|autoescape", file.read_text())
    ]
    assert found == []


def nasty_life(browser: TestClient, customer: str) -> None:
    """Everything that can be called as somebody pleases is called so."""
    team, talk = f"t-{customer}", {"conversation_id": f"{customer}-talk"}
    tell(
        browser, customer, "customer.registered",
        name=NASTY, tags=[NASTY],
        preferences={NASTY: NASTY, "diet": [NASTY]}, segment=NASTY,
    )  # fmt: skip
    file: dict[str, Any] = {"name": NASTY, "type": "image/png", "size": 3, "sha256": "0" * 64}
    file["url"] = 'https://x.test/"onmouseover="alert(4)'
    said = {"channel": "email", "direction": "inbound", "kind": "message", **talk}
    tell(browser, customer, "interaction.logged", attachments=[file], summary=NASTY, text=NASTY, **said)
    handed = {"from": "bot", "team": team, "reason": NASTY, "skills": [NASTY]}
    tell(browser, customer, "conversation.escalated", **handed, **talk)
    tell(browser, customer, "conversation.noted", agent_id="bo", text=NASTY, **talk)
    told = {"complaint_id": f"{customer}-k", "category": NASTY, "description": NASTY, "severity": "high"}
    tell(browser, customer, "complaint.opened", channel="web", **told, **talk)
    tell(browser, customer, "survey.answered", survey="csat", score=2, comment=NASTY)
    price = {"amount": 5, "currency": "EUR"}
    items = [{"sku": NASTY, "quantity": 1, "unit_price": price}]
    tell(
        browser, customer, "purchase.made", order_id=f"{customer}-o", channel="web", total=price, items=items
    )
    tell(
        browser, customer, "consent.changed", purpose="marketing", channel="email", topic=NASTY, granted=True
    )
    capacity = {"total": 1, "weights": {"chat": 1}}
    for agent in ("ann", "bo"):
        told = {"agent_id": agent, "name": NASTY, "skills": {NASTY: 3}, "languages": [NASTY]}
        tell(browser, team, "agent.changed", **told, capacity=capacity, on_shift=True, on_break=False)
    task = {"task_id": f"{customer}-t", "kind": "call_back", "text": NASTY, "customer_id": customer}
    tell(browser, team, "task.opened", **task)
    tell(browser, team, "story.told", agent_id="ann", text=NASTY, customer_id=customer)
    tell(browser, team, "training.booked", agent_id="ann", training=NASTY)


def test_what_anybody_wrote_is_text_on_every_page_and_where_a_form_comes_back(
    browser: TestClient, customer: str
) -> None:
    nasty_life(browser, customer)
    pages_say_it_as_text(browser, customer)
    forms_say_it_as_text(browser, customer)


def pages_say_it_as_text(browser: TestClient, customer: str) -> None:
    whose = f"customer_id={customer}"
    pages = [
        "/desk", f"/desk/customers/{customer}", f"/desk/conversations/{customer}-talk?{whose}",
        f"/desk/conversations/{customer}-talk/presence?{whose}", f"/desk/complaints/{customer}-k?{whose}",
        "/desk/complaints", "/desk/search?q=img", "/desk/search/results?q=img",
        f"/desk/search?q={customer}-k", "/desk/duplicates", f"/desk/team?team=t-{customer}",
        f"/desk/wall?team=t-{customer}", "/desk/me", f"/desk/customers/{customer}?of=contacts",
    ]  # fmt: skip
    seen = 0
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        seen += "&lt;script&gt;alert(2)" in answer.text
        assert_text(answer.text, page)
    assert seen > 8, "they are shown, not left out"


def forms_say_it_as_text(browser: TestClient, customer: str) -> None:
    form = {"csrf": token_of(browser.get("/desk/settings").text)}
    whose, talk = {"customer_id": customer}, f"/desk/conversations/{customer}-talk"
    tries: list[tuple[str, dict[str, str]]] = [
        (f"/desk/customers/{customer}/complaints", {"of": "new", "category": NASTY, "order_id": NASTY}),
        (f"{talk}/snooze", {"of": "s", "rest": "at", "at": NASTY, "reason": NASTY}),
        (f"{talk}/messages", {"of": "answer", "text": NASTY, "channel": NASTY}),
        (f"{talk}/assign", {"of": "a", "agent_id": NASTY}),
        (f"/desk/complaints/{customer}-k/compensate", {"of": f"k-{customer}-k-m", "kind": NASTY}),
        (f"/desk/complaints/{customer}-k/change", {"of": "h", "severity": NASTY, "assignee": NASTY}),
        ("/desk/wall", {"of": "thank", "agent_id": NASTY, "text": NASTY}),
        ("/desk/settings", {"language": NASTY, "timezone": NASTY}),
        (f"/desk/complaints/{customer}-k/{NASTY}", {}),
    ]
    for path, typed in tries:
        answer = browser.post(path, params=whose, data={**form, **typed})
        assert answer.status_code in (404, 422), path
        assert_text(answer.text, path)


def assert_text(page: str, of: str) -> None:
    for markup in ("<img", "<script>", "javascript:", "<b>@", '"onmouseover', "49%"):
        assert markup not in page, f"{of}: {markup}"
