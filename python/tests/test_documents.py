"""What the documents show is what the examples and the package hold."""

from __future__ import annotations

import ast
import re

import dayfly
from installation import HERE

ROOT = HERE.parents[1]


def blocks(text: str) -> list[tuple[str, str, str]]:
    """The fenced blocks: language, name of the file when one is given, body."""
    return re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_page_on_fastapi_shows_the_examples() -> None:
    shown = [(name, body) for _, name, body in blocks((ROOT / "docs/fastapi.md").read_text()) if name]
    assert len(shown) >= 5
    for name, body in shown:
        assert body in (HERE.parent / "examples/fastapi" / name).read_text(), body


def test_the_readme_names_what_is_there() -> None:
    text = (HERE.parent / "README.md").read_text()
    for language, _, body in blocks(text):
        if language == "python":
            ast.parse(body)
    named = set(re.findall(r"\bdayfly\.(\w+)", re.sub(r"dayfly\.(toml|call|py)\b", "", text)))
    assert {"job", "progress", "Retry", "Fail", "run", "task"} <= named
    assert not {name for name in named if not hasattr(dayfly, name)}
    for name in dayfly.__all__:
        assert getattr(dayfly, name) is not None
