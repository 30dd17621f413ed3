"""The reference page of the four APIs, made from their committed OpenAPI documents (``tools/openapi.py``)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.schemas.services import SERVICES

DOCUMENTS = Path(__file__).parents[1] / "docs" / "openapi"
NOT_THE_SERVICES = {"operations"}
"""Tags of what each API has: health, metrics."""


def http_page(made: str) -> str:
    """A table of routes for each service: method, path, scope, what it does."""
    parts = [made, "# HTTP\n", INTRODUCTION]
    for service in SERVICES:
        document = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))
        link = f"[{service}.json](../openapi/{service}.json)"
        parts += [f"## {service.capitalize()}\n", f"Fields, parameters and answers: {link}.\n"]
        parts += ["| route | scope | what it does |\n| --- | --- | --- |\n" + "".join(_rows(document))]
    return "\n".join(parts)


INTRODUCTION = """\
An error is `application/problem+json` with one of [these codes](codes.md). Writes take `Idempotency-Key`;
lists answer `items` and a `cursor` for what follows. Each running API shows its document at `/docs` and
`/openapi.json`.
"""


def _rows(document: dict[str, Any]) -> Iterator[str]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not NOT_THE_SERVICES & set(operation.get("tags", ())):
                yield f"| `{method.upper()} {path}` | {_scope(operation)} | {_told(operation)} |\n"


def _scope(operation: dict[str, Any]) -> str:
    scopes = {scope for way in operation.get("security", ()) for held in way.values() for scope in held}
    return ", ".join(f"`{scope}`" for scope in sorted(scopes))


def _told(operation: dict[str, Any]) -> str:
    return str(operation.get("summary", "")).replace("|", "\\|")
