"""YAML files that people write (a program, rules, a policy): read strictly, and what is wrong is a sentence
that names the file and each bad field's path."""

import sys
from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


class ConfigError(Exception):
    """The file cannot be used; the message says, in one sentence, what is wrong and where."""


class _Loader(yaml.SafeLoader):
    """Safe YAML in which 1.25 is a decimal and a name given twice is an error."""


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal | float:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        return Decimal(text)
    except ArithmeticError:  # .inf, .nan and base 60: for Pydantic to refuse
        return float(loader.construct_yaml_float(node))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a name must be plain text", key.start_mark)
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


class _NoDate:
    """What looks like a date and is none, such as 30 February: no field takes it, so its path is named."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _timestamp(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return _NoDate(str(loader.construct_scalar(node)))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_config(what: str, file: Path, parse: Callable[[str], T]) -> T:
    """What ``parse`` makes of the file's text. Raises ``ConfigError`` as a whole sentence: ``what`` is its
    subject, such as "loyalty program"."""
    try:
        return parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The {what} {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"The {what} {file} is not UTF-8 text.") from None
    except ConfigError as error:
        raise ConfigError(f"The {what} {file} is not valid: {error}.") from None


def documents(text: str) -> list[object]:
    """The YAML documents of a text that are not empty, at least one. Raises ``ConfigError``."""
    try:
        # The loader is a SafeLoader: it builds plain data only.
        found = [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{where}{getattr(error, 'problem', None) or 'not YAML'}") from None
    except ValueError as error:  # such as the number 0b_
        raise ConfigError(f"a value is not one: {error}") from None
    except RecursionError:
        raise ConfigError("it is nested too deeply") from None
    if not found:
        raise ConfigError("it must be a mapping of names to values")
    return found


def validated(
    model: type[M],
    document: object,
    prefix: str = "",
    place: Callable[[tuple[int | str, ...]], str] = lambda _: "",
) -> M:
    """The document as a model. Raises ``ConfigError`` with ``path: why`` for each fault, after ``prefix``
    and what ``place`` says of where the path stands in the file."""
    if not isinstance(document, dict):
        raise ConfigError(f"{prefix}it must be a mapping of names to values")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = [prefix + place(e["loc"]) + _fault(e) for e in error.errors(include_url=False)]
        raise ConfigError("; ".join(faults)) from None


def field_path(location: Iterable[int | str]) -> str:
    """``("rules", 1, "delay")`` -> ``rules[1].delay``."""
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location if not _aside(p))
    return path.lstrip(".")


def _aside(part: int | str) -> bool:
    """Whether it stands in no file: ``[key]``, or the tag of one of several forms, such as ``[date]``."""
    return isinstance(part, str) and part.startswith("[")


def _fault(error: ErrorDetails) -> str:
    path = field_path(error["loc"])
    at = str((error.get("ctx") or {}).get("at", ""))
    path += at if at.startswith("[") else f".{at}" if at else ""
    why = _plain(error["type"], error["msg"])
    if isinstance(error["input"], _NoDate):
        why += f"; there is no day {error['input']!r}"
    return f"{path.lstrip('.') or 'the file'}: {why}"


def _plain(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a known field"
        case "tuple_type" | "list_type":
            return "must be a list"
        case "dict_type" | "model_type":
            return "must be a mapping of names to values"
        case _:
            return message.removeprefix("Value error, ").replace("Input should be", "must be")


def or_exit(load: Callable[[], T]) -> T:
    """What ``load`` gives, or the end of the process with 2 and the ``ConfigError`` on stderr."""
    try:
        return load()
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
