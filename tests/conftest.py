# SPDX-License-Identifier: MIT
"""Which build the Python tests are about: $SPAWNING_BUILD_DIR, build/release unless it is set."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("SPAWNING_BUILD_DIR", ROOT / "build" / "release")).resolve()


def sanitizers() -> str:
    """What the build was sanitized with: "address,undefined", "thread" or ""."""
    for line in (BUILD / "CMakeCache.txt").read_text().splitlines():
        if line.startswith("SPAWNING_SANITIZE:"):
            return line.partition("=")[2]
    return ""


def runtime_libraries() -> str:
    """What an interpreter must load before our module, if that is sanitized.

    libstdc++ too: the sanitizer looks for its functions before the module brings it.
    """
    kinds = {"address": ["libasan.so", "libstdc++.so.6"], "thread": ["libtsan.so"]}
    names = kinds.get(sanitizers().partition(",")[0], [])
    found = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True) for name in names
    ]
    return " ".join(each.strip() for each in found)


def pytest_configure(config: pytest.Config) -> None:
    """Starts anew with the sanitizer's library in front where the build needs one.

    The workers that tests start inherit it.
    """
    package = str(BUILD / "python")
    sys.path.insert(0, package)
    if "SPAWNING_TESTS_STARTED" in os.environ:
        return
    os.environ["SPAWNING_TESTS_STARTED"] = "1"
    libraries = runtime_libraries()
    if not libraries:
        return
    os.environ["LD_PRELOAD"] = libraries
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # the interpreter's own, at exit
    os.environ["TSAN_OPTIONS"] = f"suppressions={ROOT / 'tests' / 'thread_sanitizer.supp'}"
    config.pluginmanager.getplugin("capturemanager").stop_global_capturing()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])
