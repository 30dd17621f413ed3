"""Why a message could not be written, with the file and its line. Pure."""

from shared.templates.faults import why


class TemplateFaultError(Exception):
    """A template is missing, wrong, or misses a variable. The text says which and why, without a stop."""


def fault_of(file: str, error: Exception) -> TemplateFaultError:
    """What was raised while a file was rendered, and where."""
    said, where = why(file, error)
    if where is None:
        return TemplateFaultError(f"template {file}: {said}")
    name, line = where
    place = f"line {line}" if name == file else f"line {line} of {name}"
    return TemplateFaultError(f"template {file}: {said} ({place})")
