"""docs/operating.md names every variable and every metric there is, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from rapport.embedded import ports
from rapport.embedded.stack import PARTS
from services.followup import telemetry as followup_telemetry
from services.followup.channels.registry import KINDS
from services.followup.settings import FollowupSettings
from services.interactions import telemetry as interactions_telemetry
from services.interactions.mail import telemetry as mail_telemetry
from services.interactions.mail.settings import MailSettings
from services.loyalty import telemetry as loyalty_telemetry
from services.loyalty.settings import LoyaltySettings
from services.metrics import telemetry as gauges
from services.metrics.settings import MetricsSettings
from shared.http import hooks
from shared.runtime import telemetry
from shared.runtime.settings import PREFIX, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
SETTINGS = (Settings, FollowupSettings, *KINDS, MailSettings, LoyaltySettings, MetricsSettings)
DECLARE_METRICS = (
    telemetry,
    hooks,
    followup_telemetry,
    interactions_telemetry,
    mail_telemetry,
    loyalty_telemetry,
    gauges,
)
OF_THE_COMMAND_LINE = {
    ports.BIND_VARIABLE,
    ports.HOST_VARIABLE,
    "RAPPORT_HOME",
    "RAPPORT_MONGO_SERVER",
    "RAPPORT_MAVEN_URL",
    "RAPPORT_FAULT",
}


def variables() -> set[str]:
    return {PREFIX + name.upper() for settings in SETTINGS for name in settings.model_fields}


def metrics() -> Iterator[str]:
    assert DECLARE_METRICS  # importing them is what fills the registry
    for family in REGISTRY.collect():
        if family.name.startswith("rapport_"):
            yield family.name + ("_total" if family.type == "counter" else "")


@pytest.mark.parametrize("name", sorted(variables()))
def test_a_variable_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", sorted(metrics()))
def test_a_metric_is_on_the_page(name: str) -> None:
    assert re.search(rf"`{name}[`{{]", PAGE)


def test_the_page_names_no_other_variable() -> None:
    named = set(re.findall(r"`(RAPPORT_[A-Z_]+)`", PAGE))
    assert named - variables() - OF_THE_COMMAND_LINE <= {ports.variable(part) for part in PARTS}


def test_the_page_names_no_other_metric() -> None:
    assert set(re.findall(r"`(rapport_[a-z_]+)[`{]", PAGE)) <= set(metrics())
