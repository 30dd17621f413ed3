"""The string under a model's field is its description, read once a file and not by way of the stack."""

from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas import docstrings
from shared.schemas.base import Frozen, Open

T = TypeVar("T")


class Plain(Frozen):
    amount: int
    """What it
    costs."""
    silent: int = 0
    kind: ClassVar[str] = "x"
    """Of the class, no field."""
    bounded: Annotated[int, Field(ge=1, description="By the field itself.")] = 2
    """By the string."""
    given: int = Field(default=3, description="By the default.")
    """By the string."""
    later: "int | None" = None
    """A name that is read later."""

    class Inner(Open):
        deep: int
        """Within."""


class Heir(Plain):
    silent: int = 1
    """No longer silent."""


class Box(Frozen, Generic[T]):
    held: T
    """What is inside."""


def told(model: type[BaseModel]) -> dict[str, str | None]:
    return {name: field.description for name, field in model.model_fields.items()}


def test_strings_are_descriptions_and_a_field_s_own_holds() -> None:
    assert told(Plain) == {
        "amount": "What it\ncosts.",
        "silent": None,
        "bounded": "By the field itself.",
        "given": "By the default.",
        "later": "A name that is read later.",
    }
    assert told(Plain.Inner) == {"deep": "Within."}
    assert told(Heir)["silent"] == "No longer silent."
    assert told(Heir)["amount"] == "What it\ncosts."
    assert told(Box[int]) == {"held": "What is inside."}
    assert Plain.model_json_schema()["properties"]["amount"]["description"] == "What it\ncosts."


def test_what_is_checked_is_what_was_checked() -> None:
    assert Plain.model_fields["amount"].annotation is int
    assert [type(each).__name__ for each in Plain.model_fields["bounded"].metadata] == ["Ge"]
    assert Plain(amount=1).model_dump() == {"amount": 1, "silent": 0, "bounded": 2, "given": 3, "later": None}


def test_it_is_what_pydantic_would_read() -> None:
    class Ours(Frozen):
        here: int
        """In a function."""

    class Theirs(BaseModel):
        model_config = ConfigDict(use_attribute_docstrings=True)
        here: int
        """In a function."""

    assert told(Ours) == told(Theirs) == {"here": "In a function."}


def test_a_class_without_source_has_no_descriptions() -> None:
    made: dict[str, type[Frozen]] = {"Frozen": Frozen}
    exec('class Made(Frozen):\n    x: int\n    """Text."""', {"__name__": "nowhere", **made}, made)
    assert told(made["Made"]) == {"x": None}


def test_a_file_is_read_once() -> None:
    docstrings._of_file.cache_clear()
    for _ in range(3):
        docstrings._fields(Plain)
        docstrings._fields(Heir)
    assert docstrings._of_file.cache_info().misses == 1
