"""``python -m tests.kube.loading``: builds the image and hands it to the cluster, by ``KUBE_LOAD``, a command
that takes the archive of `docker save` on its standard input; kind's unless told."""

import os
import shlex
import subprocess
import sys

from tests.image_build import NoImageError, built
from tests.told import Ticking, say

KIND = "kind load image-archive /dev/stdin"


def load(image: str, by: str) -> int:
    """The exit code of whichever of the two commands failed."""
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        loaded = subprocess.run(shlex.split(by), stdin=saving.stdout, stdout=subprocess.DEVNULL)
    return saving.returncode or loaded.returncode


def main() -> int:
    if not os.environ.get("KUBECONFIG"):
        say("Name a cluster with KUBECONFIG; it must be one for tests.")
        return 2
    try:
        with Ticking("building the image"):
            image = built()
    except NoImageError as error:
        say(str(error))
        return 1
    by = os.environ.get("KUBE_LOAD") or KIND
    with Ticking(f"giving {image} to the cluster"):
        return load(image, by)


if __name__ == "__main__":
    sys.exit(main())
