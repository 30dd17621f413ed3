"""What a check of ours finds wrong in a value, with the place within the value where that is."""

from typing import Any

from pydantic_core import PydanticCustomError


def fault(at: str, message: str) -> PydanticCustomError:
    """An error whose path continues with ``at`` below the field that the validator sits on."""
    context: dict[str, Any] = {"at": at, "message": message}
    return PydanticCustomError("fault", "{message}", context)


def told_fault(error: PydanticCustomError) -> tuple[str, str]:
    """The ``at`` and the message of a ``fault``."""
    context = error.context or {}
    return str(context.get("at", "")), str(context.get("message", error.message()))
