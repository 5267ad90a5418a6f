# SPDX-License-Identifier: MIT
"""The example in docs/embedding-in-python.md does what it says."""

import re
import subprocess
import sys

from running import BUILD, DOCS, PATIENCE, environment

TEXT = (DOCS / "embedding-in-python.md").read_text()


def test_the_first_example_runs():
    example = re.search(r"```python\n(import spawning\nimport urllib.*?)```", TEXT, re.DOTALL)

    ended = subprocess.run(
        [sys.executable, "-c", example[1]],
        env=environment({"PYTHONPATH": str(BUILD / "python")}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (ended.stdout, ended.stderr) == ("b'Hello from /shop'\n", "")
