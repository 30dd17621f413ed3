"""Reads the rules and templates from files and puts the domain's policy together."""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from services.followup import tokens
from services.followup.domain.messages.channel import Writing
from services.followup.domain.messages.templates import TemplateFaultError, Templates
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import DEFAULT_CHANNEL
from services.followup.domain.rules.rules import Rules
from services.followup.settings import FollowupSettings
from shared.runtime.config import ConfigError, documents, read_config, validated

HERE = Path(__file__).parent
DEFAULT_RULES = HERE / "rules" / "retail.yaml"
TEMPLATES = HERE / "templates"


def load_rules(file: Path, channels: Collection[str] = (DEFAULT_CHANNEL,)) -> Rules:
    """The rules of a YAML file, which send by ``channels`` alone. Raises ``ConfigError`` with
    ``rules[1].delay: why`` for each fault."""
    return read_config("outreach rules file", file, partial(_rules, channels))


def _rules(channels: Collection[str], text: str) -> Rules:
    found = documents(text)
    if len(found) > 1:
        raise ConfigError("it must be one YAML document")
    rules = validated(Rules, found[0])
    for place, rule in enumerate(rules.rules):
        for number, channel in enumerate(rule.ways):
            if channel not in channels:
                field = f"channels[{number}]" if rule.channels else "channel"
                there = ", ".join(sorted(channels))
                raise ConfigError(f"rules[{place}].{field}: nothing is sent by {channel}, only by {there}")
    return rules


def load_templates(own: Path | None) -> Templates:
    """The templates that ship, and those of the folder ``own`` before them. Raises ``ConfigError``."""
    sources: dict[str, str] = {}
    for folder in (TEMPLATES, own):
        if folder is None:
            continue
        if not folder.is_dir():
            raise ConfigError(f"There is no folder of templates {folder}.")
        for file in sorted(folder.iterdir()):
            if file.suffix in (".txt", ".html"):
                sources[file.name] = read_config("template", file, str)
    return Templates(sources)


def load_policy(settings: FollowupSettings, channels: Sequence[Writing]) -> Policy:
    """All that the domain is given. Raises ``ConfigError``."""
    by_name = {channel.name: channel for channel in channels}
    rules = load_rules(settings.rules or DEFAULT_RULES, by_name)
    templates = load_templates(settings.templates)
    try:
        templates.check(rules, by_name)
    except TemplateFaultError as fault:
        raise ConfigError(f"The outreach rules cannot be used: {fault}.") from None
    key = settings.secret_key.get_secret_value().encode()
    link = partial(tokens.unsubscribe_link, settings.public_url, key)
    return Policy(rules, templates, by_name, link, event_time=settings.clock == "stream")
