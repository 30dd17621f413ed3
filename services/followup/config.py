"""Reads the rules and templates from files and puts the domain's policy together."""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from pydantic_core import PydanticCustomError

from services.followup import tokens
from services.followup.domain.journeys.versions import check_versions
from services.followup.domain.messages.channel import Writing
from services.followup.domain.messages.check import asking_for, check
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.messages.templates import Templates
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import DEFAULT_CHANNEL, TASK
from services.followup.domain.rules.rules import Rules
from services.followup.domain.tasks import TASKS
from services.followup.settings import FollowupSettings
from shared.http.key_ring import KeyRing
from shared.runtime.config import ConfigError, documents, read_config, validated
from shared.schemas.faults import told_fault
from shared.templates.catalogue import Catalogue, CatalogueFaultError, parsed

HERE = Path(__file__).parent
DEFAULT_RULES = HERE / "rules" / "retail.yaml"
TEMPLATES = HERE / "templates"


def load_rules(file: Path, channels: Collection[str] = (DEFAULT_CHANNEL,)) -> Rules:
    """The newest version of a rules file (``load_versions``)."""
    return load_versions(file, channels)[-1]


def load_versions(file: Path, channels: Collection[str] = (DEFAULT_CHANNEL,)) -> tuple[Rules, ...]:
    """The rules of a YAML file, one document a version, the oldest first, which send by ``channels`` alone.
    Raises ``ConfigError`` with ``rules[1].delay: why`` for each fault, after ``versions[1]: `` where there
    are several."""
    return read_config("outreach rules file", file, partial(parse_versions, channels=channels))


def parse_versions(text: str, channels: Collection[str] = (DEFAULT_CHANNEL,)) -> tuple[Rules, ...]:
    """The rules in this YAML, as ``load_versions``."""
    found = documents(text)
    versions = [
        _rules(channels, document, f"versions[{number}]: " if len(found) > 1 else "")
        for number, document in enumerate(found)
    ]
    try:
        check_versions(versions)
    except PydanticCustomError as error:
        at, message = told_fault(error)
        raise ConfigError(f"versions{at}: {message}") from None
    return tuple(versions)


def _rules(channels: Collection[str], document: object, prefix: str) -> Rules:
    rules = validated(Rules, document, prefix)
    for channel in rules.rate_limits:
        if channel not in channels:
            there = ", ".join(sorted(channels))
            raise ConfigError(f"{prefix}rate_limits.{channel}: nothing is sent by {channel}, only by {there}")
    for place, rule in enumerate(rules.rules):
        for number, channel in enumerate(rule.ways):
            if channel in channels or channel in TASKS:
                continue
            field = f"channels[{number}]" if rule.channels else "channel"
            there = ", ".join(sorted({*channels, TASK}))
            where = f"{prefix}rules[{place}].{field}"
            raise ConfigError(f"{where}: nothing is sent by {channel}, only by {there}")
    return rules


def load_templates(own: Path | None) -> Templates:
    """The templates that ship, and those of the folder ``own`` before them; likewise the catalogues in their
    folders ``locales``, string by string. Raises ``ConfigError``."""
    sources: dict[str, str] = {}
    catalogues: dict[str, Catalogue] = {}
    try:
        for folder in (TEMPLATES, own):
            if folder is not None:
                sources.update(_sources(folder))
                for tag, text in _catalogues(folder).items():
                    catalogues[tag] = parsed(text, tag).over(catalogues.get(tag))
        return Templates(sources, catalogues)
    except (CatalogueFaultError, TemplateFaultError) as fault:
        raise ConfigError(f"The templates cannot be used: {fault}.") from None


def _sources(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise ConfigError(f"There is no folder of templates {folder}.")
    files = [file for file in sorted(folder.iterdir()) if file.suffix in (".txt", ".html")]
    return {file.name: read_config("template", file, str) for file in files}


def _catalogues(folder: Path) -> dict[str, str]:
    files = sorted((folder / "locales").glob("*.po"))
    return {file.stem: read_config("catalogue", file, str) for file in files}


def load_policy(settings: FollowupSettings, channels: Sequence[Writing]) -> Policy:
    """All that the domain is given. Raises ``ConfigError``."""
    by_name: dict[str, Writing] = {channel.name: channel for channel in channels}
    if by_task := by_name.keys() & TASKS.keys():
        raise ConfigError(
            f"What goes by {min(by_task)} is done by people, by tasks: name that channel otherwise."
        )
    versions = load_versions(settings.rules or DEFAULT_RULES, by_name)
    by_name |= TASKS
    templates = load_templates(settings.templates)
    try:
        for rules in versions:
            check(templates, rules, by_name)
    except TemplateFaultError as fault:
        raise ConfigError(f"The outreach rules cannot be used: {fault}.") from None
    if not settings.points_url:
        for rules in versions:
            file = asking_for("points_link", templates, rules, by_name)
            if file is not None:  # its link would lead nowhere
                raise ConfigError(
                    f"{file} asks for points_link(): set RAPPORT_LOYALTY_URL, where members reach it."
                )
    links = tokens.links(settings.public_url, KeyRing(settings.key_ring), settings.points_url)
    several = versions if len(versions) > 1 else ()
    event_time = settings.clock == "stream"
    return Policy(
        versions[-1],
        templates,
        by_name,
        links,
        event_time=event_time,
        versions=several,
        erased_by=settings.erased_by,
    )
