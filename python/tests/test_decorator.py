"""`@task`, schemas, units and JSON, as pure functions."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import pickle
import subprocess
import sys
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import jsonschema
import numpy
import pydantic
import pytest

import algo
import dayfly
from dayfly.encode import encode
from dayfly.schema import Signature, input_schema
from dayfly.units import duration_text, size_text
from installation import HERE, SRC


class Model(pydantic.BaseModel):
    name: str
    amount: Decimal
    parts: list[Model] = []


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Tree:
    value: int
    children: list[Tree] = dataclasses.field(default_factory=list)


class Size(TypedDict, total=False):
    width: int
    height: int


def everything(
    a: int,
    b: float,
    c: Optional[str],
    d: Literal["x", 1],
    e: tuple[int, str],
    f: dict[str, list[bool]],
    g: Tree,
    h: Model,
    i: Size,
    j: Annotated[Level, "note"],
    k: uuid.UUID,
    m: Path,
    n: datetime,
    o: Union[int, str, None] = None,
    *,
    p: set[int] = frozenset(),  # type: ignore[assignment]
    q: Any = None,
) -> None:
    pass


GIVEN: dict[str, Any] = {
    "a": 1, "b": 2, "c": None, "d": "x", "e": [1, "y"], "f": {"k": [True]},
    "g": {"value": 1, "children": [{"value": 2}]},
    "h": {"name": "n", "amount": 1.5, "parts": [{"name": "m", "amount": 2}]}, "i": {"width": 3}, "j": 2,
    "k": "8d7d3f1e-3f0c-4b44-9d4b-8b5c1f1d2a3b", "m": "/tmp/x", "n": "2026-01-02T03:04:05Z", "p": [1, 2, 2],
}  # fmt: skip


def test_a_schema_and_what_it_promises() -> None:
    schema = input_schema(everything)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(GIVEN)) == []
    args, given = Signature(everything).bind(GIVEN)
    assert args == []
    assert given["b"] == 2.0
    assert isinstance(given["b"], float)
    assert given["e"] == (1, "y")
    assert given["g"] == Tree(1, [Tree(2)])
    assert given["h"].parts[0] == Model(name="m", amount=Decimal(2))
    assert given["j"] is Level.HIGH
    assert given["k"] == uuid.UUID(GIVEN["k"])
    assert given["m"] == Path("/tmp/x")
    assert given["n"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert given["p"] == {1, 2}
    for name, wrong in {
        "a": 1.5, "b": "2", "c": 1, "d": 2, "e": [1], "f": {"k": 1}, "g": {"value": "1"}, "h": {"name": 1, "amount": 1},
        "i": {"depth": 1}, "j": 3, "o": [], "p": ["x"],
    }.items():  # fmt: skip
        value = {**GIVEN, name: wrong}
        assert list(validator.iter_errors(value)), name
        with pytest.raises(dayfly.InvalidInput) as fault:
            Signature(everything).bind(value)
        assert fault.value.pointer.startswith(f"/{name}"), fault.value


def test_what_takes_the_whole_input() -> None:
    def model(given: Model) -> None: ...
    def named(*, given: dict[str, int]) -> None: ...
    def spread(a: int, **rest: int) -> None: ...

    assert Signature(model).bind({"name": "x", "amount": 1})[0] == [Model(name="x", amount=Decimal(1))]
    assert Signature(named).bind({"given": {"a": 1}}) == ([], {"given": {"a": 1}})
    assert Signature(spread).bind({"a": 1, "b": 2}) == ([], {"a": 1, "b": 2})
    assert input_schema(spread) == {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    with pytest.raises(dayfly.InvalidInput, match=r"/parts/0/name: .*\(2 faults in all\)"):
        Signature(model).bind({"name": "x", "amount": 1, "parts": [{}]})


def test_a_hint_that_means_nothing_at_run_time() -> None:
    def function(given: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(TypeError, match=r"function cannot be evaluated: name 'Missing' is not defined"):
        input_schema(function)


def test_a_task_stays_a_plain_function() -> None:
    assert pickle.loads(pickle.dumps(algo.odd)) is algo.odd
    assert algo.odd("x") == {"how": "x"}
    described = dayfly.task_of(algo.odd)
    assert described is not None
    assert (described.name, described.reference, described.description) == ("odd", "algo:odd", "Behaves as it is told.")
    assert dayfly.task_of(algo.echo) is None
    assert [one.name for one in dayfly.tasks_of("algo")] == ["odd"]

    @dayfly.task
    def bare() -> None: ...

    described = dayfly.task_of(bare)
    assert described is not None
    assert described.definition()["input_schema"]["properties"] == {}
    assert "timeout" not in described.definition()


def test_the_catalogue_of_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dayfly", "catalogue", "algo"], capture_output=True, check=True,
        env={"PYTHONPATH": f"{SRC}:{HERE}"},
    )  # fmt: skip
    odd = json.loads(done.stdout)["odd"]
    assert (odd["python"], odd["timeout"], odd["retries"], odd["memory"]) == ("algo:odd", "20s", 2, "256MiB")
    assert odd["input_schema"]["required"] == ["how"]


def test_wrong_decorators() -> None:
    for wrong, says in [
        ({"timeout": "20"}, "write it like 250ms"),
        ({"timeout": -1}, "0 or more seconds"),
        ({"retries": -1}, "0 or more"),
        ({"memory": "many"}, "write it like 64KiB"),
        ({"name": "a b"}, "1 to 64 letters"),
    ]:
        with pytest.raises(ValueError, match=says):
            dayfly.task(**wrong)(input_schema)  # type: ignore[arg-type]


def test_units() -> None:
    assert [duration_text(one) for one in (1, 0.25, timedelta(minutes=2), "1h30m", 0.0001, 0)] == [
        "1000ms", "250ms", "120000ms", "1h30m", "1ms", "0ms",
    ]  # fmt: skip
    assert [size_text(one) for one in (1024, "8GiB")] == ["1024B", "8GiB"]
    for wrong in ("30", "s", "-3s", math.nan, math.inf, -1):
        with pytest.raises(ValueError, match="duration"):
            duration_text(wrong)


def test_values_as_json() -> None:
    value = {
        "tree": Tree(1), "model": Model(name="ü", amount=Decimal("0.10")), "when": date(2026, 1, 2), "level": Level.LOW,
        "path": Path("/x"), "set": {1}, "scalar": numpy.float64(1.5), "whole": numpy.int64(2**60),
        "array": numpy.arange(4).reshape(2, 2), "flag": numpy.bool_(True), "big": 10**400, 1: None, "lone": "\ud800",
    }  # fmt: skip
    text = encode(value).decode()
    assert '"amount":0.10' in text
    assert '"name":"ü"' in text
    back = json.loads(text)
    assert back["array"] == [[0, 1], [2, 3]]
    assert (back["whole"], back["big"], back["1"], back["lone"]) == (2**60, 10**400, None, "\ud800")
    # The same by both ways of writing, but for the digits.
    slow = encode({"x": value, "d": Decimal(1)}).decode()
    assert json.loads(slow) == {"x": back, "d": 1}
    for wrong in (math.nan, Decimal("NaN"), [Decimal(1), math.inf], numpy.array([math.nan])):
        with pytest.raises(ValueError, match="JSON"):
            encode(wrong)
    for strange in (b"x", object(), [Decimal(1), object()], {(1, 2): Decimal(1)}):
        with pytest.raises(TypeError, match=r"JSON form|keys must be"):
            encode(strange)
    loop: list[Any] = [Decimal(1)]
    loop.append(loop)
    with pytest.raises(ValueError, match="Circular"):
        encode(loop)
