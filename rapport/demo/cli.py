"""``rapport demo``: a grocer's year on this machine."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from rapport.demo.report import show_report
from rapport.demo.stack import DemoStack
from rapport.trouble import TroubleError

HOME = Path(".rapport") / "demo"


def demo(
    households: Annotated[
        int, typer.Option(min=1, envvar="HOUSEHOLDS", help="So many of the 2,469 households.")
    ] = 120,
    seed: Annotated[int, typer.Option(help="The seed of what is simulated.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", envvar="KEEP", help="Leave the stack running.")] = False,
) -> None:
    """A real grocery's year through the whole platform, in minutes, checked to the last point.

    Starts a stack of its own in .rapport/demo, empty and on the stream clock; replays the data set
    completejourney; lets members redeem points; moves the clock to 1 July 2018; then shows what came of
    it and checks every balance and tier against a recomputation from the recorded files; in the end one
    household is exported and erased. Exits 1 on any difference. Contacts, complaints, surveys,
    profiles, consents, returns and redemptions are simulated.
    """
    began = time.monotonic()
    console = Console()
    try:
        # pyarrow and the data set are an extra of their own.
        from rapport.demo.run import read_year, run
    except ModuleNotFoundError as error:
        raise TroubleError(f"{error.name} is missing: pip install 'rapport[demo,embedded]'.") from None
    with console.status("reading the data set"):
        year = read_year(households, seed)
    console.print(
        f"{len(year.data.baskets):,} purchases were recorded by {len(year.data.households):,} households in "
        f"2017, and {len(year.simulated):,} events are simulated around them (seed {seed}; source "
        "/simulated/...).",
        highlight=False,
    )
    stack = DemoStack(HOME)
    kept = False
    with _terminated_as_interrupted():
        try:
            stack.start()
            right = run(stack, year, seed, console, kept=keep)
            kept = keep
        except KeyboardInterrupt:
            console.print("\nStopped; the stack is shut down.")
            raise typer.Exit(130) from None
        except TroubleError as trouble:
            raise TroubleError(f"{trouble} The logs are in {stack.home.logs}.") from None
        finally:
            if not kept:
                stack.stop()
    _end(console, stack, kept, time.monotonic() - began)
    if not right:
        raise typer.Exit(1)


def _end(console: Console, stack: DemoStack, kept: bool, seconds: float) -> None:
    words = f"Took {seconds // 60:.0f} min {seconds % 60:.0f} s. "
    if kept:
        words += f"The stack runs on (KEEP): set -a; . {stack.home.env_file}; set +a. "
        words += f"Stop it: RAPPORT_HOME={stack.home.root} rapport down"
    else:
        words += "The stack is stopped; KEEP=1 keeps it, to look around."
    console.print(words, soft_wrap=True, highlight=False, markup=False)
    show_report(console, stack.home)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does: in order."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
