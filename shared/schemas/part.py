"""What a state has dozens of: Structs with their fields by place, small in memory and quick to write."""

from typing import Any

from msgspec import Struct, structs
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Part(Struct, frozen=True, array_like=True, gc=False):
    """Frozen, of plain values, and so nothing that the garbage collector need look at.

    In JSON it is an object, checked as Pydantic checks a dataclass; a field that it does not know is refused.
    In the compact form of a state it is an array (``shared.runtime.compact.py``).
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        fields = {
            field.name: core_schema.typed_dict_field(
                handler.generate_schema(field.type), required=field.required
            )
            for field in structs.fields(cls)
        }
        told = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        made = core_schema.no_info_after_validator_function(lambda found: cls(**found), told)
        return core_schema.json_or_python_schema(
            json_schema=made,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), made]),
            serialization=core_schema.plain_serializer_function_ser_schema(structs.asdict),
        )
