"""How tests are shared out where they run in several processes (``-n 2 --dist loadfile``); and which files of
unit tests ``make test`` runs beside others: ``python -m tests.sharing`` names them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

PLATFORM = "the platform"


class OnePlatform(LoadFileScheduling):
    """A file stays in one process; and in one are, in their order, all files of the running platform, which
    there is once. Beside it run those that start servers of their own: most of the time they wait."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return PLATFORM if on_the_platform(self.config.rootpath / file) else file


@cache
def on_the_platform(file: Path) -> bool:
    """Whether its tests ask for ``tests/conftest.py``'s stack. Who shares out knows names of tests alone."""
    text = file.read_text(encoding="utf-8")
    return "stack: Stack" in text and "def stack(" not in text


DEAR = re.compile(r"TestClient|[Mm]ongo|Database|InlineWorker|Inbox|working\(|from hypothesis")
SECONDS = re.compile(
    r"subprocess|socket|threading|Thread\(|multiprocessing|monotonic|perf_counter|sleep|wait_for\(|timeout"
)


def beside(unit: Path) -> Iterator[Path]:
    """The files on a store or an application, and those that try examples, by their text: most of what all
    cost. Not those that count seconds: less of a processor is theirs."""
    for file in sorted(unit.rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if DEAR.search(text) and not SECONDS.search(text):
            yield file


if __name__ == "__main__":
    for file in beside(Path("tests/unit")):
        print(file)
