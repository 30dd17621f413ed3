"""YAML files that people write: what is wrong is a sentence with the file and the path of the field."""

from pathlib import Path

import pytest
from pydantic import Field

from shared.runtime.config import ConfigError, documents, or_exit, read_config, validated
from shared.schemas.base import Strict


class Clock(Strict):
    """A part of the file."""

    minutes: int = Field(ge=1)


class Policy(Strict):
    """The file."""

    name: str
    clocks: tuple[Clock, ...] = ()


def parse(text: str) -> Policy:
    return validated(Policy, documents(text)[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clocks: []", "name: is missing"),
        ("name: a\nclocks: [{minutes: 0}]", "clocks[0].minutes: must be greater than or equal to 1"),
        ("name: a\nextra: 1", "extra: is not a known field"),
        ("name: a\nname: b", "line 2, column 1: name is given twice"),
        ("[1, 2]", "it must be a mapping of names to values"),
        ("", "it must be a mapping of names to values"),
        ("name: {", "line 1, column 8: "),
        pytest.param("[" * 5_000, "it is nested too deeply", id="deep"),
        ("name: 2026-02-30", "name: must be a valid string"),
        ("clocks: [{minutes: x}]", "name: is missing; clocks[0].minutes: must be a valid integer"),
    ],
)
def test_a_fault_is_a_sentence_with_file_and_path(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_config("policy", file, parse)
    assert str(caught.value).startswith(f"The policy {file} is not valid: {said}")
    assert str(caught.value).endswith(".")


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: No such file or directory\.$"):
        read_config("policy", tmp_path / "none.yaml", parse)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text\.$"):
        read_config("policy", tmp_path / "bytes.yaml", parse)


def test_a_process_ends_with_the_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        or_exit(lambda: read_config("policy", tmp_path / "none.yaml", parse))
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("The policy ")
