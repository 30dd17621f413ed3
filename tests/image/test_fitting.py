"""The image of `rapport clv fit`: the other, and beside it what estimates, without a temporary folder too."""

import json
from typing import Any

from services.metrics.domain.health.models import BG, MBG
from tests import containers
from tests.image.conftest import Running
from tests.image.parts import listed, locked
from tests.told import say

MORE_MB = 250
"""What it may have beside: by its wheels some 215 (docs/adr/0088)."""
ESTIMATE = (
    "from services.metrics.domain.clv import BgNbd; "
    "print(BgNbd.fit([0, 1, 2, 5] * 50, [0, 3, 9, 30] * 50, [39] * 200))"
)


def test_it_is_the_other_and_one_part_more(image: str, fitting: str) -> None:
    below, found = (containers.inspect("image", name) for name in (image, fitting))
    layers = below["RootFS"]["Layers"]
    assert found["RootFS"]["Layers"][: len(layers)] == layers, "a node that has one has most of both"
    more = (found["Size"] - below["Size"]) / 1e6
    say(f"{more:.0f} MB more, of {MORE_MB}")
    assert more < MORE_MB
    assert found["Config"]["User"] == below["Config"]["User"]
    assert found["Config"]["Cmd"] == ["rapport", "clv", "fit"]


def test_what_is_inside_is_what_is_locked_and_is_listed(fitting: str) -> None:
    code, text, error = containers.output(fitting, "cat", "/app/sbom.cdx.json")
    assert code == 0, error
    python = listed(json.loads(text))
    _, version, _ = containers.output(
        fitting, "python", "-c", "import platform; print(platform.python_version())"
    )
    assert python == locked("runtime.txt", version.strip()) | locked("fit.txt", version.strip())


def test_it_estimates(fitting: str) -> None:
    code, out, error = containers.output(fitting, "python", "-c", ESTIMATE)
    assert code == 0, error
    assert out.startswith("BgNbd(r=")


def test_the_other_says_what_it_lacks(image: str) -> None:
    code, _, error = containers.output(image, "python", "-c", ESTIMATE)
    assert code == 1
    assert "ModuleNotFoundError" in error


def test_it_reads_and_publishes(fitting: str, running: Running) -> None:
    """Of a hundredth of the customers that a model needs nothing is estimated, which is no failure."""
    code, out, error = containers.output(fitting, "rapport", "clv", "fit", "--json", env=running.env)
    assert code == 0, error
    told: list[dict[str, Any]] = json.loads(out)
    assert {BG, MBG} <= {one["model"] for one in told}
    assert all(one["parameters"] is None for one in told)
