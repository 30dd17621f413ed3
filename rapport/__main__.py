"""The command line: ``rapport``, or ``python -m rapport``."""

import sys
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from rapport.trouble import TroubleError, explain

# Name -> where it is (a function, or a Typer app of subcommands) and its line in the overview.
# Imported when called: `rapport status` should not wait for what `rapport demo` needs.
COMMANDS = {
    "up": ("rapport.commands.up:up", "Start the whole platform on this machine and keep it up."),
    "down": ("rapport.commands.down:down", "Stop what `up` started."),
    "status": ("rapport.commands.status:status", "What runs, and how it does."),
    "run": ("rapport.commands.run:run", "One process of a service: what a container runs."),
    "demo": ("rapport.demo.cli:demo", "A real grocery's year, in minutes, on this machine."),
    "import": ("rapport.importing.cli:import_", "Another system's records in, by a mapping file."),
    "replay": ("rapport.replay.cli:replay", "Feed recorded events in."),
    "program": ("rapport.commands.program:app", "Check a loyalty program, and try it on recorded events."),
    "rules": ("rapport.commands.rules:app", "Outreach rules: check, preview, try a draft, results."),
    "sla": ("rapport.commands.sla:app", "SLA policies: check, explain a complaint, try a draft."),
    "customer": ("rapport.commands.customer:app", "One customer: export all that is held of them."),
    "erasures": ("rapport.commands.erasures:app", "By what erased ids are known: export, import."),
    "report": ("rapport.report.cli:report", "A week or a month in figures, as one file for people."),
    "clv": ("rapport.commands.clv:app", "What customers are worth: estimate the models behind it."),
    "health": (
        "rapport.commands.health:app",
        "Customers' health: how well the score tells who falls silent.",
    ),
    "topics": ("rapport.commands.topics:app", "Create, check and grow the topics."),
    "doctor": ("rapport.commands.doctor:doctor", "Look at all that is needed around it; say what to do."),
    "dlq": ("rapport.commands.dlq:app", "List, show and replay dead letters."),
    "check": ("rapport.commands.check:check", "Whether it works: a purchase in, its points read back."),
    "lag": ("rapport.commands.lag:lag", "How far each service is behind."),
    "keys": ("rapport.commands.keys:app", "Make keys for callers of the APIs."),
    "schemas": ("rapport.commands.schemas:app", "Check what a producer writes."),
    "clock": ("rapport.commands.clock:app", "Move the stream clock."),
}


class Commands(TyperGroup):
    """Finds a command by its name in ``COMMANDS``."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        if _overview():
            # The overview needs names and summaries only.
            return typer.main.get_command(_named(cmd_name, lambda: None, help=summary))
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
        return typer.main.get_command(found if isinstance(found, typer.Typer) else _named(cmd_name, found))


def _overview() -> bool:
    return not any(word in COMMANDS for word in sys.argv[1:])


def _named(name: str, function: Any, help: str | None = None) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command(name, help=help)(function)
    return app


app = typer.Typer(
    cls=Commands,
    help="Rapport: every interaction is an event; loyalty, outreach and live metrics follow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Holds the group together."""


def main() -> None:
    """Run one command. What the user can mend ends in a sentence on stderr and exit code 1."""
    try:
        app()
    except TroubleError as trouble:
        fail(str(trouble))
    except OSError as error:
        sentence = explain(error)
        if sentence is None:
            raise
        fail(sentence)


def fail(sentence: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(sentence, style="red", markup=False)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
