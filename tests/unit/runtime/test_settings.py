"""Settings out of the environment, and the sentence when they are wrong."""

import json
import os
from pathlib import Path

import pytest

from shared.runtime.settings import Settings, load_settings

GOOD = {
    "RAPPORT_KAFKA": "kafka:9092",
    "RAPPORT_MONGO": "mongodb://db",
    "RAPPORT_SECRET_KEY": "0123456789abcdef",
}


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith("RAPPORT_"):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_the_environment_is_read(env: pytest.MonkeyPatch) -> None:
    digest = "AB" * 32
    env.setenv("RAPPORT_API_KEYS", json.dumps({"pos": {"key_sha256": digest, "scopes": ["events:write"]}}))
    env.setenv("RAPPORT_PROGRAM", "")
    env.setenv("RAPPORT_LOG_LEVEL", "debug")
    env.setenv("RAPPORT_RULES", "rules.yaml")
    env.setenv("RAPPORT_SOMETHING_ELSE", "ignored")
    settings = load_settings(Settings)
    assert settings.kafka == "kafka:9092"
    assert settings.program is None
    assert settings.rules == Path("rules.yaml")
    assert settings.log_level == "DEBUG"
    assert settings.api_keys["pos"].key_sha256 == (digest.lower(),)
    assert settings.api_keys["pos"].scopes == {"events:write"}
    assert "0123456789abcdef" not in repr(settings)


def test_a_line_break_at_the_end_of_a_secret_is_no_part_of_it(env: pytest.MonkeyPatch) -> None:
    env.setenv("RAPPORT_API_KEY", "opensesame\n")
    env.setenv("RAPPORT_KAFKA", "kafka:9092\r\n")
    settings = load_settings(Settings)
    assert settings.api_key is not None
    assert (settings.api_key.get_secret_value(), settings.kafka) == ("opensesame", "kafka:9092")


def test_what_is_missing_is_named(env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    env.delenv("RAPPORT_KAFKA")
    env.delenv("RAPPORT_SECRET_KEY")
    said = sentence(capsys)
    assert said.count("\n") == 1
    assert said.startswith("Set RAPPORT_KAFKA (")
    assert "RAPPORT_SECRET_KEY" in said
    assert "RAPPORT_MONGO" not in said


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("RAPPORT_BATCH_SIZE", "501", "RAPPORT_BATCH_SIZE: "),
        ("RAPPORT_CLOCK", "moon", "RAPPORT_CLOCK: "),
        ("RAPPORT_SECRET_KEY", "short-one", "RAPPORT_SECRET_KEY: "),
        ("RAPPORT_FOLLOWUP_URL", "links.example/xyzzy", "RAPPORT_FOLLOWUP_URL: must be a URL"),
        ("RAPPORT_METRICS_URL", "https://xyzzy:port", "RAPPORT_METRICS_URL: must be a URL"),
        ("RAPPORT_API_KEYS", "{broken", "RAPPORT_API_KEYS: is not JSON"),
        ("RAPPORT_API_KEYS", "[" * 50_000, "RAPPORT_API_KEYS: is not JSON: it is nested too deeply"),
        ("RAPPORT_API_KEYS", '{"pos": {"key_sha256": "xyzzy"}}', "RAPPORT_API_KEYS.pos.key_sha256: "),
        ("RAPPORT_JWT_PUBLIC_KEY", "xyzzy", "RAPPORT_JWT_PUBLIC_KEY: is not a PEM public key"),
    ],
)
def test_what_is_wrong_is_named_without_its_value(
    env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, named: str
) -> None:
    env.setenv(name, value)
    said = sentence(capsys)
    assert named in said
    assert "short-one" not in said
    assert "xyzzy" not in said
