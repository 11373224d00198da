"""Pydantic's part of the hints: its models and dataclasses, types with its constraints, and whatever else it knows.

Asked only when the task has imported it, never imported from here.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from typing import Annotated, Any

from .errors import InvalidInput

_REFERENCE = "#/$defs/{model}"
#: Of what stands behind the type in `Annotated`, that which these packages give is pydantic's to judge.
_CONSTRAINTS = ("pydantic", "pydantic_core", "annotated_types")
_adapters: dict[int, tuple[Any, Any]] = {}


def is_model(hint: Any) -> bool:
    """A pydantic model."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(hint, type) and issubclass(hint, pydantic.BaseModel)


def is_constrained(hint: Any) -> bool:
    """`Annotated[int, Field(gt=0)]`, or a dataclass of pydantic's own."""
    if typing.get_origin(hint) is Annotated:
        return any(type(one).__module__.split(".")[0] in _CONSTRAINTS for one in hint.__metadata__)
    return isinstance(hint, type) and hasattr(hint, "__pydantic_validator__") and not is_model(hint)


def adapter(hint: Any) -> Any:
    """Pydantic's `TypeAdapter` of a hint; `None` without pydantic, or when it does not know the type either."""
    pydantic = sys.modules.get("pydantic")
    if pydantic is None:
        return None
    # By identity, the hint kept alive beside it: not every hint can be hashed.
    known = _adapters.get(id(hint))
    if known is None:
        try:
            made = pydantic.TypeAdapter(hint)
        except pydantic.PydanticUserError:
            made = None
        known = _adapters[id(hint)] = (hint, made)
    return known[1]


def model_schema(model: Any) -> dict[str, Any]:
    """JSON Schema of a model, with its `$defs`."""
    schema: dict[str, Any] = model.model_json_schema(ref_template=_REFERENCE)
    return schema


def adapted_schema(found: Any) -> dict[str, Any]:
    """JSON Schema of what an adapter takes, with its `$defs`."""
    pydantic = sys.modules["pydantic"]
    try:
        schema: dict[str, Any] = found.json_schema(ref_template=_REFERENCE)
    except pydantic.PydanticUserError:
        # It can be validated and has no schema: a callable's, say.
        return {}
    return schema


def validated(validate: Callable[[Any], Any], value: Any, at: str) -> Any:
    """The value as pydantic makes it. Raises `InvalidInput` with the place of the first fault."""
    pydantic = sys.modules["pydantic"]
    try:
        return validate(value)
    except pydantic.ValidationError as invalid:
        first = invalid.errors()[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        more = f" ({invalid.error_count()} faults in all)" if invalid.error_count() > 1 else ""
        raise InvalidInput(at + pointer, first["msg"] + more) from None
