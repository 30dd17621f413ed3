"""Writes the reference pages that are made from code: ``python -m tools.reference [--check]``.

They stand in docs/reference: settings, metrics, error codes, the log, and a page for each kind of YAML
file. With ``--check`` nothing is written: it names the pages that are stale and exits 1.
"""

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from starlette.exceptions import HTTPException

from services.followup.channels.registry import KINDS
from services.followup.domain.rules.rules import Rules
from services.followup.settings import FollowupSettings
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.sla.policy import Sla
from services.interactions.mail import telemetry as mail_telemetry
from services.interactions.mail.settings import MailSettings
from services.loyalty.domain.program.program import Program
from services.loyalty.settings import LoyaltySettings
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.settings import MetricsSettings
from shared.domain import ErrorCode
from shared.http.errors import table
from shared.http.problems import BodyTooSlowError, from_http
from shared.runtime.settings import PREFIX, Settings
from shared.schemas.services import SERVICES
from tools.fields import meanings, within, worded
from tools.http_page import http_page
from tools.log_page import log_page
from tools.made import keep
from tools.said import raised

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "<!-- Made by `python -m tools.reference`; do not change it by hand. -->\n"
OF_ALL = "All services"
SETTINGS: dict[str, Sequence[type[BaseModel]]] = {
    OF_ALL: (Settings,),
    "Interactions": (MailSettings,),
    "Loyalty": (LoyaltySettings,),
    "Followup": (FollowupSettings, *KINDS),
    "Metrics": (MetricsSettings,),
}
FILES: dict[str, tuple[str, type[BaseModel], str]] = {
    "program.md": ("The loyalty program", Program, "loyalty/programs/retail.yaml"),
    "rules.md": ("Outreach rules", Rules, "followup/rules/retail.yaml"),
    "sla.md": ("The SLA policy", Sla, "interactions/policies/retail.yaml"),
    "desk.md": ("The desk", Desk, "interactions/policies/desk.yaml"),
    "metrics-policy.md": ("What metrics counts", MetricsPolicy, "metrics/policies/retail.yaml"),
}
"""Page, title, model, and the file that ships."""


SENTENCES = {
    "unauthenticated": "No key or token, or one that is not known, not valid or has expired: see detail.",
    "not_found": "There is nothing at this address, or nothing of the caller's.",
    "idempotency_mismatch": "This Idempotency-Key was used for something else; use another.",
    "invalid_cursor": "The cursor is not one of this list; begin without.",
    "not_ready": "A part that is needed is away; `errors` names it.",
    "method_not_allowed": "The path has other methods: Allow names them.",
    "request_timeout": "The body did not come in time; the connection is closed.",
    "export_failed": "The export could not be made; the detail says why. Ask again.",
    "why_unavailable": "The events behind a figure cannot be read now. Ask again.",
}
"""Of codes whose sentence is put together as they are raised."""


def settings_page() -> str:
    """Every variable with its type, default and meaning."""
    parts = [
        MADE,
        "# Settings\n",
        "A bad value ends the process with exit code 2 and a sentence that names the variable.\n",
    ]
    for heading, models in SETTINGS.items():
        rows = [row for model in models for row in _variables(model, inherited=heading == OF_ALL)]
        if rows:
            parts.append(f"## {heading}\n")
            parts.append(_table(("variable", "type", "default", "meaning"), rows))
    return "\n".join(parts)


def _variables(model: type[BaseModel], *, inherited: bool) -> Iterator[tuple[str, ...]]:
    told = _told(model)
    for name in model.model_fields:
        if inherited or name not in Settings.model_fields:
            kind, default, meaning = told[name]
            yield f"`{PREFIX}{name.upper()}`", kind, default, meaning


def metrics_page() -> str:
    """Every metric with its kind, labels and meaning."""
    for service in SERVICES:
        import_module(f"services.{service}.telemetry")
    assert mail_telemetry.MAILS  # to import it is to declare them
    families = sorted(REGISTRY.collect(), key=lambda family: family.name)
    rows = [
        (f"`{family.name}{'_total' if family.type == 'counter' else ''}`", family.type, family.documentation)
        for family in families
        if family.name.startswith("rapport_")
    ]
    return "\n".join([MADE, "# Metrics\n", _table(("metric", "kind", "meaning"), rows)])


def codes_page() -> str:
    """Every error code: those that each API has, then those of each service."""
    shared = shared_codes()
    parts = [
        MADE,
        "# Error codes\n",
        "A refusal is `application/problem+json` with one of these as `code`.\n",
        "## Every API\n",
        table(shared) + "\n",
    ]
    everywhere = {code.code for code in shared}
    for service in SERVICES:
        codes = {code.code: code for code in import_module(f"services.{service}.errors").CODES}
        own = [code for code in _raised(f"services/{service}") if code.code not in everywhere | codes.keys()]
        parts += [f"## {service.capitalize()}\n", table([*codes.values(), *own]) + "\n"]
    return "\n".join(parts)


def shared_codes() -> list[ErrorCode]:
    """What any API may refuse with, whichever the route."""
    framework = [from_http(error) for error in (HTTPException(405), BodyTooSlowError())]
    codes = [*_raised("shared"), *(ErrorCode(one.code, one.status, SENTENCES[one.code]) for one in framework)]
    return sorted(codes, key=lambda one: one.code)


def _raised(folder: str) -> list[ErrorCode]:
    return [
        ErrorCode(one.code, one.status, SENTENCES.get(one.code) or one.sentence) for one in raised(folder)
    ]


def file_page(title: str, model: type[BaseModel], shipped: str) -> str:
    """What a YAML file may say: a table a model."""
    link = f"[services/{shipped}](../../services/{shipped})"
    parts = [MADE, f"# {title}\n", f"What the file may say, level by level; {link} ships.\n"]
    for part in within(model):
        parts.append(f"## {part.__name__}\n")
        if part.__doc__:
            parts.append(_plain(part.__doc__) + "\n")
        # What is no model is written as a text, which its docstring tells.
        if issubclass(part, BaseModel):
            rows = [(f"`{name}`", *told) for name, told in _told(part).items()]
            parts.append(_table(("field", "type", "default", "meaning"), rows))
    return "\n".join(parts)


def _told(model: type[BaseModel]) -> dict[str, tuple[str, str, str]]:
    """Field to type, default and meaning."""
    schema: dict[str, Any] = model.model_json_schema()
    own = schema["$defs"][model.__name__] if "$ref" in schema else schema
    said = meanings(model)
    return {
        (field.alias or name): (
            worded(own["properties"].get(field.alias or name, {}), schema.get("$defs", {})),
            _default(field),
            _plain(said.get(name, "")),
        )
        for name, field in model.model_fields.items()
    }


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is PydanticUndefined or value in (None, "", (), {}, frozenset()):
        return "none"
    several = sorted(value) if isinstance(value, frozenset) else value
    values = several if isinstance(several, Sequence) and not isinstance(several, str) else (several,)
    if any(isinstance(one, BaseModel) for one in values):
        return "see there"
    return ", ".join(f"`{one}`" for one in values)


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def pages() -> Iterator[tuple[str, str]]:
    """File name and text of each page."""
    yield "settings.md", settings_page()
    yield "metrics.md", metrics_page()
    yield "codes.md", codes_page()
    yield "http.md", http_page(MADE)
    yield "log.md", log_page(MADE)
    for name, file in FILES.items():
        yield name, file_page(*file)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    return keep(FOLDER, pages(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
