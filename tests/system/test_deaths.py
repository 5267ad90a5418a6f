# SPDX-License-Identifier: MIT
"""Workers that die, or cannot go on, and what is said of them."""

import re
import signal

import pytest
from running import MODES, THREADS, in_all_modes, wait_until

DYING = """
import atexit, os, signal, time

def at_the_end():
    if os.path.exists("crash-at-the-end"):
        os.kill(os.getpid(), signal.SIGABRT)

atexit.register(at_the_end)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/abort":
        os.abort()
    if path == "/exit":
        os._exit(0)
    if path == "/wait":
        open("waiting", "w").close()
        while not os.path.exists("abort"):
            time.sleep(0.01)
        os.abort()
    if path == "/close":
        os.closerange(3, 1000)
    start_response("200 OK", [])
    return [b"%d" % os.getpid()]
"""


@pytest.fixture
def dying(spawn, tmp_path):
    (tmp_path / "dying.py").write_text(DYING)
    return spawn("--processes", "1", "--threads", "1", "dying:app", cwd=tmp_path)


@in_all_modes
@pytest.mark.parametrize(
    ("target", "end"),
    [
        (
            "/abort?n=1",
            "was killed by SIGABRT (a crash of native code: with PYTHONFAULTHANDLER=1 Python writes down "
            "where), while it answered GET /abort?n=1 from 127.0.0.1:{}",
        ),
        ("/exit", "exited with status 0, while it answered GET /exit from 127.0.0.1:{}"),
    ],
)
def test_a_death_names_the_request_that_was_running(dying, target, end):
    with dying.client() as client:
        port = client.socket.getsockname()[1]
        client.request(target)
        assert client.file.read() == b""

    dying.says("; its successor starts at once")
    assert re.search(re.escape(end.format(port)) + r" \(for \d+\.\d s\); its", dying.errors())
    wait_until(lambda: dying.get("/").status == 200, dying.patience)


@in_all_modes
def test_who_closes_the_channel_to_the_supervisor_is_replaced_at_once(dying):
    (before,) = dying.workers()
    with dying.client() as client:
        client.request("/close")
        dying.says(
            f"worker 0 (pid {before}) closed the channel to its supervisor, which it did not open, "
            "and cannot be told anything any more; its successor starts at once"
        )
    wait_until(lambda: set(dying.workers()) - {before}, dying.patience, "a successor")

    dying.signal(signal.SIGQUIT)  # the one before does not hear that it is to stop
    assert dying.wait() == 0


def test_a_crash_at_the_end_has_lost_nothing(dying, tmp_path):
    assert dying.get("/").status == 200
    (tmp_path / "crash-at-the-end").touch()

    dying.signal(signal.SIGHUP)

    dying.says("was killed by SIGABRT at its end, after it had finished its requests")
    assert "lost" not in dying.errors()


def test_a_crash_at_a_request_whose_client_has_gone_names_it(dying, tmp_path):
    with dying.client() as client:
        client.request("/wait")
        wait_until((tmp_path / "waiting").exists, dying.patience, "the request")
    dying.signal(signal.SIGHUP)
    dying.says("reloaded: generation 2 serves")

    (tmp_path / "abort").touch()

    dying.says("while it finished its requests, and they are lost: GET /wait from 127.0.0.1:")


STAYING = """
import atexit, threading, time

def stay():
    time.sleep(1000)

if {thread}:
    threading.Thread(target=stay).start()
else:
    atexit.register(stay)

def app(environ, start_response):
    start_response("200 OK", [])
    return []
"""


@pytest.mark.parametrize(
    ("served_by", "thread"),
    [(mode, False) for mode in MODES] + [(THREADS, True)],
    indirect=["served_by"],
)
def test_a_worker_that_does_not_end_tells_what_keeps_it(spawn, slowness, tmp_path, thread):
    (tmp_path / "staying.py").write_text(STAYING.format(thread=thread))
    deadman = 3 + slowness // 2
    server = spawn("--processes", "1", "--deadman", str(deadman), "staying:app", cwd=tmp_path)
    assert server.get("/").status == 200

    assert server.stop() == 0

    said = server.errors()
    told = said.index(
        "worker: this process has served to its end, and does not end; what its threads"
    )
    assert re.search(r'staying\.py", line 5,? in stay$', said[told:], re.MULTILINE)
    killed = f"has finished its requests, but did not end in time and is killed, after {deadman} s (--deadman)"
    assert said.index(killed) > told
