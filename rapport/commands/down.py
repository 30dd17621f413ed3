"""``rapport down``."""

from rapport.commands.show import console
from rapport.home import Home
from rapport.launch import stop
from rapport.status import Status


def down() -> None:
    """Stop what `up` started here, services first; the data stays."""
    stop_with_progress(Home.find())


def stop_with_progress(home: Home) -> bool:
    """``launch.stop`` with a line on the terminal; False when nothing ran."""
    with console.status("stopping") as spinner:

        def tell(status: Status) -> None:
            left = [part.name for part in status.parts if part.pid is not None]
            spinner.update("stopping " + ", ".join(left))

        ran = stop(home, tell)
    console.print(f"Stopped; the data stays in {home.root}." if ran else f"Nothing ran in {home.root}.")
    return ran
