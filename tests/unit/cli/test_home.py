"""The home folder: variables out and in, secrets kept, processes told apart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rapport import home as homes
from rapport.home import Home, format_env, parse_env, read_env
from rapport.processes import alive, identity
from rapport.status import Failure, PartStatus, Status, parse, supervisor
from rapport.trouble import TroubleError


def test_env_survives_the_file_and_the_shell(tmp_path: Path) -> None:
    values = {
        "RAPPORT_MONGO": "mongodb://127.0.0.1:1/?directConnection=true&x=1",
        "RAPPORT_PROGRAM": "/a folder/it's $HOME.yaml",
        "RAPPORT_CLOCK": "wall",
    }
    home = Home(tmp_path)
    home.env_file.write_text(format_env(values))
    assert read_env(home) == values
    shown = subprocess.run(
        ["sh", "-c", f"set -a; . '{home.env_file}'; set +a; env"], capture_output=True, text=True, env={}
    ).stdout
    assert {line for line in shown.splitlines() if line.startswith("RAPPORT_")} == {
        f"{name}={value}" for name, value in values.items()
    }


def test_env_with_comments_and_exports_is_read() -> None:
    assert parse_env("# a comment\nexport A='1 2' # more\n\nB=\nnot a variable\n") == {"A": "1 2", "B": ""}


def test_no_env_file_is_no_variables(tmp_path: Path) -> None:
    assert read_env(Home(tmp_path / "nowhere")) == {}


def test_secrets_are_random_and_kept_and_private(tmp_path: Path) -> None:
    first, other = Home(tmp_path / "a"), Home(tmp_path / "b")
    for home in (first, other):
        home.create()
    made = first.keep_secrets({})
    assert first.keep_secrets({}) == made
    assert len(set(made.values()) | set(other.keep_secrets({}).values())) == 4
    assert first.secrets_file.stat().st_mode & 0o077 == 0
    given = first.keep_secrets({"RAPPORT_API_KEY": "of-my-own"})
    assert given == {**made, "RAPPORT_API_KEY": "of-my-own"}


def test_the_home_is_found_by_variable_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.find({}).root == tmp_path / ".rapport"
    assert Home.find({"RAPPORT_HOME": "x"}).root == tmp_path / "x"


def test_a_nearly_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homes, "MINIMUM_FREE_BYTES", 2**62)
    with pytest.raises(TroubleError, match="free some space"):
        Home(tmp_path).create()


def test_a_process_is_alive_until_it_ends_even_before_it_is_reaped() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = identity(process.pid)
    assert alive(known)
    process.kill()
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT) is None:
        pass
    assert not alive(known)  # a zombie
    process.communicate()
    assert not alive(known)


def test_a_reused_pid_is_not_our_supervisor(tmp_path: Path) -> None:
    home = Home(tmp_path)
    mine = identity(os.getpid())
    home.pid_file.write_text(f'{{"pid": {mine["pid"]}, "birth": "{mine["birth"]}"}}')
    assert supervisor(home) == mine
    home.pid_file.write_text(f'{{"pid": {mine["pid"]}, "birth": "another-boot/1"}}')
    assert supervisor(home) is None
    home.pid_file.write_text("half a fi")
    assert supervisor(home) is None


def test_a_status_is_read_as_written() -> None:
    status = Status(
        "failed",
        (PartStatus("kafka", 7, "failed", 2, 9092, "boot/1", "why"), PartStatus("mongo")),
        Failure("kafka", "why", ("a", "b")),
    )
    assert parse(status.as_dict()) == status
