"""The README's lines, from `pip install` to a result, in an environment that has nothing else."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from installation import HERE, PATIENCE, eventually, free_port, program

ROOT = HERE.parents[1]


def newcomers_lines() -> tuple[list[str], dict[str, str]]:
    """What is typed, and the files that are written."""
    text = (HERE.parent / "README.md").read_text()
    start = text.index("## From pip install to a result in 10 lines")
    page = text[start : text.index("\n## ", start + 1)]
    blocks = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    typed = [body.strip() for language, _, body in blocks if language == "sh"]
    files = {name: body for _, name, body in blocks if name}
    lines = [line for text in (*typed, *files.values()) for line in text.splitlines() if line]
    assert len(lines) <= 10, lines
    return typed, files


def test_from_install_to_a_result(tmp_path: Path) -> None:
    (install, serve), files = newcomers_lines()
    for name, body in files.items():
        (tmp_path / name).write_text(body)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=300)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dayfly").symlink_to(program())
    # No other environment of Python's: what is not installed by that line is not there.
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DAYFLY_", "VIRTUAL_"))
    }
    environ["PATH"] = f"{tmp_path / 'venv/bin'}:{tmp_path / 'bin'}:{environ['PATH']}"
    subprocess.run(shlex.split(install), cwd=ROOT, env=environ, check=True, timeout=300, capture_output=True)

    # Beside everything else that runs here: an address and data of its own.
    port = free_port()
    words = [*shlex.split(serve), "--listen", f"127.0.0.1:{port}", "--data", "data"]
    redis = os.environ.get("DAYFLY_TEST_REDIS_BIN") or shutil.which("redis-server") or shutil.which("valkey-server")
    words += ["--redis-bin", redis] if redis else []
    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen(words, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def serves() -> bool:
        assert service.poll() is None, (tmp_path / "log").read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/workers", timeout=10) as answer:
                return b'"id"' in answer.read()
        except OSError:
            return False

    try:
        eventually("a worker shows itself", serves)
        done = subprocess.run(
            ["python", "client.py"], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False,
            env={**environ, "DAYFLY_URL": f"http://127.0.0.1:{port}"},
        )  # fmt: skip
    finally:
        service.send_signal(signal.SIGINT)
        service.wait(PATIENCE)
    assert done.stdout == "144\n", done.stderr
