# SPDX-License-Identifier: MIT
"""Workers that die again and again: how often they are started, and how much is said about it."""

import os
import re
import signal

import pytest
from running import alive, wait_until

PROCESSES = 8
MOST_LINES = 50  # a minute
SERVING = """\
import os, signal
def app(environ, start_response):
    if environ["PATH_INFO"] == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fine"]
"""


@pytest.fixture
def serving(spawn, tmp_path):
    (tmp_path / "fragile.py").write_text(SERVING)
    return spawn("--processes", str(PROCESSES), "--threads", "1", "fragile:app", cwd=tmp_path)


def deploy(directory, source):
    (directory / "new.py").write_text(source)
    (directory / "new.py").rename(directory / "fragile.py")


def kill_at_once(server, workers):
    """The supervisor learns of all their deaths together."""
    server.signal(signal.SIGSTOP)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, workers)), server.patience, "their end")
    server.signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("import sys\n\nsys.exit(1)\n", "cannot load the application: SystemExit: 1"),
        ("import os\n\nos._exit(1)\n", "exited with status 1 before it was ready"),
        ("import os\n\nos.kill(os.getpid(), 9)\n", "was killed by SIGKILL before it was ready"),
    ],
)
def test_an_application_that_cannot_be_loaded_any_more_is_tried_ever_more_slowly(
    serving, tmp_path, broken, reason
):
    workers = serving.workers()
    deploy(tmp_path, broken)
    kill_at_once(serving, workers)

    serving.says("is tried in 1600 ms")

    errors = serving.errors()
    tries = [int(each) for each in re.findall(r"one worker is tried in (\d+) ms", errors)]
    assert set(tries) <= {100, 200, 400, 800, 1600}
    assert tries == sorted(tries)
    assert len(tries) <= 8
    assert PROCESSES < errors.count(reason) <= PROCESSES + 8
    # In the rest of the minute there are five more tries, and then two in each.
    assert len(errors.splitlines()) + 5 <= MOST_LINES
    assert errors.count("Traceback") == errors.count("fragile.py") == int("sys.exit" in broken)

    deploy(tmp_path, SERVING)
    serving.signal(signal.SIGHUP)
    assert serving.get("/").body == b"fine"
    wait_until(lambda: len(serving.workers()) == PROCESSES, serving.patience, "all workers")
    assert serving.stop() == 0


def test_the_others_follow_once_one_worker_can_load_again(serving, tmp_path):
    workers = serving.workers()
    deploy(tmp_path, "raise LookupError('none')")
    kill_at_once(serving, workers)
    serving.says("is tried in 200 ms")

    deploy(tmp_path, SERVING)

    wait_until(lambda: len(serving.workers()) == PROCESSES, serving.patience, "all workers")
    assert serving.get("/").body == b"fine"
    assert serving.stop() == 0


def test_workers_that_die_of_requests_are_counted_once_they_are_too_many(serving):
    deaths = 40
    for _ in range(deaths):
        with serving.client() as client:
            client.request("/die")
            assert client.at_end()
    assert serving.get("/").body == b"fine"
    assert serving.stop() == 0

    errors = serving.errors()
    assert len(errors.splitlines()) <= MOST_LINES
    single = len(re.findall(r"supervisor: worker \d+ \(pid \d+\) was killed by SIGKILL", errors))
    counted = re.findall(
        r"supervisor: in the last \d+ s also (\d+) workers? died; the last", errors
    )
    assert 30 <= single < deaths
    assert single + sum(map(int, counted)) == deaths
