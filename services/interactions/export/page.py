"""An export as a page that needs nothing but itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from services.interactions.export.readable import MOST, Readable, shown_time
from shared.http.held import json_text
from shared.pages.drawing import environment, headers

FOLDER = Path(__file__).parent


def page(
    person: Mapping[str, Any],
    ids: Sequence[str],
    readable: Readable,
    counts: Mapping[str, Mapping[str, int]],
    made_at: datetime,
) -> str:
    """``person``: as interactions shows them (``CustomerView`` in JSON)."""
    return (
        environment(FOLDER)
        .get_template("page.html")
        .render(
            person=person,
            profile=[(_name(name), _said(value)) for name, value in sorted(person["profile"].items())],
            ids=ids,
            parts=list(readable.parts.values()),
            consents=list(reversed(readable.consents))[:MOST],
            words=len(readable.consents),
            counts=counts,
            made=shown_time(made_at),
            time=shown_time,
            most=MOST,
        )
    )


def page_headers() -> Mapping[str, str]:
    """What the page goes out with."""
    files = environment(FOLDER)
    style = "".join(files.get_template(name).render() for name in ("style.css", "page.css"))
    return headers(style)


def _name(field: str) -> str:
    return field.replace("_", " ").capitalize()


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_said(inner)}" for name, inner in value.items()) or "none"
    return value if isinstance(value, str) else json_text(value)
