"""``make simulate SEEDS=500`` or ``SEEDS=1000-2000``: run seeds, and tell of the first ones that fail.

A failing seed is run again without each of its faults; what is left of them is printed with the end of
its trace. At the end it says how often each kind of trouble really struck.
``python -m tests.simulation =17`` runs one seed and prints all of its trace.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from time import monotonic

from rich.console import Console
from rich.progress import track

from tests.simulation.coverage import Coverage, Hits
from tests.simulation.scenario import scenario
from tests.simulation.world import Verdict, play, play_seed, shrunk

TOLD = 5
"""Failing seeds that are told of at length."""
TRACE_LINES = 60


def seeds_of(text: str) -> range:
    """``500`` is 0 to 499, ``1000-2000`` is 1000 to 1999."""
    first, dash, end = text.partition("-")
    return range(int(first), int(end)) if dash else range(int(first))


def played(seed: int) -> tuple[int, list[str], Hits, float]:
    """Its problems (an error in the simulation itself is one too), what it hit, and its longest stall."""
    try:
        verdict = play_seed(seed)
    except Exception as error:  # an error of the simulation itself is a failing seed too
        return seed, [f"{type(error).__name__}: {error}"], {}, 0.0
    return seed, verdict.problems, verdict.hits, verdict.stall


def failing(seeds: range, processes: int, coverage: Coverage) -> Iterator[tuple[int, list[str]]]:
    with ProcessPoolExecutor(processes) as pool:
        results = pool.map(played, seeds, chunksize=8)
        told = track(results, f"seeds {seeds.start} to {seeds.stop - 1}", len(seeds))
        for seed, problems, hits, stall in told:
            coverage.add(scenario(seed), hits, stall)
            if problems:
                yield seed, problems


def told(console: Console, verdict: Verdict) -> None:
    """A failing run: what is wrong, what went wrong before, and the end of its trace."""
    run = verdict.scenario
    console.print(
        f"seed {run.seed}: {run.handler}, {run.workers} workers, {run.partitions} partitions, batches of "
        f"{run.batch_size}, {run.timers_a_step} timers a step"
    )
    for fault in run.faults:
        console.print(f"  fault {fault}", highlight=False)
    for problem in verdict.problems[:10]:
        console.print(f"  [red]{problem[:300]}", highlight=False)


def main(text: str) -> int:
    console = Console()
    if text.startswith("="):
        verdict = play_seed(int(text[1:]))
        console.print("\n".join(verdict.trace), markup=False, highlight=False)
        told(console, verdict)
        return bool(verdict.problems)
    started, seeds, bad, coverage = monotonic(), seeds_of(text), [], Coverage()
    for seed, problems in failing(seeds, 2, coverage):
        bad.append(seed)
        console.print(f"seed {seed} fails: {problems[0][:200]}", highlight=False)
    for seed in islice(bad, TOLD):
        verdict = play_seed(seed)
        small = play(shrunk(verdict.scenario))
        told(console, small)
        for line in small.trace[-TRACE_LINES:]:
            console.print(f"    {line}", markup=False, highlight=False)
    coverage.show(console)
    console.print(f"{len(seeds)} seeds in {monotonic() - started:.0f} s, {len(bad)} failed: {bad[:50]}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "500"))
