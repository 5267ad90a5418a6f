# SPDX-License-Identifier: MIT
"""What this machine, this interpreter and this worker are: `/_sysinfo`.

The names are those of Spawning's `spawning.util.system`, "path_seperator" included, and some more.
What cannot be found out is None. Of the environment nothing is shown but the path of modules.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import pwd
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import spawning
from spawning.pages.control_groups import limits
from spawning.pages.interceptors import Answer, Finder
from spawning.pages.loaded_packages import loaded_packages

if TYPE_CHECKING:
    from typing import Protocol

    class Worker(Protocol):
        """What the page says of it."""

        @property
        def slot(self) -> int: ...
        @property
        def generation(self) -> int: ...


T = TypeVar("T")

PATH = "/_sysinfo"


def finder(worker: Worker) -> Finder:
    """Finds the page of this worker."""

    def page() -> Answer:
        text = json.dumps(system_information(worker), indent=2, sort_keys=True)
        return Answer("application/json", text.encode() + b"\n")

    return {PATH: page}.get


def system_information(worker: Worker) -> dict[str, Any]:
    """All of it, as JSON has it."""
    return {
        **_of_the_interpreter(),
        "python_path": [str(each) for each in sys.path],
        "temp_directory": _or_none(tempfile.gettempdir),
        "spawning_version": spawning.__version__,
        "worker": {
            "pid": os.getpid(),
            "slot": worker.slot,
            "generation": worker.generation,
            "threads": sorted(each.name for each in threading.enumerate()),
        },
        "cpu": {
            "count": os.cpu_count(),
            "usable": _or_none(lambda: len(os.sched_getaffinity(0))),
            "load_average": _or_none(lambda: list(os.getloadavg())),
        },
        "memory": {
            "total": _octets("/proc/meminfo", "MemTotal"),
            "available": _octets("/proc/meminfo", "MemAvailable"),
            "resident": _octets("/proc/self/status", "VmRSS"),
        },
        "cgroup": limits(),
        "packages": loaded_packages(),
    }


@functools.lru_cache(maxsize=1)
def _of_the_interpreter() -> dict[str, Any]:
    """What stays as it is, and partly costs a process to find out."""
    return {
        "architecture": _or_none(lambda: list(platform.architecture())),
        "max_int": sys.maxsize,
        "max_size": sys.maxsize,
        "max_unicode": sys.maxunicode,
        "name": platform.node() or None,
        "path_seperator": os.path.sep,
        "platform": _or_none(platform.platform),
        "processor": _or_none(platform.processor) or None,
        "python_version": platform.python_version(),
        "python_branch": platform.python_branch() or None,
        "python_build": list(platform.python_build()),
        "python_compiler": platform.python_compiler(),
        "python_implementation": platform.python_implementation(),
        "python_revision": platform.python_revision() or None,
        "python_version_tuple": list(platform.python_version_tuple()),
        "python_executable": sys.executable or None,
        "login": _login(),
        "system": platform.system() or None,
        "uname": _or_none(lambda: list(platform.uname())),
    }


def _login() -> str | None:
    """Who has logged in at the terminal; as there mostly is none, whom this process runs as."""
    return _or_none(os.getlogin) or _or_none(lambda: pwd.getpwuid(os.geteuid()).pw_name)


def _or_none(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except (OSError, KeyError, AttributeError, ValueError):
        return None


def _octets(file: str, name: str) -> int | None:
    """The field `name` of a file in which the kernel counts in kB."""
    try:
        with open(file, encoding="ascii", errors="replace") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key == name:
                    return int(value.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass  # as if it were not there
    return None
