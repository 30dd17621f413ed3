"""A service's codes: the refusal, the document and the README come from one list."""

from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from shared.domain import ErrorCode, RefusedError
from shared.http import problems
from shared.http.errors import responses, table

CLOSED = ErrorCode("closed", 409, "Shop {shop} is closed.")
UNKNOWN = ErrorCode("unknown_shop", 404, "There is no shop {shop}.")
FULL = ErrorCode("full", 409, "The shop is full.")


def test_a_code_makes_the_refusal() -> None:
    refusal = CLOSED(shop="s-1", field="body.shop")
    assert (refusal.code, refusal.status, refusal.detail) == ("closed", 409, "Shop s-1 is closed.")
    assert refusal.field == "body.shop"


def test_logs_and_dead_letters_have_of_it_what_is_ours() -> None:
    most = ErrorCode("most", 409, "{shop} has at most {most} keys.", ours=("most",))
    refusal = most(shop="zoë@example.com", most=5)
    assert (refusal.detail, refusal.reason) == (
        "zoë@example.com has at most 5 keys.",
        "… has at most 5 keys.",
    )
    assert RefusedError("closed", "zoë@example.com is closed").reason == "closed"


def test_the_document_and_the_table_come_from_the_codes() -> None:
    assert responses(CLOSED, UNKNOWN, FULL) == {
        404: {"description": "unknown_shop"},
        409: {"description": "closed, full"},
    }
    assert "| `closed` | 409 | Shop ‹shop› is closed. |" in table([UNKNOWN, CLOSED])


def test_a_refusal_in_a_route_is_a_problem() -> None:
    async def known(request: Request, problem: problems.ProblemError) -> problems.ProblemError:
        return problem

    app = FastAPI()
    problems.install(app, known)

    @app.get("/shops/{shop}")
    async def shop(shop: str) -> None:
        raise UNKNOWN(shop=shop, field="path.shop")

    answer = TestClient(app).get("/shops/s-2")
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "unknown_shop",
        "detail": "There is no shop s-2.",
        "errors": [{"field": "path.shop", "code": "unknown_shop", "detail": "There is no shop s-2."}],
    }
