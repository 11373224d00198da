"""`@task`: what an operator should know of a function, said beside it.

The function stays the plain function it was: it can be called, tested, pickled and forked as before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar, Union, overload

from .schema import input_schema
from .units import duration_text, size_text

F = TypeVar("F", bound=Callable[..., Any])
Duration = Union[str, int, float, timedelta]

_MARK = "__dayfly_task__"
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


@dataclass(frozen=True)
class Task:
    """A task as its decorator describes it."""

    name: str
    function: Callable[..., Any] = field(repr=False)
    description: str | None = None
    timeout: str | None = None
    max_timeout: str | None = None
    retries: int | None = None
    memory: str | None = None

    @property
    def reference(self) -> str:
        """`module:function`, as a worker finds it."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the input, from the function's type hints."""
        return input_schema(self.function)

    def definition(self) -> dict[str, Any]:
        """The keys of `[tasks.NAME]` in `dayfly.toml` that follow from the function and its decorator."""
        said = {
            "python": self.reference,
            "description": self.description,
            "timeout": self.timeout,
            "max_timeout": self.max_timeout,
            "retries": self.retries,
            "memory": self.memory,
            "input_schema": self.schema(),
        }
        return {key: value for key, value in said.items() if value is not None}


@overload
def task(function: F, /) -> F: ...


@overload
def task(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: Duration | None = None,
    max_timeout: Duration | None = None,
    retries: int | None = None,
    memory: str | int | None = None,
) -> Callable[[F], F]: ...


def task(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: Duration | None = None,
    max_timeout: Duration | None = None,
    retries: int | None = None,
    memory: str | int | None = None,
) -> F | Callable[[F], F]:
    """Makes a function a task: `@task` alone, or with what differs from the worker's defaults.

    `timeout`, `max_timeout`: seconds, a timedelta or a text such as "30s". `memory`: bytes or a text such as "256MiB".
    `description`: by default the docstring's first line. Raises `ValueError` and `TypeError` for what no worker
    would take.
    """
    if retries is not None and (isinstance(retries, bool) or retries < 0):
        raise ValueError(f"retries must be 0 or more, not {retries!r}")

    def mark(function: F) -> F:
        chosen = function.__name__ if name is None else name
        if not 1 <= len(chosen) <= 64 or not _NAME_CHARACTERS.issuperset(chosen):
            raise ValueError(f"a task's name is 1 to 64 letters, digits, `_`, `-` and `.`, not {chosen!r}")
        doc = inspect.getdoc(function)
        described = Task(
            name=chosen,
            function=function,
            description=description if description is not None or not doc else doc.splitlines()[0],
            timeout=None if timeout is None else duration_text(timeout),
            max_timeout=None if max_timeout is None else duration_text(max_timeout),
            retries=retries,
            memory=None if memory is None else size_text(memory),
        )
        setattr(function, _MARK, described)
        return function

    return mark if function is None else mark(function)


def task_of(function: object) -> Task | None:
    """What `@task` said of a function; `None` of any other object."""
    found = getattr(function, _MARK, None)
    return found if isinstance(found, Task) else None


def tasks_of(module: ModuleType | str) -> list[Task]:
    """The tasks of a module, given as itself or by name, in the order of their definition.

    Raises `ValueError` when two of them have one name.
    """
    loaded = import_module(module) if isinstance(module, str) else module
    found = [task for task in map(task_of, _values(loaded)) if task is not None]
    names: dict[str, Task] = {}
    for one in found:
        if names.setdefault(one.name, one) is not one:
            raise ValueError(f"two tasks are named {one.name!r}: {names[one.name].reference} and {one.reference}")
    return list(names.values())


def _values(module: ModuleType) -> Iterable[object]:
    return list(vars(module).values())
