"""What tests ask of Docker, by its own command line, so that DOCKER_HOST and contexts hold."""

import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

HARDENED = (
    "--read-only",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--user",
    "10001:10001",
)


class DockerError(Exception):
    """Docker refused; the text is what it said."""


def docker(*words: str, check: bool = True) -> str:
    """What a command of Docker prints. Raises DockerError where it fails."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True)
    if check and done.returncode:
        raise DockerError(f"docker {words[0]}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def answers() -> bool:
    """Whether there is a Docker daemon."""
    try:
        return subprocess.run(["docker", "version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def has_image(name: str) -> bool:
    return bool(docker("images", "--quiet", name))


def inspect(kind: str, name: str) -> Any:
    """What Docker knows of an image, a container or a network."""
    (found,) = json.loads(docker(kind, "inspect", name))
    return found


def gateway(network: str = "bridge") -> str:
    """This machine's address in a network of containers."""
    configured = inspect("network", network)["IPAM"]["Config"]
    told = next(each for each in configured if ":" not in each["Subnet"])
    return str(told.get("Gateway") or next(ip_network(told["Subnet"]).hosts()))  # the first, if not said


@dataclass(frozen=True, slots=True)
class Container:
    name: str

    @property
    def state(self) -> Any:
        return inspect("container", self.name)["State"]

    def address(self, port: int) -> str:
        """Where a published port is reached."""
        return docker("port", self.name, str(port)).splitlines()[0]

    def logs(self, lines: int = 30) -> str:
        done = subprocess.run(
            ["docker", "logs", "--tail", str(lines), self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout

    def stop(self, grace: int) -> tuple[int, float]:
        """SIGTERM, and SIGKILL after so many seconds: the exit code, and the seconds it took."""
        began = time.monotonic()
        docker("stop", "--time", str(grace), self.name)
        return int(self.state["ExitCode"]), time.monotonic() - began

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name, check=False)


def start(
    image: str,
    command: Sequence[str],
    *,
    name: str,
    env: Mapping[str, str],
    ports: Iterable[int] = (),
    options: Sequence[str] = HARDENED,
) -> Container:
    """Start a container in the background; its ports are published on this machine, as the system chooses."""
    words = ["run", "--detach", "--name", name, *options]
    for key, value in env.items():
        words += ["--env", f"{key}={value}"]
    for port in ports:
        words += ["--publish", f"127.0.0.1::{port}"]
    docker(*words, image, *command)
    return Container(name)


def output(image: str, *command: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a command in a hardened container to its end: exit code, standard output, standard error."""
    words = ["docker", "run", "--rm", *HARDENED]
    for key, value in (env or {}).items():
        words += ["--env", f"{key}={value}"]
    done = subprocess.run([*words, image, *command], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr
