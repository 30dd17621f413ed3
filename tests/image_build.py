"""The image of this tree, built for tests."""

import os
import subprocess
from pathlib import Path

from tests import containers

ROOT = Path(__file__).parents[1]
NAME = "rapport:image-test"
AGAIN = "rapport:image-test-again"
FIT = "rapport-fit:image-test"
"""Of `rapport clv fit`: the same, and SciPy."""


class NoImageError(Exception):
    """There is none, and none can be built; the text says why."""


def built() -> str:
    """The image's name: built from this tree, or ``RAPPORT_IMAGE``, which is there already. Raises
    NoImageError."""
    return _built(NAME, os.environ.get("RAPPORT_IMAGE"))


def built_again() -> str:
    """As ``built``, with nothing of an earlier build: each step is done once more. Raises NoImageError."""
    return _built(AGAIN, None, "--no-cache")


def built_to_fit() -> str:
    """As ``built``, the image of `rapport clv fit`: ``RAPPORT_FIT_IMAGE``, where it is there already, else
    built upon ``RAPPORT_IMAGE``, as it is one layer more of that."""
    below = os.environ.get("RAPPORT_IMAGE")
    upon = ("--build-arg", f"RUNTIME={below}") if below else ()
    return _built(FIT, os.environ.get("RAPPORT_FIT_IMAGE"), "--target", "fit", *upon)


def _built(name: str, given: str | None, *options: str) -> str:
    if not containers.answers():
        raise NoImageError("No Docker daemon answers: start one, or name it with DOCKER_HOST.")
    if given:
        return given
    found = subprocess.run([ROOT / "deploy/image/base.sh"], stdout=subprocess.PIPE, text=True)
    if found.returncode:
        raise NoImageError("There is no base image: see above.")
    head = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    revision = subprocess.run(head, capture_output=True, text=True).stdout.strip()
    arguments = {"PYTHON": found.stdout.strip(), "REVISION": revision or "unknown"}
    build = ["docker", "build", "--file", str(ROOT / "deploy/Dockerfile"), "--tag", name, *options]
    build += [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    done = subprocess.run([*build, str(ROOT)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise NoImageError(f"The image could not be built:\n{done.stdout[-4000:]}")
    return name
