"""Reads the rules and templates from files and puts the domain's policy together."""

import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from services.followup import tokens
from services.followup.domain.messages.templates import TemplateFault, Templates
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rules import Rules
from services.followup.settings import FollowupSettings

HERE = Path(__file__).parent
DEFAULT_RULES = HERE / "rules" / "retail.yaml"
TEMPLATES = HERE / "templates"


class RulesError(Exception):
    """The rules or templates cannot be used. The text says which file, which field and why."""


def load_rules(path: Path) -> Rules:
    """The rules of a YAML file. Raises ``RulesError`` with a line ``rules[1].delay: why`` a fault."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RulesError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RulesError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise RulesError(f"{path}: the file must hold fields such as name, templates and rules")
    try:
        return Rules.model_validate(content)
    except ValidationError as error:
        faults = [f"{field_path(e['loc'])}: {_reason(e)}" for e in error.errors()]
        raise RulesError(f"{path}: {'; '.join(faults)}") from None


def field_path(location: Iterable[int | str]) -> str:
    """``("rules", 1, "delay")`` -> ``rules[1].delay``."""
    text = ""
    for part in location:
        if part == "[key]":
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the file"


def _reason(error: Any) -> str:
    reason = str(error["msg"]).removeprefix("Value error, ")
    return "there is no such field" if error["type"] == "extra_forbidden" else reason


def load_templates(own: Path | None) -> Templates:
    """The templates that ship, and those of the folder ``own`` before them. Raises ``RulesError``."""
    sources: dict[str, str] = {}
    for folder in (TEMPLATES, own):
        if folder is None:
            continue
        if not folder.is_dir():
            raise RulesError(f"{folder}: there is no such folder of templates")
        for file in sorted(folder.iterdir()):
            if file.suffix in (".txt", ".html"):
                sources[file.name] = file.read_text(encoding="utf-8")
    return Templates(sources)


def load_policy(settings: FollowupSettings) -> Policy:
    """All that the domain is given. Raises ``RulesError``."""
    rules = load_rules(settings.rules or DEFAULT_RULES)
    templates = load_templates(settings.templates)
    try:
        templates.check(rules)
    except TemplateFault as fault:
        raise RulesError(str(fault)) from None
    key = settings.secret_key.get_secret_value().encode()
    link = partial(tokens.unsubscribe_link, settings.public_url, key)
    return Policy(rules, templates, link, event_time=settings.clock == "stream")


def policy_or_exit(settings: FollowupSettings) -> Policy:
    """``load_policy``, or the end of the process with 2 and a sentence on stderr."""
    try:
        return load_policy(settings)
    except RulesError as error:
        print(f"The outreach rules cannot be used. {error}.", file=sys.stderr)
        raise SystemExit(2) from None
