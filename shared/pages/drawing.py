"""Numbers as their drawings need them, the environment of pages, and the headers that they go out with."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PARTS = Path(__file__).parent / "parts"


@dataclass(frozen=True, slots=True)
class Value:
    """A number, in text, and its share of the most that is drawn, in per cent."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two values side by side."""

    label: str
    first: Value
    second: Value


def pairs(rows: Sequence[tuple[str, int, int]]) -> list[Pair]:
    """All on one scale, from 0 to the highest."""
    most = max((value for _, *values in rows for value in values), default=0) or 1
    return [Pair(label, *(value_of(one, most) for one in values)) for label, *values in rows]


def value_of(number: int, most: int) -> Value:
    return Value(f"{number:,}", round(100 * number / most, 2) if most else 0)


@lru_cache(maxsize=8)
def environment(*folders: Path) -> Environment:
    """Templates of these folders, then the parts here. Values are escaped."""
    return Environment(
        loader=FileSystemLoader([*folders, PARTS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def headers(style: str, script: str | None = None, *, forms: bool = False) -> Mapping[str, str]:
    """Of a page with this one style, and this one script if any, both in the page; ``forms``: with forms that
    ask for pages of its own. Nothing comes from elsewhere, it is in no frame and kept nowhere."""
    allowed = [f"default-src 'none'; style-src '{_digest(style)}'"]
    if script is not None:
        allowed.append(f"script-src '{_digest(script)}'; connect-src 'self'")
    forms_go = "'self'" if forms else "'none'"
    allowed.append(f"frame-ancestors 'none'; base-uri 'none'; form-action {forms_go}")
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(allowed),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
