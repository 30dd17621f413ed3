"""Why a template could not be rendered, and where. Pure."""

import traceback
from types import TracebackType

from jinja2 import Template, TemplateNotFound, TemplateSyntaxError


def why(file: str, error: Exception) -> tuple[str, tuple[str, int] | None]:
    """What was raised while a file was rendered, without a stop, and the file and line where it was."""
    if isinstance(error, TemplateSyntaxError):
        return error.message or "it cannot be read", (error.name or file, error.lineno)
    where = _where(error.__traceback__)
    if isinstance(error, TemplateNotFound):
        return f"no file {error.name}", where
    if isinstance(error, RecursionError):
        return "it does not end: it takes itself in again and again", where
    return str(error) or type(error).__name__, where


def _where(trace: TracebackType | None) -> tuple[str, int] | None:
    """The file and line of the innermost template that was being rendered."""
    found = None
    for frame, line in traceback.walk_tb(trace):
        template = frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template) and template.name is not None:
            found = template.name, template.get_corresponding_lineno(line)
    return found
