"""The image as platform teams run it: what is in it, that each process runs on a read-only root as a foreign
uid, that an event gets through, and that all of it stops when it is told to."""

import json
import re
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from rapport import broker
from tests import containers
from tests.image.conftest import MARGIN, Running, await_ready
from tests.image.parts import listed, locked
from tests.image_build import ROOT
from tests.stack import new_customer, purchase, until
from tests.told import say

LIMIT_MB = 350
GRACE = 20
"""Seconds between SIGTERM and SIGKILL, as the Compose file has them; the chart gives 30."""


@pytest.fixture(scope="session")
def sbom(image: str) -> Any:
    code, text, error = containers.output(image, "cat", "/app/sbom.cdx.json")
    assert code == 0, error
    kept = Path(ROOT / "build" / "sbom.json")
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(text, encoding="utf-8")
    return json.loads(text)


def test_it_is_small_and_nobody_s_root(image: str) -> None:
    found = containers.inspect("image", image)
    size = found["Size"] / 1e6
    say(f"{size:.0f} MB of {LIMIT_MB}")
    assert size < LIMIT_MB
    config = found["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert not config["Entrypoint"], "the command is the process"
    labels = config["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["org.opencontainers.image.revision"])


def test_what_is_inside_is_what_is_locked_and_is_listed(image: str, sbom: Any) -> None:
    assert sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == "rapport"
    python = listed(sbom)
    _, version, _ = containers.output(
        image, "python", "-c", "import platform; print(platform.python_version())"
    )
    wanted = locked("runtime.txt", version.strip())
    assert {name: python.get(name) for name in wanted} == wanted
    assert python.keys() == wanted.keys(), "nothing else is in"
    debian = listed(sbom, "deb").keys()
    assert {"bash", "libc6"} <= debian
    say(f"{len(python)} Python packages and {len(debian)} of Debian, all listed")
    assert "file:///" not in json.dumps(sbom), "no path of the machine that built it"


def test_it_has_no_tools_to_build_with(image: str) -> None:
    for tool in ("pip", "gcc", "git"):
        code, _, _ = containers.output(image, "sh", "-c", f"command -v {tool}")
        assert code != 0, tool


def test_nothing_of_it_can_be_changed(image: str) -> None:
    """By its own user, where the root is not read-only."""
    writable = r"find / -xdev \( -type f -o -type d \) -writable -not -path '/proc/*' -not -path '/dev/*'"
    done = subprocess.run(
        ["docker", "run", "--rm", image, "sh", "-c", writable], capture_output=True, text=True
    )
    temporary = {"/tmp", "/var/tmp", "/run/lock"}
    assert {line for line in done.stdout.splitlines() if line} <= temporary


def test_no_file_sets_the_user_of_who_starts_it(image: str) -> None:
    where = ("/", "-xdev", "-type", "f", "-perm", "/6000")
    found = containers.docker("run", "--rm", "--user", "0", image, "find", *where)  # who may look everywhere
    assert found == ""


def test_a_missing_setting_is_a_sentence(image: str) -> None:
    code, out, error = containers.output(image, "rapport", "run", "loyalty", "worker")
    assert (code, out) == (2, "")
    assert error.splitlines()[-1].startswith("Set RAPPORT_KAFKA")
    assert "Traceback" not in error


def test_each_process_is_hardened(running: Running) -> None:
    for (service, kind), part in running.parts.items():
        host = containers.inspect("container", part.name)["HostConfig"]
        assert host["ReadonlyRootfs"], (service, kind)
        assert not host.get("Tmpfs"), (service, kind)
        status = containers.docker("exec", part.name, "cat", "/proc/1/status")
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert set(told["Uid"].split()) == set(told["Gid"].split()) == {"10001"}
        assert {int(told[caps], 16) for caps in ("CapEff", "CapPrm", "CapBnd")} == {0}
        assert told["NoNewPrivs"].strip() == "1"
        command = containers.docker("exec", part.name, "cat", "/proc/1/cmdline").split("\0")
        assert command[1:3] == ["-m", f"services.{service}.{kind}"], "signals reach the service itself"


def test_an_event_gets_through(running: Running) -> None:
    customer = new_customer()
    stack = running.stack
    answer = stack.post_events(purchase(customer, 4_200))
    assert answer.status == 202, answer
    balance = until(lambda: stack.balance(customer), "the points are there", MARGIN)
    assert balance == 42
    until(lambda: stack.timeline(customer), "interactions has heard of it", MARGIN)
    say(f"a purchase of 42 EUR gave {balance} points")


def test_each_stops_when_it_is_told_to_and_leaves_nothing_undone(running: Running) -> None:
    """The batch in flight is finished and committed, the group left; nobody had to be killed."""
    customer = new_customer()
    sent = [purchase(customer, 100) for _ in range(40)]
    assert running.stack.post_events(*sent).status == 202
    for (service, kind), part in sorted(running.parts.items(), key=lambda each: each[0][1] != "worker"):
        code, seconds = part.stop(GRACE)
        say(f"{service} {kind} stopped after {seconds:.1f} s")
        assert code == 0, f"{service} {kind}:\n{part.logs()}"
        if kind == "worker":
            with closing(KafkaAdminClient(bootstrap_servers=running.env["RAPPORT_KAFKA"])) as client:
                (group,) = client.describe_groups([f"{broker.GROUP_PREFIX}{service}"]).values()
                assert group["members"] == [], "it left, and nobody waits for its session to end"
    for part in running.parts.values():
        containers.docker("start", part.name)
    await_ready(running.parts)
    stack = running.stack
    until(lambda: stack.balance(customer) == 40, "each purchase once, after a new start", MARGIN)
