"""What an image is to hold, by the lock files, and what its list of parts says that it holds."""

import re
from typing import Any

from packaging.markers import Marker

from tests.image_build import ROOT


def locked(file: str, python: str) -> dict[str, str]:
    """The packages of a lock file that Linux with this Python has, by their normal names."""
    where = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    where |= {"sys_platform": "linux", "platform_python_implementation": "CPython"}
    found = {}
    for line in (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines():
        pin = re.match(r"([a-z0-9.-]+)==(\S+)(?: ; (.*?))? \\$", line)
        if pin and (pin[3] is None or Marker(pin[3]).evaluate(where)):
            found[pin[1].replace(".", "-")] = pin[2]
    return found


def listed(sbom: Any, kind: str = "pypi") -> dict[str, str]:
    """The packages in a list of parts by their normal names, and their versions."""
    return {
        re.sub(r"[-_.]+", "-", part["name"]).lower(): part["version"]
        for part in sbom["components"]
        if part.get("purl", "").startswith(f"pkg:{kind}/")
    }
