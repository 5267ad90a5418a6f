# SPDX-License-Identifier: MIT
"""Load by wrk."""

import json
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "requests.lua"


def command(port, seconds, connections=64, path="/", arguments=()):
    """What makes load, and says what came of it on the last line: see requests.lua."""
    load = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s", "-s", SCRIPT]
    return [*load, f"http://127.0.0.1:{port}{path}", "--", *arguments]


def result(output):
    """{"requests_per_second": …, "requests": …, "p50_ms": …, "p99_ms": …, "p999_ms": …, "errors": …}"""
    found = json.loads(output.splitlines()[-1])
    return {"requests_per_second": found["requests"] / found.pop("seconds"), **found}


def run(port, seconds, *before, **options):
    """`before`: a command that runs it, such as taskset."""
    load = [*before, *command(port, seconds, **options)]
    return result(subprocess.run(load, capture_output=True, text=True, check=True).stdout)
