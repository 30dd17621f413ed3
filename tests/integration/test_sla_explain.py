"""``rapport sla explain`` on the running platform, as an agent's supervisor would ask."""

import json
import os
import subprocess
import sys

from tests.integration.test_complaints import opened
from tests.stack import Stack, new_customer


def explain(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    return subprocess.run(
        [sys.executable, "-m", "rapport", "sla", "explain", *arguments],
        env=kept | {"RAPPORT_HOME": str(stack.home.root), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_complaints_clocks_are_shown_as_its_page_has_them(stack: Stack) -> None:
    customer = new_customer()
    complaint = opened(stack, customer, ["acknowledge"])
    found = explain(stack, complaint)
    assert found.returncode == 0, found.stderr
    assert f"{complaint} of {customer}" in found.stdout
    detail = stack.get("interactions", f"/complaints/{complaint}")
    assert [clock["clock"] for clock in detail["clocks"]] == ["first_response", "update", "resolution"]
    for clock in detail["clocks"]:
        assert f"{clock['clock']} {clock['state']}" in found.stdout
        assert f"policy {clock['policy']}, version {clock['version']}" in found.stdout
    told = json.loads(explain(stack, complaint, "--customer", customer, "--json").stdout)
    for shown, clock in zip(told["clocks"], detail["clocks"], strict=True):
        assert (shown["clock"], shown["state"], shown["due_at"]) == (
            clock["clock"],
            clock["state"],
            clock["due_at"],
        )
        assert sum(row["counted_s"] for row in shown["rows"]) == shown["used_s"]


def test_a_complaint_that_nobody_made_is_said(stack: Stack) -> None:
    found = explain(stack, "nobodys")
    assert (found.returncode, found.stdout) == (1, "")
    assert "There is no complaint nobodys." in found.stderr
