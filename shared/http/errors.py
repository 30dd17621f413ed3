"""A service's error codes as its OpenAPI document and its README tell them. Pure."""

from collections.abc import Iterable
from string import Formatter
from typing import Any

from shared.domain import ErrorCode

Responses = dict[int | str, dict[str, Any]]


def responses(*codes: ErrorCode) -> Responses:
    """OpenAPI: what a route may refuse with, by status: ``{404: {"description": "unknown_member"}}``."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(code.status, []).append(code.code)
    return {status: {"description": ", ".join(names)} for status, names in sorted(by_status.items())}


def table(codes: Iterable[ErrorCode]) -> str:
    """The README's table: code, status, sentence; what is filled in stands as `‹name›`."""
    rows = [
        f"| `{c.code}` | {c.status} | {_shown(c.sentence)} |" for c in sorted(codes, key=lambda c: c.code)
    ]
    return "\n".join(["| code | status | sentence |", "|---|---|---|", *rows])


def _shown(sentence: str) -> str:
    pieces = Formatter().parse(sentence)
    return "".join(text + (f"‹{name}›" if name is not None else "") for text, name, _, _ in pieces)
