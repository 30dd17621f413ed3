"""Writes the reference pages that are made from code: ``python -m tools.reference [--check]``.

They stand in docs/reference: settings, metrics, error codes, and a page for each kind of YAML file. With
``--check`` nothing is written: it names the pages that are stale and exits 1.
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
from shared.http.errors import table
from shared.runtime.settings import PREFIX, Settings
from shared.schemas.services import SERVICES
from tools.fields import meanings, within, worded
from tools.http_page import http_page
from tools.made import keep

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
    """Every error code of every service."""
    parts = [
        MADE,
        "# Error codes\n",
        "A refusal is `application/problem+json` with one of these as `code`.\n",
    ]
    for service in SERVICES:
        codes = import_module(f"services.{service}.errors").CODES
        parts += [f"## {service.capitalize()}\n", table(codes) + "\n"]
    return "\n".join(parts)


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
    if len(values) > 1:
        return ", ".join(f"`{one}`" for one in values)
    return f"`{value}`"


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
    for name, file in FILES.items():
        yield name, file_page(*file)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    return keep(FOLDER, pages(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
