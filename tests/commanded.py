"""The command line as a user runs it, but in this process: one of its own first imports for a second."""

import io
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from rapport.__main__ import main
from rapport.commands import show


@dataclass(frozen=True)
class Ran:
    """How it ended, and what it said."""

    returncode: int
    out: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.out.decode()


def rapport(*arguments: str, cwd: Path, **environ: str) -> Ran:
    """`rapport ARGUMENTS` in a folder, with these of its variables and no others."""
    environ = {"COLUMNS": "120", **environ}
    show.console.width = int(environ["COLUMNS"])  # which it asks for once, as it is made
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with (
        chdir(cwd),
        patch.dict(os.environ, {**kept, **environ}, clear=True),
        patch.object(sys, "argv", ["rapport", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = _ended()
    return Ran(code, _written(out), _written(err).decode())


def _ended() -> int:
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()
