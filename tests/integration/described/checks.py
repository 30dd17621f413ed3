"""What schemathesis is told beside its own checks: loaded by its command line (``SCHEMATHESIS_HOOKS``)."""

import json
import time
from typing import Any, get_args
from urllib.parse import unquote

import requests
import schemathesis
from pydantic_core.core_schema import ErrorType

OF_SCHEMAS = {*get_args(ErrorType)} - {"value_error", "assertion_error"}
"""What Pydantic says of input that its schema does not allow. Rules of ours have codes of their own."""

ASKED_AGAIN = 6


@schemathesis.check
def what_the_schema_allows_is_refused_for_a_reason_of_ours(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """422 is for what no schema can say: a cursor of another list, a key used before, a day that must be a
    Monday. What a schema can say it must say, or a caller who keeps to it is refused."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if any(unquote(str(value)) == f"{{{name}}}" for name, value in case.path_parameters.items()):
        return  # what it was to be was null in the answer before: schemathesis leaves the template
    told: Any = json.loads(response.content)
    bad = [error for error in told.get("errors") or () if error["code"] in OF_SCHEMAS]
    if told["code"] == "invalid" and bad:
        raise AssertionError(f"The schema allows what is refused: {bad}")


@schemathesis.check
def trouble_is_a_problem_or_a_page(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """An error is RFC 9457's, with its own status and a code; or a page, for those who follow a link."""
    if response.status_code < 400:
        return
    media = response.headers["content-type"][0].partition(";")[0]
    if media == "text/html":
        return
    told = json.loads(response.content)
    assert media == "application/problem+json"
    assert told["status"] == response.status_code
    assert told["code"]


@schemathesis.check
def who_is_away_comes_back(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """503 says that another part does not answer now, as one may under the load of four such runs: it says
    when to ask again, and who does so is answered in the end. What is answered so each time is a fault."""
    if response.status_code != 503:
        return
    told = json.loads(response.content)["code"]
    assert "retry-after" in response.headers, f"{told} does not say when to ask again"
    with requests.Session() as session:
        for _ in range(ASKED_AGAIN):
            # As a caller would who keeps to the header.
            time.sleep(int(response.headers["retry-after"][0]))
            if session.send(response.request, timeout=60).status_code != 503:
                return
    raise AssertionError(f"{told} does not pass")
