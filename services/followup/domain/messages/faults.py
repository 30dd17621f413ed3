"""Why a message could not be written, with the file and its line. Pure."""

import traceback
from types import TracebackType

from jinja2 import Template, TemplateNotFound, TemplateSyntaxError


class TemplateFaultError(Exception):
    """A template is missing, wrong, or misses a variable. The text says which and why, without a stop."""


def fault_of(file: str, error: Exception) -> TemplateFaultError:
    """What was raised while a file was rendered, and where."""
    if isinstance(error, TemplateSyntaxError):
        return _fault(file, error.message or "it cannot be read", (error.name or file, error.lineno))
    where = _where(error.__traceback__)
    if isinstance(error, TemplateNotFound):
        return _fault(file, f"no file {error.name}", where)
    if isinstance(error, RecursionError):
        return _fault(file, "it does not end: it takes itself in again and again", where)
    return _fault(file, str(error) or type(error).__name__, where)


def _fault(file: str, why: str, where: tuple[str, int] | None) -> TemplateFaultError:
    if where is None:
        return TemplateFaultError(f"template {file}: {why}")
    name, line = where
    place = f"line {line}" if name == file else f"line {line} of {name}"
    return TemplateFaultError(f"template {file}: {why} ({place})")


def _where(trace: TracebackType | None) -> tuple[str, int] | None:
    """The file and line of the innermost template that was being rendered."""
    found = None
    for frame, line in traceback.walk_tb(trace):
        template = frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template) and template.name is not None:
            found = template.name, template.get_corresponding_lineno(line)
    return found
