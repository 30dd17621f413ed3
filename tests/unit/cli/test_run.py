"""`rapport run SERVICE worker|api`: the process of a service, in this command's place."""

import os
import sys
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from rapport.__main__ import app
from shared.schemas.services import SERVICES


def test_it_becomes_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, words: became.append([program, *words]))
    for service in SERVICES:
        for kind in ("worker", "api"):
            monkeypatch.setattr(sys, "argv", ["rapport", "run", service, kind])
            done = CliRunner().invoke(app, ["run", service, kind])
            assert done.exit_code == 0, done.output
            module = f"services.{service}.{kind}"
            assert became.pop() == [sys.executable, sys.executable, "-m", module]
            assert find_spec(module) is not None


@pytest.mark.parametrize("words", [["loyalties", "worker"], ["loyalty", "both"], ["loyalty"], []])
def test_an_unknown_process_is_a_sentence_that_names_those_there_are(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["rapport", "run", *words])
    monkeypatch.setattr(os, "execv", lambda *words: pytest.fail("it ran something"))
    done = CliRunner().invoke(app, ["run", *words])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    if len(words) == 2:
        wanted = "worker" if words[0] == "loyalty" else "interactions"
        assert wanted in done.output
