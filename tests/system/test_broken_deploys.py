# SPDX-License-Identifier: MIT
"""Reloads of applications that cannot be loaded: nobody notices but who reads the log."""

import os
import pathlib
import re
import signal
import socket
import textwrap

import pytest
from busy_clients import asking
from running import children_of, marked, wait_until

PROCESSES = 2
WORKING = """
    import os
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"%d" % os.getpid()]
"""
FORK = """
    import os, time
    if os.fork() == 0:
        {child}
    {parent}
"""

# A sanitizer would make an exit of a crash, and something of its own to say.
CRASHES_ARE_CRASHES = {
    name: f"{os.environ.get(name, '')}:handle_segv=0" for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")
}

# Name: what is deployed, and what the log must say; "@" stands for the path of the file.
BROKEN = {
    "syntax error": ("def app(:", ['File "@", line 1', "SyntaxError: "]),
    "missing import": (
        "import os\nimport not_there_at_all",
        ['File "@", line 2', "ModuleNotFoundError: No module named 'not_there_at_all'"],
    ),
    "sys.exit": ("import sys; sys.exit(3)", ['File "@", line 1', "SystemExit: 3"]),
    "os._exit": ("import os; os._exit(3)", ["exited with status 3 before it was ready"]),
    "exit status 0": ("import os; os._exit(0)", ["exited with status 0 before it was ready"]),
    "hang": (
        "import time\n\ntime.sleep(600)",
        ["was not ready within", 'File "@", line 3 in <module>'],
    ),
    "not callable": ("app = 3", ["'deployed:app' is an int, which is not callable"]),
    "segfault": (
        "import ctypes\nctypes.string_at(0)",
        ["was killed by SIGSEGV"],
    ),
    "abort": ("import os\nos.abort()", ["was killed by SIGABRT"]),
    "exception without words": (
        "class Mute(Exception):\n    def __str__(self):\n        raise self\nraise Mute",
        ['File "@", line 4', "Mute: <exception str() failed>"],
    ),
    "memory error": ("[0] * (1 << 62)", ['File "@", line 1', "MemoryError"]),
    "no descriptor left": (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))\n"
        "files = []\nwhile True: files.append(open('/dev/null'))",
        ['File "@", line 4', "OSError: [Errno 24] Too many open files: '/dev/null'"],
    ),
    "module of ours that shadows": (
        "import sys, types\nsys.modules['tokenize'] = types.ModuleType('tokenize')\n1 / 0",
        ['File "@", line 3', "ZeroDivisionError"],
    ),
    "deep recursion": (
        "def down(): down()\ndown()",
        ['File "@", line 2', "RecursionError: maximum recursion depth exceeded"],
    ),
    "thread that goes on": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n1 / 0",
        ['File "@", line 3', "ZeroDivisionError"],
    ),
    "closed descriptors": (
        f"import os\nos.closerange(3, 11){textwrap.dedent(WORKING)}",
        ["before it was ready"],  # it closed the channel, or has exited if that is heard of first
    ),
    "closed descriptors and no end": (
        "import os, time\nos.closerange(3, 11)\ntime.sleep(600)",
        ["before it was ready"],  # it ends if its I/O thread is just about to use one of them
    ),
    "child that goes on": (
        FORK.format(child="time.sleep(600)", parent="raise OSError('of the parent')"),
        ['File "@", line 5', "OSError: of the parent"],
    ),
    "child that comes back": (
        FORK.format(child="raise OSError('of the child')", parent="raise OSError('of the parent')"),
        ['File "@", line 5', "OSError: of the parent"],
    ),
}


def deploy(directory, source):
    (directory / "new.py").write_text(textwrap.dedent(source))
    (directory / "new.py").rename(directory / "deployed.py")


def left(mark, server):
    """The processes that `server` and its applications have started, without those that serve."""
    return set(marked(mark)) - {server.pid}


def zombies(server):
    """Children of the server that have ended, and that it has not waited for."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = pathlib.Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] == "Z" and int(fields[1]) == server.pid:
            found.append(int(name))
    return found


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_deploy_is_noticed_by_nobody_but_who_reads_the_log(
    spawn, tmp_path, slowness, name
):
    source, texts = BROKEN[name]
    deploy(tmp_path, WORKING)
    options = ["--boot-timeout", str(max(5, 2 * slowness))] if name == "hang" else []
    server = spawn(
        *["--processes", str(PROCESSES), "--threads", "2", *options, "deployed:app"],
        cwd=tmp_path,
        env={"SPAWNING_TEST_MARK": str(tmp_path), **CRASHES_ARE_CRASHES},
    )
    workers = server.workers()

    with asking(server):
        deploy(tmp_path, source)
        server.signal(signal.SIGHUP)
        server.says("is discarded")
        wait_until(
            lambda: (
                left(tmp_path, server) == set(children_of(server.pid)) == set(workers)
                and not zombies(server)
            ),
            server.patience,
            "only the old workers",
        )
        errors = server.errors()
        for text in texts:
            assert text.replace("@", f"{tmp_path}/deployed.py") in errors
        assert len(re.findall(r"\[error\] supervisor", errors)) == 1

        deploy(tmp_path, WORKING)
        server.signal(signal.SIGHUP)
        server.says("reloaded: generation 3")

    wait_until(
        lambda: not set(server.workers()) & set(workers), server.patience, "the end of the old"
    )
    assert server.stop() == 0
    assert left(tmp_path, server) == set()
    with socket.create_server((server.host, server.port)):
        pass  # nobody holds the port
