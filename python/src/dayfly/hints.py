"""One type hint: its JSON Schema, and a JSON value turned into it.

Known: None, bool, int, float, str, Decimal, datetime, date, time, timedelta, UUID, Path, Any, Optional, Union, Literal,
Enum, list, tuple, set, frozenset, dict, Mapping, TypedDict, dataclasses, NewType, Annotated; and when the task has
imported pydantic, its models, its constraints and all types that it knows. Any other class is taken as it comes and has
the schema that allows everything.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Union

from . import models
from .errors import InvalidInput

_UNIONS: tuple[Any, ...] = (Union, getattr(types, "UnionType", Union))
_LISTS = (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Set)
_DICTS = (dict, Mapping, collections.abc.MutableMapping)
_SCALARS: dict[Any, dict[str, Any]] = {
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Decimal: {"type": "number"},
    str: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    time: {"type": "string", "format": "time"},
    # Seconds, as a result has it.
    timedelta: {"type": "number"},
}


class Definitions(dict[str, Any]):
    """`$defs`: the schemas of named objects, each under a name of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[Any, str] = {}

    def name(self, hint: type) -> str:
        """The class's own name, with its module's where another class has it already."""
        if hint not in self._names:
            taken = hint.__name__ in self or hint.__name__ in self._names.values()
            self._names[hint] = f"{hint.__module__}.{hint.__qualname__}" if taken else hint.__name__
        return self._names[hint]


def _is_typed_dict(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__required_keys__")


def _bare(hint: Any) -> Any:
    """Without `Annotated`, `Required` and `NotRequired`, and what a `NewType` is a name of."""
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated or getattr(origin, "_name", "").endswith("Required"):
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        else:
            return hint


def is_record(hint: Any) -> bool:
    """Whether the hint stands for a whole object."""
    hint = _bare(hint)
    origin = typing.get_origin(hint) or hint
    return models.is_model(hint) or _is_typed_dict(hint) or _is_dataclass(hint) or origin in _DICTS


def _is_dataclass(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def holds_decimal(hint: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether a Decimal may be anywhere in it."""
    hint = _bare(hint)
    if hint is Decimal:
        return True
    if models.is_model(hint):
        return any(holds_decimal(field.annotation, seen | {hint}) for field in hint.model_fields.values())
    if (_is_dataclass(hint) or _is_typed_dict(hint)) and hint not in seen:
        return any(holds_decimal(one, seen | {hint}) for one in typing.get_type_hints(hint).values())
    return any(holds_decimal(one, seen) for one in typing.get_args(hint) if typing.get_origin(hint) is not Literal)


def schema_of(hint: Any, definitions: Definitions) -> dict[str, Any]:
    """JSON Schema (2020-12) of one hint; named objects go to `definitions`, and are referred to."""
    if models.is_constrained(hint):
        return _adapted(hint, definitions)
    hint = _bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    scalar = _scalar(hint)
    if scalar is not None:
        return dict(scalar)
    if origin in _UNIONS:
        return {"anyOf": [schema_of(one, definitions) for one in args]}
    if origin is Literal:
        return {"enum": list(args)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [one.value for one in hint]}
    if hint is tuple or origin is tuple:
        if not args:
            return {"type": "array"}
        if args[-1] is Ellipsis:
            return {"type": "array", "items": schema_of(args[0], definitions)}
        items = [schema_of(one, definitions) for one in args]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if (origin or hint) in _LISTS:
        return {"type": "array", **({"items": schema_of(args[0], definitions)} if args else {})}
    if (origin or hint) in _DICTS:
        return {"type": "object", **({"additionalProperties": schema_of(args[1], definitions)} if args else {})}
    if models.is_model(hint):
        schema = models.model_schema(hint)
        definitions.update(schema.pop("$defs", {}))
        # A model that holds itself is a reference into its own definitions already.
        return schema if "$ref" in schema else _named(hint, schema, definitions)
    if _is_dataclass(hint) or _is_typed_dict(hint):
        if definitions.name(hint) not in definitions:
            # There before its members are gone through: one of them may be of the same class.
            definitions[definitions.name(hint)] = {}
            _named(hint, _record(hint, definitions), definitions)
        return {"$ref": f"#/$defs/{definitions.name(hint)}"}
    return _adapted(hint, definitions)


def _named(hint: type, schema: dict[str, Any], definitions: Definitions) -> dict[str, Any]:
    definitions[definitions.name(hint)] = schema
    return {"$ref": f"#/$defs/{definitions.name(hint)}"}


def _adapted(hint: Any, definitions: Definitions) -> dict[str, Any]:
    """What pydantic says of a hint; everything is allowed where it is not there, or does not know the type either."""
    found = _unknown_to_us(hint)
    if found is None:
        return {}
    schema = models.adapted_schema(found)
    definitions.update(schema.pop("$defs", {}))
    return schema


def _unknown_to_us(hint: Any) -> Any:
    return None if hint is Any or hint is object or isinstance(hint, typing.TypeVar) else models.adapter(hint)


def _record(hint: Any, definitions: Definitions) -> dict[str, Any]:
    members = {name: schema_of(one, definitions) for name, (one, _) in _members(hint).items()}
    required = [name for name, (_, needed) in _members(hint).items() if needed]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def _members(hint: Any) -> dict[str, tuple[Any, bool]]:
    """The members of a dataclass or TypedDict: each one's hint, and whether it must be there."""
    hints = typing.get_type_hints(hint, include_extras=True)
    if _is_typed_dict(hint):
        return {name: (one, name in hint.__required_keys__) for name, one in hints.items()}
    missing = dataclasses.MISSING
    return {
        field.name: (hints[field.name], field.default is missing and field.default_factory is missing)
        for field in dataclasses.fields(hint)
        if field.init
    }


def _scalar(hint: Any) -> dict[str, Any] | None:
    """The schema of a hint that has no parts."""
    try:
        known = _SCALARS.get(hint)
    except TypeError:
        # Not everything that may stand as a hint can be hashed.
        return None
    if known is not None or not isinstance(hint, type):
        return known
    # Told by name and by what they can do: importing their modules would cost a small job more than all the rest.
    if hint.__module__ == "uuid" and hint.__name__ == "UUID":
        return {"type": "string", "format": "uuid"}
    return {"type": "string"} if hasattr(hint, "__fspath__") else None


def coerce(hint: Any, value: Any, at: str) -> Any:
    """`value`, read from JSON, as the hint has it. `at`: its JSON pointer. Raises `InvalidInput`."""
    if models.is_constrained(hint):
        found = _unknown_to_us(hint)
        return value if found is None else models.validated(found.validate_python, value, at)
    hint = _bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    scalar = _scalar(hint)
    if scalar is not None:
        return _coerce_scalar(hint, scalar["type"], value, at)
    if origin in _UNIONS:
        return _coerce_union(args, value, at)
    if origin is Literal:
        for one in args:
            if one == value and type(one) is type(value):
                return one
        raise InvalidInput(at, f"must be one of {', '.join(map(repr, args))}, not {value!r:.80}")
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError:
            known = ", ".join(repr(one.value) for one in hint)
            raise InvalidInput(at, f"must be one of {known}, not {value!r:.80}") from None
    if hint is tuple or origin is tuple:
        return _coerce_tuple(args, _need(list, value, at), at)
    if (origin or hint) in _LISTS:
        items = _need(list, value, at)
        into: Any = (origin or hint) if (origin or hint) in (set, frozenset) else list
        return into(coerce(args[0], one, f"{at}/{index}") for index, one in enumerate(items)) if args else into(items)
    if (origin or hint) in _DICTS:
        members = _need(dict, value, at)
        return {name: coerce(args[1], one, f"{at}/{name}") for name, one in members.items()} if args else members
    if models.is_model(hint):
        return models.validated(hint.model_validate, value, at)
    if _is_dataclass(hint) or _is_typed_dict(hint):
        members = _coerce_members(_members(hint), _need(dict, value, at), at)
        try:
            return hint(**members)
        except (ValueError, TypeError) as why:
            # What its `__post_init__` does not take.
            raise InvalidInput(at, f"is no {hint.__name__}: {why}") from why
    found = _unknown_to_us(hint)
    return value if found is None else models.validated(found.validate_python, value, at)


def _need(kind: type, value: Any, at: str) -> Any:
    if not isinstance(value, kind):
        name = "an array" if kind is list else "an object"
        raise InvalidInput(at, f"must be {name}, not {value!r:.80}")
    return value


def _coerce_scalar(hint: Any, wanted: str, value: Any, at: str) -> Any:
    number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    if hint is float and number:
        return float(value)
    if hint is Decimal and number:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    if hint is int and number and value == int(value):
        return int(value)
    if hint in (bool, type(None), str) and isinstance(value, hint):
        return value
    if hint is timedelta and number:
        try:
            return timedelta(seconds=float(value))
        except (OverflowError, ValueError) as why:
            raise InvalidInput(at, f"{value!r:.80} is no number of seconds: {why}") from None
    if isinstance(value, str) and hint not in (bool, int, float, Decimal, str, timedelta, type(None)):
        try:
            if hint in (datetime, date, time):
                return hint.fromisoformat(value.replace("Z", "+00:00") if value.endswith("Z") else value)
            return hint(value)
        except ValueError as why:
            raise InvalidInput(at, f"{value!r:.80} is no {hint.__name__}: {why}") from None
    raise InvalidInput(at, f"must be {'an' if wanted[0] in 'aeiou' else 'a'} {wanted}, not {value!r:.80}")


def _coerce_union(options: tuple[Any, ...], value: Any, at: str) -> Any:
    faults = []
    # The exact type first: of `int | float`, 1.0 is the float.
    for option in sorted(options, key=lambda one: type(value) is not one):
        try:
            return coerce(option, value, at)
        except InvalidInput as fault:
            faults.append(str(fault))
    raise InvalidInput(at, f"fits none of its types: {'; '.join(faults)}")


def _coerce_tuple(args: tuple[Any, ...], items: list[Any], at: str) -> tuple[Any, ...]:
    if not args:
        return tuple(items)
    if args[-1] is Ellipsis:
        return tuple(coerce(args[0], one, f"{at}/{index}") for index, one in enumerate(items))
    if len(items) != len(args):
        raise InvalidInput(at, f"must have {len(args)} items, not {len(items)}")
    return tuple(coerce(hint, one, f"{at}/{index}") for index, (hint, one) in enumerate(zip(args, items)))


def _coerce_members(members: dict[str, tuple[Any, bool]], value: dict[str, Any], at: str) -> dict[str, Any]:
    for name in value:
        if name not in members:
            raise InvalidInput(f"{at}/{name}", f"is not known; {', '.join(members) or 'nothing'} is")
    for name, (_, needed) in members.items():
        if needed and name not in value:
            raise InvalidInput(f"{at}/{name}", "is missing")
    return {name: coerce(members[name][0], one, f"{at}/{name}") for name, one in value.items()}
