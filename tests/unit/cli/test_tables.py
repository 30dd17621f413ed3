"""Tables of commands in a narrow terminal, such as the log of a Job: 80 columns, whatever is told."""

import io

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rapport.commands import doctor
from rapport.commands.show import table
from rapport.doctor.finding import Finding

NAME, NUMBER, SENTENCE = (
    "services.interactions.worker",
    "1,234,567.89",
    "leave them out, since a YAML may not",
)


def letters(told: Table, width: int) -> str:
    """What is shown of it, column by column, without spaces."""
    file = io.StringIO()
    Console(file=file, width=width).print(told)
    lines = file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return "".join(sorted("".join(lines).replace(" ", "")))


@pytest.mark.parametrize(("width", "wrapped"), [(80, ()), (90, ("c",)), (80, ("a", "c")), (60, ("a", "c"))])
def test_no_cell_is_cut(width: int, wrapped: tuple[str, ...]) -> None:
    made = table("a", "b", "c", "d", right=("b",), wrapped=wrapped)
    cells = (NAME, NUMBER, SENTENCE, Text(NAME, "dim"))
    made.add_row(*cells)
    wanted = "abcd" + "".join(map(str, cells))
    assert letters(made, width) == "".join(sorted(wanted.replace(" ", "")))


@pytest.mark.parametrize("width", [40, 80])
def test_what_the_doctor_says_is_said_to_its_end(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "RAPPORT_MONGO: has quotes around it: leave them out (a shell takes them off, a YAML may not)."
    do = "start it, or correct RAPPORT_KAFKA; look at its log and at firewalls"
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("store", "settings", "warn", said, do)])
    monkeypatch.setattr(doctor, "console", Console(width=width))
    doctor.doctor()
    shown = sorted(capsys.readouterr().out)
    assert all(shown.count(letter) >= (said + do).count(letter) for letter in set(said + do) - {" "})
