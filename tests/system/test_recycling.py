# SPDX-License-Identifier: MIT
"""Workers that have served enough, or take too long to go."""

import pathlib
import re
import signal
import time

import pytest
from busy_clients import asking
from running import alive, wait_until

APP = ("system_apps:router", "wsgiref.validate.validator")


def turnover(errors):
    """How many workers serve, and how many load, after each line of a verbose log."""
    serving, loading, most_loading, fewest_serving = set(), set(), 0, None
    for number, event in re.findall(
        r"supervisor: (worker \d+ \(pid \d+\)) (starts|serves|is told to finish)$",
        errors,
        re.MULTILINE,
    ):
        if event == "starts":
            loading.add(number)
        elif event == "serves":
            loading.remove(number)
            serving.add(number)
            if fewest_serving is None and not loading:
                fewest_serving = len(serving)
        else:
            serving.remove(number)
        if fewest_serving is not None:
            most_loading = max(most_loading, len(loading))
            fewest_serving = min(fewest_serving, len(serving))
    return fewest_serving, most_loading


def test_workers_that_have_served_enough_are_replaced_one_after_the_other(spawn):
    server = spawn("-v", "--processes", "2", "--max-requests", "50", *APP)

    with asking(server, "/pid", lasting=0):
        server.says(" is told to finish\n", 4)

    errors = server.errors()
    assert turnover(errors) == (2, 1)
    assert re.search(r"worker \d \(pid \d+\): served [\d,]+ requests; it is being replaced", errors)
    assert server.stop() == 0


def test_old_workers_are_replaced_one_after_the_other(spawn):
    server = spawn("-v", "--processes", "2", "--max-age", "2", *APP)

    with asking(server, "/pid", lasting=0):
        server.says(" is told to finish\n", 4)

    assert turnover(server.errors()) == (2, 1)
    assert "has served for 2 s; it is being replaced" in server.errors()
    assert server.stop() == 0


def memory_of_a_worker(spawn):
    """In KiB; a sanitizer's is many times what it is without."""
    server = spawn("--processes", "1", *APP)
    assert server.get("/pid").status == 200
    (worker,) = server.workers()
    rollup = pathlib.Path(f"/proc/{worker}/smaps_rollup").read_text(encoding="ascii")
    assert server.stop() == 0
    return int(re.search(r"^Pss: +(\d+) kB$", rollup, re.MULTILINE)[1])


@pytest.mark.parametrize(("option", "workers"), [("--max-worker-memory", 1), ("--max-memory", 2)])
def test_leaking_workers_are_replaced_one_after_the_other(spawn, option, workers):
    limit = workers * (memory_of_a_worker(spawn) * 5 // 4 + (100 << 10))
    server = spawn("-v", "--processes", "2", option, str(limit), *APP)

    with asking(server, "/leak", lasting=0):
        server.says(" is told to finish\n", 2)

    errors = server.errors()
    assert turnover(errors) == (2, 1)
    assert re.search(r"worker \d \(pid \d+\): uses [\d,]+ MiB.*; it is being replaced", errors)
    assert "just begun use" not in errors  # nor is the limit too low for it
    assert server.stop() == 0


def test_a_limit_that_no_worker_can_keep_is_warned_of_and_replaces_nobody(spawn):
    server = spawn("--processes", "2", "--max-worker-memory", "4M", *APP)
    first = server.workers()

    server.says("a worker that has just begun uses")

    assert set(server.workers()) == set(first)
    assert server.errors().count("[warning]") == 1


@pytest.mark.parametrize("name", ["sleep", "keep_the_gil"])
def test_what_a_worker_does_that_does_not_stop_is_logged_before_it_is_killed(
    spawn, slowness, tmp_path, name
):
    server = spawn("--processes", "1", "--threads", "2", "--deadman", "1", *APP)
    (worker,) = server.workers()
    with server.client() as client:
        client.request(f"/{name}?note={tmp_path}/there")
        wait_until((tmp_path / "there").exists, server.patience, "the application's turn")
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert time.monotonic() - began < 4 * slowness

    errors = server.errors()
    assert re.search(rf'File ".*/system_apps\.py", line \d+ in {name}$', errors, re.MULTILINE)
    assert re.search(
        rf"a request still runs after \d\.\d s: GET /{name}\?note=\S+ from 127\.0\.0\.1:\d+, on thread 0x",
        errors,
    )
    assert f"worker 0 (pid {worker}) did not end in time and is killed" in errors
    assert not alive(worker)


def test_a_request_whose_client_has_gone_is_logged_too(spawn, tmp_path):
    server = spawn("--processes", "1", "--threads", "1", "--deadman", "1", *APP)
    with server.client() as client:
        client.request(f"/sleep?note={tmp_path}/there")
        wait_until((tmp_path / "there").exists, server.patience, "the application's turn")

    assert server.stop() == 0

    assert "GET /sleep?note=" in server.errors()


def test_where_an_application_hangs_that_does_not_load_is_logged(run_spawn, tmp_path):
    (tmp_path / "hanging.py").write_text("import time\n\ntime.sleep(600)\n")

    ended = run_spawn(
        "--port", "0", "--processes", "1", "--boot-timeout", "5", "hanging:app", cwd=tmp_path
    )

    assert ended.returncode == 1
    assert "was not ready within 5 s" in ended.stderr
    assert f'File "{tmp_path}/hanging.py", line 3 in <module>' in ended.stderr
