"""The package as a program.

`python -m dayfly run MODULE:FUNCTION` is one job; `python -m dayfly catalogue MODULE` says what `@task` says there,
as JSON.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .decorator import tasks_of
from .encode import encode
from .runner import run

_USAGE = """usage: python -m dayfly run MODULE:FUNCTION      run one job: input on stdin, result on stdout
       python -m dayfly catalogue MODULE         the module's tasks as JSON: name -> keys of [tasks.NAME]"""


def find(reference: str) -> Callable[..., Any]:
    """The function that `module:function` names. Raises `LookupError` saying what is missing."""
    module_name, colon, path = reference.partition(":")
    if not colon or not module_name or not path:
        raise LookupError(f"{reference!r} names no function: write it like algo:factor")
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as missing:
        if not f"{module_name}.".startswith(f"{missing.name}."):
            raise
        raise LookupError(
            f"there is no module {missing.name!r} here: put its folder on PYTHONPATH (`env` of the task), or install it"
        ) from None
    for part in path.split("."):
        if not hasattr(found, part):
            raise LookupError(f"the module {module_name} has no {path!r}")
        found = getattr(found, part)
    if not callable(found):
        raise LookupError(f"{reference} is no function: it is a {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def main(words: list[str]) -> int:
    """Exit code 2 on wrong usage, as everywhere in Dayfly."""
    try:
        if len(words) == 2 and words[0] == "run":
            run(find(words[1]))
        if len(words) == 2 and words[0] == "catalogue":
            print(encode({one.name: one.definition() for one in tasks_of(words[1])}).decode())
            return 0
    except LookupError as fault:
        print(f"dayfly: {fault.args[0]}", file=sys.stderr)
        return 2
    print(_USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
