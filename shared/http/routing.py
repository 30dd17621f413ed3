"""What every route has, whichever it is: the methods that its path takes, and parameters that come once."""

import json
from collections import Counter

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.routing import Match
from starlette.types import Scope

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ONCE = frozenset({b"idempotency-key", b"x-api-key"})
"""Headers of which two would leave it open which one counts."""


def allowed(app: FastAPI, scope: Scope) -> list[str]:
    """The methods that the path of this request takes, by whichever routes it has them."""
    asked: Scope = {name: scope[name] for name in ("type", "path", "root_path") if name in scope}

    def takes(method: str) -> bool:
        # A scope of its own each: what matches notes in it who it is.
        return any(route.matches({**asked, "method": method})[0] is Match.FULL for route in app.routes)

    return [method for method in METHODS if takes(method)]


async def once(request: Request) -> None:
    """Dependency of every route: of the query's parameters only lists come twice, and of the headers none in
    ``ONCE``. Raises 422 ``invalid``, which names each."""
    repeated: list[tuple[str, str]] = []
    if request.scope["query_string"]:
        query = Counter(name for name, _ in request.query_params.multi_items())
        if more := [name for name, times in query.items() if times > 1]:
            single = _single(request)
            repeated = [("query", name) for name in more if name in single]
    # As they came: Starlette's view of them decodes every header, at each request.
    headers = [name for name, _ in request.scope["headers"] if name in ONCE]
    repeated += [("header", name.decode().title()) for name, times in Counter(headers).items() if times > 1]
    if repeated:
        raise RequestValidationError(
            [{"type": "repeated", "loc": place, "msg": "must be given once"} for place in repeated]
        )


def _single(request: Request) -> set[str]:
    """The parameters of the query that the route documents as no lists."""
    path = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    documented = path.get(request.method.lower(), {}).get("parameters", ())
    return {
        parameter["name"]
        for parameter in documented
        if parameter["in"] == "query" and '"type": "array"' not in json.dumps(parameter["schema"])
    }
