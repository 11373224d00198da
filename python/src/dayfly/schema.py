"""Type hints of a task's function: as JSON Schema, and as what its input is turned into.

One reading of the hints for both, so that what the schema promises is what the function is given.

The input is an object whose members are the function's parameters, by name. A function with one positional parameter
whose hint is a dataclass, a pydantic model, a TypedDict, a dict or a Mapping is given the whole input instead; `def
f(*, options: dict)` opts out of that. An input that is no object goes to a function of one parameter as it is.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from .errors import InvalidInput
from .hints import Definitions, coerce, holds_decimal, is_record, schema_of

_EMPTY = inspect.Parameter.empty
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Signature:
    """A function's parameters with their resolved hints."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = getattr(function, "__qualname__", repr(function))
        try:
            hints = typing.get_type_hints(function, include_extras=True)
        except Exception as why:
            raise TypeError(
                f"a type hint of {self.name} cannot be evaluated: {why}. What it names must be imported at run time, "
                "and before Python 3.10 `X | None` is written Optional[X]"
            ) from why
        self.parameters = list(inspect.signature(function).parameters.values())
        self.hints = {one.name: hints.get(one.name, Any) for one in self.parameters}
        self.spread = next((one for one in self.parameters if one.kind is inspect.Parameter.VAR_KEYWORD), None)

    @property
    def whole(self) -> inspect.Parameter | None:
        """The one parameter that takes the whole input, when there is one."""
        if len(self.parameters) != 1 or self.parameters[0].kind not in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        ):
            return None
        only = self.parameters[0]
        positional_only = only.kind is inspect.Parameter.POSITIONAL_ONLY
        return only if positional_only or is_record(self.hints[only.name]) else None

    @property
    def wants_decimals(self) -> bool:
        """Whether a hint names Decimal, so that fractions in the input must keep their digits."""
        return any(holds_decimal(hint) for hint in self.hints.values())

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the input."""
        definitions = Definitions()
        whole = self.whole
        if whole is not None:
            schema = schema_of(self.hints[whole.name], definitions)
        else:
            members: dict[str, Any] = {}
            for one in self.parameters:
                if one.kind in _BY_NAME:
                    members[one.name] = schema_of(self.hints[one.name], definitions)
            required = [one.name for one in self.parameters if one.kind in _BY_NAME and one.default is _EMPTY]
            schema = {"type": "object", "properties": members, "required": required}
            if self.spread is None:
                schema["additionalProperties"] = False
        return {**schema, "$defs": definitions} if definitions else schema

    def bind(self, value: Any) -> tuple[list[Any], dict[str, Any]]:
        """The arguments for this input. Raises `InvalidInput`."""
        whole = self.whole
        positional = [one for one in self.parameters if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        if whole is None and not isinstance(value, Mapping) and len(positional) == len(self.parameters) == 1:
            whole = positional[0]
        if whole is not None:
            return [coerce(self.hints[whole.name], value, "")], {}
        if not isinstance(value, Mapping):
            names = ", ".join(one.name for one in self.parameters) or "no members"
            raise InvalidInput("", f"{self.name} takes an object with {names}, not {type(value).__name__}")
        given: dict[str, Any] = {}
        known = {one.name: one for one in self.parameters if one.kind in _BY_NAME}
        for name, item in value.items():
            if name in known:
                given[name] = coerce(self.hints[name], item, f"/{name}")
            elif self.spread is not None:
                given[name] = coerce(self.hints[self.spread.name], item, f"/{name}")
            else:
                raise InvalidInput(
                    f"/{name}", f"{self.name} has no such parameter; it has {', '.join(known) or 'none'}"
                )
        for name, one in known.items():
            if name not in given and one.default is _EMPTY:
                raise InvalidInput(f"/{name}", "is missing")
        return [], given


def input_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """JSON Schema (2020-12) of the input that `function` takes."""
    return Signature(function).schema()
