"""A time zone is one of the IANA database, the same on every machine: in profiles and in every file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.followup.config import parse_versions
from services.interactions.config import parse as parse_sla
from services.interactions.config import parse_desk
from shared.mapping.form import MappingForm
from shared.runtime.config import ConfigError, documents, validated
from shared.schemas.customers import CustomerRegistered
from shared.schemas.zones import zone_names, zone_of

ROOT = Path(__file__).parents[3]
NO_ZONES = [
    "localtime",
    "posixrules",
    "Factory",
    "local",
    "europe/berlin",
    "EUROPE/BERLIN",
    "posix/Europe/Berlin",
    "right/UTC",
    "/etc/localtime",
    "../zoneinfo/UTC",
    "Europe/../UTC",
    "Europe",
    "",
    " UTC",
    "UTC\n",
    "+02:00",
    "Europe/São_Paulo",
]


def _shipped(file: str, old: str) -> Callable[[str], str]:
    text = (ROOT / file).read_text()
    assert old in text
    return lambda zone: text.replace(old, f"timezone: {json.dumps(zone)}", 1)


def _mapping(text: str) -> Any:
    return validated(MappingForm, documents(text)[0])


FILES = [
    ("timezone", parse_versions, _shipped("services/followup/rules/retail.yaml", "timezone: UTC")),
    (
        "calendars.office.timezone",
        parse_sla,
        _shipped("services/interactions/policies/retail.yaml", "timezone: Europe/Berlin"),
    ),
    (
        "staffing.timezone",
        parse_desk,
        _shipped("services/interactions/policies/desk.yaml", "timezone: UTC"),
    ),
    ("timezone", _mapping, lambda zone: f"timezone: {json.dumps(zone)}"),
]


@pytest.mark.parametrize("zone", NO_ZONES)
@pytest.mark.parametrize(("field", "parse", "text"), FILES, ids=["rules", "sla", "desk", "mapping"])
def test_a_file_with_another_is_refused_by_its_path(
    field: str, parse: Callable[[str], Any], text: Callable[[str], str], zone: str
) -> None:
    with pytest.raises(ConfigError) as found:
        parse(text(zone))
    (said,) = [one for one in str(found.value).split("; ") if "time zone" in one]
    assert f"{field}: " in said
    assert "IANA database" in said


@pytest.mark.parametrize("zone", NO_ZONES)
def test_so_is_a_profile(zone: str) -> None:
    with pytest.raises(ValidationError) as found:
        CustomerRegistered.model_validate({"name": "Ada", "timezone": zone})
    (error,) = found.value.errors()
    assert (error["loc"], error["type"]) == (("timezone",), "timezone")
    assert zone_of(zone) is None


def test_what_is_wrong_is_told() -> None:
    def said(zone: str) -> str:
        with pytest.raises(ValidationError) as found:
            CustomerRegistered.model_validate({"name": "Ada", "timezone": zone})
        return found.value.errors()[0]["msg"]

    assert said("localtime").startswith("another time zone on each machine")
    assert "as it is spelt there" in said("europe/berlin")
    assert said("Mars/Olympus") == "not a time zone of the IANA database"


def test_all_others_are_taken() -> None:
    assert len(zone_names()) > 400
    for zone in zone_names():
        assert CustomerRegistered.model_validate({"name": "Ada", "timezone": zone}).timezone == zone
        assert str(zone_of(zone)) == zone
