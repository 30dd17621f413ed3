"""How a process that runs for long has its memory looked through."""

import gc


def settle_heap() -> None:
    """What is loaded by now stays for the process's life: the garbage collector need not walk it again.
    And a batch, or an answer, makes thousands of objects that all die with it: look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
