"""The OpenAPI document, completed: every error a route can answer with is a problem, and says so."""

from typing import Any

from pydantic import BaseModel

from shared.http.errors import Responses
from shared.http.gone import CUSTOMER
from shared.http.problems import MEDIA_TYPE, ProblemDetails

Schema = dict[str, Any]

_PAGE: Schema = {"text/html": {"schema": {"type": "string"}}}
PAGE_TOO: Responses = {200: {"content": _PAGE}}
"""``responses`` of a route that answers a browser with a page, and a program with its model."""
PAGE_OF_TROUBLE: Responses = {"default": {"description": "What went wrong, as a page.", "content": _PAGE}}
"""``responses`` of routes that say what went wrong by a page, except where no route is reached."""

_REF = "#/components/schemas/{model}"
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "options", "head", "trace"})


def complete(document: Schema) -> Schema:
    """Put the problem responses where FastAPI has its own validation errors, or none."""
    schemas: Schema = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = ProblemDetails.model_json_schema(ref_template=_REF)
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDetails"] = problem
    for item in document.get("paths", {}).values():
        for method, operation in item.items():
            if method in _METHODS:
                _add(operation)
    return document


def _add(operation: Schema) -> None:
    responses: Schema = operation.setdefault("responses", {})
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    wanted = {"default": "Another problem."}
    if operation.get("security"):
        wanted |= {
            "401": "There are no credentials, or they are not accepted.",
            "403": "A scope is missing.",
            "429": "This caller has asked too often: Retry-After says when to ask again.",
        }
    if any(told["in"] == "path" and told["name"] == CUSTOMER for told in operation.get("parameters", ())):
        wanted["410"] = "The customer has been erased."
    if "requestBody" in operation:
        wanted |= {
            "400": "The body is not JSON.",
            "408": "The body took too long to come.",
            "413": "The body is too large.",
        }
    if "requestBody" in operation or operation.get("parameters"):
        wanted["422"] = "Something is not valid; errors names each field."
    wanted["503"] = "The store or the broker is away. Ask again."
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemDetails")}}}
    content |= responses.get("default", {}).get("content", {})
    for status, description in wanted.items():
        responses.setdefault(status, {"description": description})
    for status, documented in responses.items():
        if status == "default" or status[0] in "45":
            told = documented.get("content", {})
            if "application/json" in told:
                # A model of the route's own, which is a problem too.
                told[MEDIA_TYPE] = told.pop("application/json")
            documented["content"] = content | told
    if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ())):
        _also(responses["422"], "invalid_cursor")
    operation["responses"] = dict(sorted(responses.items()))


def _also(documented: Schema, code: str) -> None:
    """Names a code beside those that the route names."""
    documented["description"] = f"{documented['description'].rstrip('.')}, or {code}."


def flat(model: type[BaseModel]) -> Schema:
    """The schema of a body that a route reads by itself, with what it refers to in its place."""
    schema = model.model_json_schema()
    parts: Schema = schema.pop("$defs", {})

    def filled(node: Any) -> Any:
        if isinstance(node, list):
            return [filled(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return filled(parts[node["$ref"].rpartition("/")[2]])
        return {name: filled(inner) for name, inner in node.items()}

    whole: Schema = filled(schema)
    return whole
