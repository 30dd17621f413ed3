"""A certificate of an erasure: it verifies as it is, and nothing of it can be changed."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from rapport.commands.customer import app
from rapport.trouble import TroubleError
from shared.facts.certificate import certificate, chained, checks, public_key, signing_seed, timestamp
from shared.schemas.services import SERVICES

SEED = signing_seed(b"a key of the tests")
KEY = public_key(SEED)
AT = timestamp(datetime(2026, 11, 27, tzinfo=UTC))


def entries(*services: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"what": "begun", "at": AT}]
    told += [{"what": "completed", "at": AT, "service": one, "removed": {"state": 1}} for one in services]
    found: list[dict[str, Any]] = []
    for entry in told:
        found.append(chained("e" * 32, found, entry))
    return found


WHOLE = certificate("e" * 32, entries(*SERVICES), SEED)


def faults(told: Any, key: str | None = KEY) -> list[str]:
    return [check.name for check in checks(told, key) if check.fault is not None]


def test_it_verifies_once_all_services_are_done() -> None:
    assert faults(WHOLE) == faults(WHOLE, None) == []
    assert faults(certificate("e" * 32, entries(*SERVICES[:3]), SEED)) == ["complete"]
    assert faults(WHOLE, public_key(signing_seed(b"another key"))) == ["key", "signature"]


def test_a_forged_one_holds_only_for_its_own_key() -> None:
    forged = certificate("f" * 32, entries(*SERVICES), signing_seed(b"a forger's key"))
    assert "signature" in faults(forged)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [place for name, one in value.items() for place in places(one, (*here, name))]
    if isinstance(value, list):
        return [place for n, one in enumerate(value) for place in places(one, (*here, n))]
    return [here]


@given(st.sampled_from(places(WHOLE)), st.sampled_from([None, 7, "x", True, "completed"]))
def test_nothing_of_it_can_be_changed(place: tuple[Any, ...], new: Any) -> None:
    changed = copy.deepcopy(WHOLE)
    inner: Any = changed
    for step in place[:-1]:
        inner = inner[step]
    if inner[place[-1]] == new and type(inner[place[-1]]) is type(new):
        return
    inner[place[-1]] = new
    assert faults(changed)


@pytest.mark.parametrize("told", [None, [], {}, {"format": "rapport.erasure.v1"}, 7, "x"])
def test_what_is_no_certificate_is_none(told: Any) -> None:
    assert faults(told) == ["format"]


def test_the_command_says_yes_and_no(tmp_path: Path) -> None:
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(WHOLE))
    run = CliRunner().invoke
    assert run(app, ["verify-erasure", str(file), "--key", KEY]).exit_code == 0
    file.write_text(json.dumps(WHOLE | {"complete": False}))
    assert run(app, ["verify-erasure", str(file), "--key", KEY]).exit_code == 1
    file.write_text("[" * 100_000)
    with pytest.raises(TroubleError, match="is not JSON"):
        run(app, ["verify-erasure", str(file)], catch_exceptions=False)
