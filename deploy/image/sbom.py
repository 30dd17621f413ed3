"""The image's list of parts: what cyclonedx-py found in the environment, and Debian's packages below it.

python sbom.py PYTHON.json DEBIAN.txt    # a package, its version and architecture a line; JSON comes out

It runs while the image is built, on the image's own Python, so it imports nothing of Rapport.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote


def debian(line: str, distribution: str) -> dict[str, Any]:
    """One component of ``package version architecture``, named by its package URL."""
    name, version, architecture = line.split()
    url = f"pkg:deb/{distribution}/{quote(name)}@{quote(version, safe='')}?arch={architecture}"
    return {"bom-ref": url, "type": "library", "name": name, "version": version, "purl": url}


def merged(python: dict[str, Any], lines: Iterable[str], distribution: str = "debian") -> dict[str, Any]:
    """The document of the environment with the packages of these lines among its components."""
    below = [debian(line, distribution) for line in sorted(lines) if line.strip()]
    return {**python, "components": [*python.get("components", []), *below]}


def main(python: str, packages: str) -> None:
    with open(python, encoding="utf-8") as file:
        document = json.load(file)
    with open(packages, encoding="utf-8") as file:
        json.dump(merged(document, file), sys.stdout, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:3])
