# SPDX-License-Identifier: MIT
"""Requests a second of hello world, side by side with other servers, where those are installed.

usage: peers.py BUILD_DIR [SECONDS]

Every server runs the same application on one process and is asked by `wrk -t1 -c64` over keep-alive
connections. Run rounds again rather than longer: what else the machine does changes over minutes.
"""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

APPLICATION = "spawning.wsgi_factory:hello_world"
BJOERN = """
import bjoern, sys
from spawning.wsgi_factory import hello_world
bjoern.run(hello_world, "127.0.0.1", int(sys.argv[1]))
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def installed(module):
    return importlib.util.find_spec(module) is not None


def servers(build):
    """(name, command without its port) of each server that can be started here."""
    for threads in ("1", "4"):
        spawn = [build / "cli" / "spawn", "--python", sys.executable, "--processes", "1"]
        yield f"spawn, {threads} threads", [*spawn, "--threads", threads, APPLICATION, "--port"]
    if installed("gunicorn"):
        gunicorn = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--log-level", "error"]
        yield "gunicorn gthread, 4 threads", [*gunicorn, "--threads", "4", APPLICATION, "-b"]
    if installed("bjoern"):
        yield "bjoern", [sys.executable, "-c", BJOERN]


@contextmanager
def running(command, build, cwd=None):
    """Starts a server, and gives its port once it answers."""
    with running_process(command, build, cwd) as (_, port):
        yield port


@contextmanager
def running_process(command, build, cwd=None):
    """…and its process."""
    port = free_port()
    where = f"127.0.0.1:{port}" if command[-1] == "-b" else str(port)
    environment = {**os.environ, "PYTHONPATH": str(build / "python")}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, where], env=environment, cwd=cwd, **silent)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def measure(port, seconds):
    """Requests a second."""
    command = ["wrk", "-t1", "-c64", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def main():
    build = Path(sys.argv[1]).resolve()
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    if shutil.which("wrk") is None:
        print("install wrk to compare whole servers")
        return
    sys.path.insert(0, str(build / "python"))
    results = {}
    for name, command in servers(build):
        with running(command, build) as port:
            results[name] = measure(port, seconds)
            print(f"{name:<32} {results[name]:>10.0f} requests/s", flush=True)
    for name, rate in results.items():
        if not name.startswith("spawn"):
            ratios = (
                f"{results[each] / rate:.2f} ({each})"
                for each in results
                if each.startswith("spawn")
            )
            print(f"of {name}: {', '.join(ratios)}")


if __name__ == "__main__":
    main()
