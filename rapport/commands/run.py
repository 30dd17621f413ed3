"""``rapport run``."""

import os
import sys
from typing import Annotated

import typer

from shared.schemas.services import SERVICES

KINDS = ("worker", "api", "mail")


def _one_of(given: str, there: tuple[str, ...]) -> str:
    if given not in there:
        raise typer.BadParameter(f"there is no {given!r}: use {', '.join(there)}.")
    return given


def _service(given: str) -> str:
    return _one_of(given, SERVICES)


def _kind(given: str) -> str:
    return _one_of(given, KINDS)


def run(
    service: Annotated[str, typer.Argument(callback=_service, help=", ".join(SERVICES))],
    kind: Annotated[str, typer.Argument(callback=_kind, help="worker, api, or (interactions alone) mail")],
) -> None:
    """Run one process of a service until a signal stops it; RAPPORT_ variables tell it what it needs.

    It takes the place of this command: a container's signals reach it.
    """
    if kind == "mail" and service != "interactions":
        raise typer.BadParameter("only interactions takes mail in: use `rapport run interactions mail`.")
    os.execv(sys.executable, [sys.executable, "-m", f"services.{service}.{kind}"])
