"""Hints of all kinds, with pydantic and without: what the schema allows, the function takes, and no more."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated, Any, NamedTuple, NewType, Optional, Union

import jsonschema
import numpy
import pydantic
import pytest

import dayfly
import shapes
from dayfly.encode import encode
from dayfly.schema import Signature, input_schema
from installation import SRC

Metres = NewType("Metres", float)


class Pair(NamedTuple):
    left: int
    right: str


@pydantic.dataclasses.dataclass
class Checked:
    share: Annotated[float, pydantic.Field(ge=0, le=1)]


@dataclass
class Span:
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("last comes before first")


@dataclass
class Line:
    """Has the same name as a class of `shapes`."""

    text: str


def everything(
    count: Annotated[int, pydantic.Field(gt=0, description="how many")],
    when: time,
    pause: timedelta,
    far: Metres,
    checked: Checked,
    pair: Pair,
    address: Optional[pydantic.HttpUrl] = None,
    either: Union[Annotated[int, pydantic.Field(ge=10)], str] = "",
) -> None:
    pass


GIVEN = {
    "count": 1, "when": "12:30:00", "pause": 1.5, "far": 2, "checked": {"share": 0.5}, "pair": [1, "x"],
    "address": "http://dayfly.example/", "either": 10,
}  # fmt: skip


def test_what_pydantic_knows_is_checked_and_shown_by_it() -> None:
    schema = input_schema(everything)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(GIVEN)
    assert schema["properties"]["count"]["description"] == "how many"
    given = Signature(everything).bind(GIVEN)[1]
    assert (given["when"], given["pause"], given["far"]) == (time(12, 30), timedelta(seconds=1.5), 2.0)
    assert (given["checked"], given["pair"]) == (Checked(0.5), Pair(1, "x"))
    assert str(given["address"]) == "http://dayfly.example/"
    for name, wrong in {
        "count": 0, "pause": "1s", "far": "2", "checked": {"share": 2}, "pair": [1], "either": 9,
    }.items():  # fmt: skip
        assert list(validator.iter_errors({**GIVEN, name: wrong})), name
        with pytest.raises(dayfly.InvalidInput) as fault:
            Signature(everything).bind({**GIVEN, name: wrong})
        assert fault.value.pointer.startswith(f"/{name}"), fault.value
    for name, wrong in {"when": "noon", "address": "no address"}.items():
        with pytest.raises(dayfly.InvalidInput, match=f"^/{name}"):
            Signature(everything).bind({**GIVEN, name: wrong})


def test_without_pydantic_nothing_of_it_is_asked() -> None:
    code = """
import json, sys
from typing import Annotated
from dayfly.schema import Signature, input_schema
class Own: pass
def f(a: Annotated[int, "doc"], b: Own): pass
print(json.dumps([input_schema(f), Signature(f).bind({"a": 1, "b": {"c": 2}})[1], "pydantic" in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONPATH": str(SRC)}, timeout=60
    )
    schema, given, loaded = json.loads(done.stdout)
    assert schema["properties"] == {"a": {"type": "integer"}, "b": {}}
    assert (given, loaded) == ({"a": 1, "b": {"c": 2}}, False)


def test_what_a_dataclass_does_not_take_is_a_fault_of_the_input() -> None:
    def count(span: Span) -> None: ...

    with pytest.raises(dayfly.InvalidInput, match=r"^the input: is no Span: last comes before first"):
        Signature(count).bind({"first": 2, "last": 1})


def test_two_classes_of_one_name_keep_their_own_schemas() -> None:
    def both(here: Line, there: shapes.Line) -> None: ...

    schema = input_schema(both)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate({"here": {"text": "x"}, "there": {"name": "x", "price": 1}})
    assert list(validator.iter_errors({"here": {"text": "x"}, "there": {"text": "x"}}))


class Colour(enum.Enum):
    RED = "red"


def test_members_may_have_names_of_other_types() -> None:
    key = uuid.UUID(int=7)
    value: dict[Any, Any] = {
        numpy.int64(3): 1, numpy.str_("s"): 2, Colour.RED: 3, date(2026, 1, 2): 4, key: 5, None: 6, True: 7,
    }  # fmt: skip
    wanted = {"3": 1, "s": 2, "red": 3, "2026-01-02": 4, str(key): 5, "null": 6, "true": 7}
    assert json.loads(encode({"in": [value]})) == {"in": [wanted]}
    with pytest.raises(TypeError, match="keys must be"):
        encode({(1, 2): 3})
