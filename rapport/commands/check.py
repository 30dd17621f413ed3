"""``rapport check``."""

from typing import Annotated

import typer

from rapport.check import run
from rapport.client import Client, reached_env
from rapport.commands.show import console


def check(
    seconds: Annotated[float, typer.Option(min=1, help="So long it waits for all of it together.")] = 60,
) -> None:
    """Send one purchase and read its points back; then take both away again.

    It calls interactions and loyalty with RAPPORT_API_KEY, which must have every scope. What still starts is
    waited for.
    """
    env = {**reached_env("interactions"), **reached_env("loyalty")}
    with Client(env) as client:
        found = run(client, seconds=seconds)
    console.print(
        f"Works: a purchase of {found.customer_id} gave {found.points} points, and the balance of "
        f"{found.balance} was read back {found.seconds:.1f} s after it was accepted."
    )
