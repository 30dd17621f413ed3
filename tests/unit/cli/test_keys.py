"""``rapport keys make``: a key that the setting it prints lets in, and no more than it was made for."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from rapport.commands.keys import app, when
from rapport.trouble import TroubleError
from shared.http.auth import Authenticator
from shared.http.keys import hash_of
from shared.http.problems import ProblemError
from shared.runtime.settings import Settings

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def make(*words: str) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["make", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    key, setting = done.output.splitlines()
    return key, setting


def door(setting: str, at: datetime = NOW) -> Authenticator:
    known: dict[str, Any] = {"kafka": "nowhere:1", "mongo": "mongodb://nowhere", "secret_key": "0" * 16}
    return Authenticator(Settings(**known, api_keys=setting), clock=lambda: at)


def test_what_is_printed_works() -> None:
    words = ["--scopes", "events:write,customers:read", "--source", "/pos/17", "--source", "/pos/17/*"]
    key, setting = make("till", *words, "--type", "purchase.*", "--expires", "2099-01-01")
    principal = door(setting).api_key(key)
    assert principal.name == "till"
    assert principal.scopes == {"events:write", "customers:read"}
    assert principal.sources == ("/pos/17", "/pos/17/*")
    assert principal.types == ("rapport.purchase.*",)
    assert key not in setting
    with pytest.raises(ProblemError, match="expired"):
        door(setting, datetime(2099, 1, 1, tzinfo=UTC)).api_key(key)


def test_two_are_never_the_same_and_one_replaces_another() -> None:
    old, _ = make("till", "--scopes", "events:write")
    new, setting = make("till", "--scopes", "events:write", "--keep", hash_of(old))
    assert old != new
    assert len(json.loads(setting)["till"]["key_sha256"]) == 2
    assert door(setting).api_key(old) == door(setting).api_key(new)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a till", "--scopes", "events:write"], "no name"),
        (["till", "--scopes", "events:read"], "there is no scope events:read"),
        (["till", "--scopes", "events:write", "--expires", "soon"], "is no time"),
        (["till", "--scopes", "events:write", "--expires", "2020-01-01"], "is past"),
        (["till", "--scopes", "events:write", "--keep", "abc"], "key_sha256"),
        (["till", "--scopes", "events:write", "--source", "ä"], "sources"),
    ],
)
def test_what_cannot_be_is_a_sentence(words: list[str], said: str) -> None:
    with pytest.raises(TroubleError, match=said):
        CliRunner().invoke(app, ["make", *words], catch_exceptions=False)


def test_days_from_now() -> None:
    assert when("90d", NOW) == NOW + timedelta(days=90)
