# SPDX-License-Identifier: MIT
"""Load by wrk."""

import json
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "requests.lua"
PATIENCE = 30  # seconds, for a server that does not accept
NO_LATENCIES = {"p50_ms": None, "p99_ms": None, "p999_ms": None}


def command(port, seconds, connections=64, path="/", arguments=()):
    """What makes load, and says what came of it on the last line: see requests.lua."""
    load = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s", "-s", SCRIPT]
    return [*load, f"http://127.0.0.1:{port}{path}", "--", *arguments]


def result(output):
    """{"requests_per_second": …, "requests": …, "p50_ms": …, "p99_ms": …, "p999_ms": …, "errors": …}"""
    found = json.loads(output.splitlines()[-1])
    if not found["requests"]:
        found.update(NO_LATENCIES)
    return {"requests_per_second": found["requests"] / found.pop("seconds"), **found}


def run(port, seconds, *before, **options):
    """`before`: a command that runs it, such as taskset. Raises OSError if it cannot connect."""
    load = [*before, *command(port, seconds, **options)]
    try:
        done = subprocess.run(
            load, capture_output=True, text=True, timeout=seconds + PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise OSError("wrk does not come to an end") from None
    if done.returncode != 0:
        raise OSError(f"wrk: {done.stdout.strip() or done.stderr.strip()}")
    # Where it asks several at once, what wrk makes up for stalls is wrong.
    pipelined = any(each.startswith("pipelined=") for each in options.get("arguments", ()))
    return {**result(done.stdout), **(NO_LATENCIES if pipelined else {})}
