# SPDX-License-Identifier: MIT
"""Loads the application as a worker does, and ends: `python -m spawning.check SETTINGS`.

`spawn --check` starts it. It answers as `spawning.configure` does, and leaves nothing that runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import sys
from typing import Any

from spawning.application import load, patch
from spawning.configure import answer
from spawning.loading.load_failure import LoadFailure, load_failure


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    if len(arguments) != 1:
        print("spawning.check is started by `spawn --check`, with settings", file=sys.stderr)
        return 2
    return answer(
        lambda: checked(json.loads(arguments[0])), "the application is not loaded", explained
    )


def checked(config: dict[str, Any]) -> dict[str, Any]:
    """Raises whatever keeps a worker with these settings from getting ready."""
    from spawning import _native  # noqa: F401, PLC0415  # may be built for another interpreter

    if config.get("interpreters"):
        from spawning.serving import interpreters  # noqa: PLC0415  # few services have several

        interpreters.check(config)
        return {}
    patch(config)
    if config.get("coverage"):
        from spawning.pages.measurement import import_coverage  # noqa: PLC0415

        import_coverage()
    load(config)
    return {}


def explained(error: BaseException) -> LoadFailure:
    """What `spawn` is to say of it."""
    failure = getattr(error, "failure", None)
    return failure if isinstance(failure, LoadFailure) else load_failure(error)


def end_group() -> None:
    """Ends what has been started from here, unless it has left the process group."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError):
            stat = pathlib.Path(f"/proc/{name}/stat").read_text(errors="replace")
            group = int(stat.rpartition(")")[2].split()[2])
            if group == os.getpid() and int(name) != group:
                os.kill(int(name), signal.SIGKILL)


if __name__ == "__main__":
    exit_status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    end_group()
    os._exit(exit_status)  # whatever threads the application has left
