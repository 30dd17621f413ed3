"""What long tests tell while they run."""

import time
from threading import Event, Thread


def say(text: str) -> None:
    print(f"    {text}", flush=True)


class Ticking:
    """Says every ten seconds what is waited for."""

    def __init__(self, what: str) -> None:
        self._what, self._over = what, Event()
        self._thread = Thread(target=self._tick, daemon=True)

    def _tick(self) -> None:
        began = time.monotonic()
        while not self._over.wait(10):
            say(f"{self._what}: {time.monotonic() - began:.0f} s")

    def __enter__(self) -> None:
        say(self._what)
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
