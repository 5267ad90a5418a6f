# SPDX-License-Identifier: MIT
"""Servers as processes: started on a free port, and what they use."""

import contextlib
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

APPLICATION = "spawning.wsgi_factory:hello_world"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def installed(module):
    return importlib.util.find_spec(module) is not None


def compile_package(python, build):
    """As pip does with what it installs: a build has no bytecode beside its modules."""
    package = build / "python" / "spawning"
    subprocess.run([python, "-m", "compileall", "-q", package], check=True)


@contextlib.contextmanager
def running(command, build, cwd=None):
    """Starts a server, and gives its port once it answers."""
    with running_process(command, build, cwd) as (_, port):
        yield port


@contextlib.contextmanager
def running_process(command, build, cwd=None):
    """…and its process. The port is the command's last argument."""
    port = free_port()
    where = f"127.0.0.1:{port}" if command[-1] == "-b" else str(port)
    environment = {**os.environ, "PYTHONPATH": str(build / "python")}
    compile_package(sys.executable, build)
    with started([*command, where], port, environment, cwd) as process:
        yield process, port


@contextlib.contextmanager
def started(command, port, environment, cwd=None, errors=subprocess.DEVNULL):
    """A process that takes connections at `port`; at the end nothing of it is left."""
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,
    )
    try:
        wait_for(port, process)
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)  # not all end while clients are connected
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers, too
        process.wait()


def wait_for(port, process):
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def family(pid):
    """A process and its descendants."""
    yield pid
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from family(int(child))


def memory(pid):
    """Of a process and its descendants, in KiB: the proportional share of what they share (PSS)."""
    total = 0
    for each in family(pid):
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
    return total


def anonymous_memory(pid):
    """Of one process, in KiB: what is in no file, and so cannot be had back from it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+)", status, re.MULTILINE)[1])


def descriptors(pid):
    """That one process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_seconds(pid):
    """That a process and its descendants have taken, those that have ended included."""
    total = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / TICKS
