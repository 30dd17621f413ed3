"""Two builds of a commit on one base hold the same files: who doubts an image can build it and compare."""

import os
from collections.abc import Iterator

import pytest

from tests import containers
from tests.image_build import NoImageError, built_again
from tests.told import Ticking, say

OURS = "/app /opt/venv"
"""All that the build puts in, beside the base and its user's line in /etc."""
KINDS = f"find {OURS} -printf '%y %m %U:%G %l %p\\n'"
CONTENTS = f"find {OURS} -type f -exec sha256sum '{{}}' +"
"""Kinds, modes, owners, links, contents. Times alone are left out: they are the build's."""
SAID = ("User", "Env", "Cmd", "Entrypoint", "WorkingDir", "Labels", "ExposedPorts", "StopSignal")


@pytest.fixture(scope="module")
def again(image: str) -> Iterator[str]:
    if os.environ.get("RAPPORT_IMAGE"):
        pytest.skip("RAPPORT_IMAGE may be of another commit, or upon another base")
    try:
        with Ticking("building the image once more, without what is left of the first time"):
            name = built_again()
    except NoImageError as error:
        pytest.fail(str(error))
    yield name
    containers.docker("rmi", name, check=False)


def held(image: str) -> list[str]:
    code, out, error = containers.output(image, "sh", "-c", f"{KINDS} && {CONTENTS} && id rapport")
    assert code == 0, error
    return out.splitlines()


def test_a_second_build_holds_the_same_files(image: str, again: str) -> None:
    first, second = held(image), held(again)
    assert any(line.endswith(".pyc") for line in first), "bytecode is compared too"
    different = sorted(set(first) ^ set(second))
    assert not different, f"{len(different)} lines differ: " + "\n".join(different[:20])
    assert sorted(first) == sorted(second)
    say(f"{len(first)} lines of files, links and hashes, all the same")


def test_a_second_build_says_the_same_of_itself(image: str, again: str) -> None:
    first, second = (containers.inspect("image", name) for name in (image, again))
    assert first["Id"] != second["Id"], "it was built again"
    for name in SAID:
        assert first["Config"].get(name) == second["Config"].get(name), name
