"""What a process says outside its log as Python has it, said in its log: an error that nobody caught, in any
thread, and a warning. Python's own way would print their words, which may quote what was sent."""

import sys
import threading
import warnings
from pathlib import Path
from types import TracebackType

import structlog

log = structlog.get_logger(__name__)


def tell_in_the_log() -> None:
    """From now on, in the whole process, which has its log set up."""
    sys.excepthook = _ended
    threading.excepthook = _thread_ended
    sys.unraisablehook = _nowhere_to_raise
    warnings.showwarning = _warned


def _ended(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, at)
        return
    log.critical("ended by an error", exc_info=error)


def _thread_ended(told: threading.ExceptHookArgs) -> None:
    log.error("a thread ended by an error", exc_info=told.exc_value)


def _nowhere_to_raise(told: "sys.UnraisableHookArgs") -> None:
    log.error("an error that nobody can catch", exc_info=told.exc_value)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    log.warning("a warning", kind=category.__name__, at=f"{Path(filename).name}:{lineno}")
