"""What the chart's schema lets through of values, and what not."""

import pytest
from jsonschema import Draft202012Validator

from deploy.helm.schema import values_schema

RULES = Draft202012Validator(values_schema()["properties"]["monitoring"]["properties"]["rules"])


def test_values_that_are_kept_from_the_version_before_have_no_address_of_documents() -> None:
    assert RULES.is_valid({"enabled": True, "labels": {}})
    assert not RULES.is_valid({"labels": {}})


@pytest.mark.parametrize("end", ["\\", "\\x", '"', "{{", "/"])
def test_an_address_of_documents_stays_within_its_quotes(end: str) -> None:
    docs = "https://docs.example.com/rapport"
    assert RULES.is_valid({"enabled": True, "labels": {}, "docs": docs})
    assert not RULES.is_valid({"enabled": True, "labels": {}, "docs": docs + end})
