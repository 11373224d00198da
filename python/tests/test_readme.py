"""The README's ten lines do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from installation import HERE, SRC, Installation


def test_from_install_to_a_result(tmp_path: Path) -> None:
    text = (HERE.parent / "README.md").read_text()
    for name, body in re.findall(r"^```\w+ (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(body)
    # The worker brings the package along, and looks for the module beside its file.
    site_folder = tmp_path / "site"
    site_folder.mkdir()
    (site_folder / "algo.py").write_text((tmp_path / "algo.py").read_text())
    tasks = (tmp_path / "dayfly.toml").read_text()
    site = Installation(site_folder, tasks, slots=1)
    try:
        done = subprocess.run(
            [sys.executable, "client.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "DAYFLY_URL": site.url, "PYTHONPATH": str(SRC)},
        )  # fmt: skip
    finally:
        site.stop()
    assert done.stdout == "144\n", done.stderr
