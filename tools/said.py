"""What the code says, read off its source: the lines of the log, and the refusals that no list has."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOGS = frozenset({"log", "LOGGER"})
LEVELS = ("critical", "error", "exception", "warning", "info")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log: ``text`` is its ``event``."""

    text: str
    level: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Raised:
    """A refusal as a ``ProblemError`` has it; ``sentence`` is empty where it is put together elsewhere."""

    code: str
    status: int
    sentence: str


def log_lines(folder: str) -> list[Line]:
    """The lines that a folder's code writes, each once, the gravest first."""
    found: dict[tuple[str, str], set[str]] = {}
    for constants, call in _calls(folder):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr=level), args=[first, *_], keywords=told
            ) if name in LOGS and level in LEVELS and (text := _text(first, constants)) not in ("", "%s"):
                grave = "error" if level == "exception" else level
                fields = {one.arg for one in told if one.arg and one.arg != "exc_info"}
                found.setdefault((text.replace("%s", "…"), grave), set()).update(fields)
    lines = [Line(text, level, tuple(sorted(fields))) for (text, level), fields in found.items()]
    return sorted(lines, key=lambda line: (LEVELS.index(line.level), line.text))


def raised(folder: str) -> list[Raised]:
    """The refusals that a folder's code raises itself, each once."""
    found: dict[str, Raised] = {}
    for constants, call in _calls(folder):
        match call:
            case ast.Call(
                func=ast.Name(id="ProblemError"),
                args=[ast.Constant(value=int(status)), ast.Constant(value=str(code)), *detail],
            ):
                sentence = _text(detail[0], constants) if detail else ""
                if not (code in found and found[code].sentence):
                    found[code] = Raised(code, status, sentence)
    return sorted(found.values(), key=lambda one: one.code)


def _calls(folder: str) -> Iterator[tuple[Mapping[str, str], ast.Call]]:
    """Each call, with the texts that its module has names for."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        }
        yield from ((constants, node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _text(node: ast.expr, constants: Mapping[str, str]) -> str:
    """A text of the source, in which ``{name}`` stands for what is filled in; empty if made elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name, "")
        case ast.JoinedStr(values=parts):
            return "".join(map(_part, parts))
    return ""


def _part(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=text):
            return str(text)
        case ast.FormattedValue(value=ast.Name(id=name)):
            return f"{{{name}}}"
    return "{…}"
