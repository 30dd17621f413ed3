"""Reads a loyalty program from a YAML file: a document a version, the oldest first."""

from collections.abc import Hashable
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from services.loyalty.domain.program.program import Program, Programs, check_versions

DEFAULT = Path(__file__).parent / "programs" / "retail.yaml"


class ProgramError(Exception):
    """The program cannot be used; the message says, in one sentence, what is wrong and where."""


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


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load(path: Path | None = None) -> Programs:
    """The program in this file, or the retail program that ships. Raises ``ProgramError``."""
    file = path or DEFAULT
    try:
        return parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProgramError(f"The loyalty program {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ProgramError(f"The loyalty program {file} is not UTF-8 text.") from None
    except ProgramError as error:
        raise ProgramError(f"The loyalty program {file} is not valid: {error}.") from None


def parse(text: str) -> Programs:
    """The program in this YAML. Raises ``ProgramError``, which names each bad field's path."""
    try:
        # The loader is a SafeLoader: it builds plain data only.
        documents = [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ProgramError(f"{where}{getattr(error, 'problem', None) or 'not YAML'}") from None
    except ValueError as error:  # such as 30 February
        raise ProgramError(f"a date is not one: {error}") from None
    if not documents:
        raise ProgramError("it must be a mapping of names to values")
    versions = [_version(document, number, len(documents)) for number, document in enumerate(documents)]
    try:
        check_versions(versions)
    except PydanticCustomError as error:
        context = error.context or {}
        raise ProgramError(f"versions{context['at']}: {context['message']}") from None
    return Programs(versions)


def _version(document: Any, number: int, of: int) -> Program:
    prefix = f"versions[{number}]: " if of > 1 else ""
    if not isinstance(document, dict):
        raise ProgramError(f"{prefix}it must be a mapping of names to values")
    try:
        return Program.model_validate(document)
    except ValidationError as error:
        complaints = [prefix + _complaint(e) for e in error.errors(include_url=False)]
        raise ProgramError("; ".join(complaints)) from None


def _complaint(error: Any) -> str:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error["loc"])
    at = (error.get("ctx") or {}).get("at", "")
    path += at if at.startswith("[") else f".{at}" if at else ""
    return f"{path.lstrip('.') or 'program'}: {_plain(error['type'], error['msg'])}"


def _plain(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a known field"
        case _:
            return message.removeprefix("Value error, ").replace("Input should be", "must be")
