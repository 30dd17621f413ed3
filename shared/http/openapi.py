"""The OpenAPI document, completed: every error a route can answer with is a problem, and says so."""

from typing import Any

from shared.http.problems import MEDIA_TYPE, ProblemDetails

Schema = dict[str, Any]

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
        wanted |= {"401": "There are no credentials, or they are not accepted.", "403": "A scope is missing."}
    if "requestBody" in operation:
        wanted |= {"400": "The body is not JSON.", "413": "The body is too large."}
    if "requestBody" in operation or operation.get("parameters"):
        wanted["422"] = "Something is not valid; errors names each field."
    wanted["503"] = "The store or the broker is away. Ask again."
    for status, description in wanted.items():
        documented = responses.setdefault(status, {"description": description})
        documented.setdefault(
            "content", {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemDetails")}}}
        )
    operation["responses"] = dict(sorted(responses.items()))
