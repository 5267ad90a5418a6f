# SPDX-License-Identifier: MIT
"""What the status server says of a service, whatever state that is in."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time

import pytest
from running import SANITIZED, Client, alive, wait_until
from status_pages import Status

ENDPOINTS = "/status /status.json /status/history.json /metrics /healthz /readyz /startupz".split()


@pytest.fixture
def watched(spawn):
    """watched(*arguments): a server, and its status."""

    def watched(*arguments, **options):
        server = spawn("--status-port", "0", *arguments, **options)
        return server, Status(server)

    return watched


def test_the_status_has_spawnings_names(watched):
    server, status = watched("--processes", "2", "--threads", "3", "system_apps:router")
    server.get("/pid")

    # Where measuring takes long, one worker is measured a time; and a client has its answer before
    # the thread that gave it is free again.
    def settled():
        shown = status.json()
        measured = all(each["memory"] for each in shown["children"])
        return shown if measured and shown["concurrent_requests"] == 0 else None

    shown = wait_until(settled, server.patience, "everybody's memory")

    assert shown["pid"] == server.pid
    assert shown["active_children_count"] == shown["configured_children_count"] == 2
    assert shown["killed_children_count"] == 0
    assert {each["pid"] for each in shown["children"]} == set(server.workers())
    assert all(each["active"] and each["memory"] > 1 << 20 for each in shown["children"])
    assert shown["config"]["threadpool_workers"] == 3
    assert shown["config"]["args"] == ["system_apps:router"]
    assert shown["reloads"][-1]["verdict"] == "serving"


def test_metrics_count_requests_and_never_go_back(watched):
    server, status = watched("--processes", "2", "system_apps:router")
    for _ in range(10):
        server.get("/pid")
    server.get("/pid", method="POST")
    server.get("/nowhere")
    wait_until(lambda: status.count("requests_total") == 12, server.patience, "12 requests")
    before = status.metrics()

    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: status.count("worker_restarts_total", reason="death") == 2, server.patience)
    server.signal(signal.SIGHUP)
    wait_until(lambda: status.count("reloads_total", result="serving") == 1, server.patience)
    server.get("/pid")
    wait_until(lambda: status.count("requests_total") == 13, server.patience, "13 requests")

    after = status.metrics()
    assert status.count("requests_total", method="POST", status="2xx") == 1
    assert status.count("request_duration_seconds_count") == 13
    assert status.count("generation") == 2
    counters = [key for key in before if key[0].endswith(("_total", "_bucket", "_count", "_sum"))]
    of_the_service = [key for key in counters if "worker" not in dict(key[1])]
    assert len(of_the_service) > 60
    assert all(after[key] >= before[key] for key in of_the_service)


def answers_at_once(status):
    """Every endpoint, and the longest time that one took."""
    longest = 0.0
    for endpoint in ENDPOINTS:
        begin = time.monotonic()
        assert status.get(endpoint).status == 200
        longest = max(longest, time.monotonic() - begin)
    return longest


@pytest.mark.parametrize("stuck", ["sleep", "keep_the_gil"])
def test_every_endpoint_answers_while_all_threads_of_all_workers_are_stuck(
    watched, stuck, slowness
):
    server, status = watched(
        "--processes", "2", "--threads", "1", "--deadman", "0.1", "system_apps:router"
    )
    clients = []

    def one_more_is_stuck():
        clients.append(server.client())
        clients[-1].request(f"/{stuck}")
        return status.json()["concurrent_requests"] == 2

    try:
        wait_until(one_more_is_stuck, server.patience, "two that are stuck")
        status.json()  # memory is measured by now

        wait_until(
            lambda: answers_at_once(status) < 0.02 * slowness, server.patience, "answers at once"
        )

        assert status.count("requests_running") == 2
    finally:
        for client in clients:
            client.close()


def listed(status, count):
    """The requests that run, once there are so many."""

    def look():
        running = status.json()["running_requests"]
        return len(running) == count and (running,)

    return wait_until(look, status.server.patience, f"{count} running requests")[0]


def name_of(client):
    return "{}:{}".format(*client.socket.getsockname())


@pytest.mark.parametrize(
    ("stuck", "processes", "threads"), [("sleep", 1, 2), ("keep_the_gil", 2, 1)]
)
def test_requests_that_run_are_listed_while_all_threads_of_all_workers_are_stuck(
    watched, stuck, processes, threads
):
    server, status = watched(
        "--processes", f"{processes}", "--threads", f"{threads}", "--deadman", "0.1",
        "system_apps:router",
    )  # fmt: skip
    with server.client() as first, server.client() as second:
        first.request(f"/{stuck}?first=1")
        listed(status, 1)
        second.request(f"/{stuck}", method="DELETE")

        wait_until(lambda: listed(status, 2)[1]["age"] > 0, server.patience, "its age")
        older, younger = listed(status, 2)

        assert [older["method"], younger["method"]] == ["GET", "DELETE"]
        assert [older["path"], younger["path"]] == [f"/{stuck}?first=1", f"/{stuck}"]
        assert not older["path_cut"]
        assert [older["client"], younger["client"]] == [name_of(first), name_of(second)]
        assert {older["pid"], younger["pid"]} == set(server.workers())
        assert {older["thread"], younger["thread"]} == set(range(threads))
        assert len({older["worker"], younger["worker"]}) == processes
        assert older["generation"] == younger["generation"] == 1
        assert older["age"] > younger["age"] > 0
        assert status.json()["concurrent_requests"] == 2
        assert status.json()["running_requests"][0]["age"] > older["age"]
        oldest = [
            age for (name, _), age in status.metrics().items() if name == "oldest_request_seconds"
        ]
        assert len(oldest) == processes
        assert max(oldest) > older["age"]


def test_a_request_is_listed_until_it_ends(watched, gate):
    server, status = watched("--processes", "1", "system_apps:router")
    target = f"/gated?gate={gate.path}"
    with server.client() as client:
        client.request(target)
        assert listed(status, 1)[0]["path"] == target[:160]

        gate.open()

        assert client.response().status == 200
        listed(status, 0)
    assert status.count("oldest_request_seconds") == 0


def test_a_request_is_listed_whatever_octets_it_says(watched):
    server, status = watched("--processes", "1", "--deadman", "0.1", "system_apps:router")
    with server.client() as client:
        evil = "/sleep?</script>\"'\\u0000%ff&\\" + "a" * 1000
        client.request(evil)

        (shown,) = listed(status, 1)

        assert shown["path"] == evil[:160]
        assert shown["path_cut"]


def test_a_worker_that_is_killed_leaves_no_running_requests(watched):
    server, status = watched("--processes", "1", "--deadman", "0.1", "system_apps:router")
    with server.client() as client:
        client.request("/sleep")
        (shown,) = listed(status, 1)

        os.kill(shown["pid"], signal.SIGKILL)

        listed(status, 0)
        wait_until(lambda: status.json()["active_children_count"] == 1, server.patience)
        assert status.json()["running_requests"] == []


def test_a_request_that_was_answered_for_its_thread_is_listed_while_that_runs(watched):
    server, status = watched(
        "--processes", "1", "--request-timeout", "1", "--deadman", "2", "system_apps:router"
    )
    assert server.get("/sleep?overdue").status == 503

    (shown,) = listed(status, 1)

    assert shown["path"] == "/sleep?overdue"
    listed(status, 0)  # its worker is replaced


def test_restarts_are_told_of_with_their_reasons_by_the_next_program_too(watched):
    server, status = watched("--max-requests", "3", "--processes", "1", "system_apps:router")
    (first,) = server.workers()
    for _ in range(3):
        server.get("/pid")
    wait_until(lambda: not alive(first), server.patience, "the successor of a worker that is done")
    (second,) = wait_until(server.workers, server.patience)
    os.kill(second, signal.SIGKILL)
    wait_until(lambda: status.json()["restarts"] == {"death": 1, "requests": 1}, server.patience)

    server.re_execute()

    shown = status.json()["recent_restarts"]
    assert [each["reason"] for each in shown] == ["requests", "death"]
    assert [each["pid"] for each in shown] == [first, second]
    assert [each["summary"] for each in shown] == ["served 3 requests", "was killed by SIGKILL"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each["time"]) for each in shown)


def test_a_worker_that_cannot_be_replaced_is_told_of_once(watched, tmp_path):
    module = tmp_path / "shop.py"
    module.write_text("from spawning.wsgi_factory import hello_world as app\n")
    server, status = watched("--processes", "1", "shop:app", cwd=tmp_path)
    module.write_text("import no_such_module\n")

    os.kill(server.workers()[0], signal.SIGKILL)
    tries = "the application: ModuleNotFoundError"
    server.says(tries, 2)

    shown = status.json()
    assert [each["reason"] for each in shown["recent_restarts"]] == ["death", "start"]
    assert shown["recent_restarts"][1]["summary"].startswith(f"cannot load {tries}")
    assert shown["restarts"] == {"death": 1}


def test_the_last_ten_minutes_are_known_to_who_comes_late(watched):
    server, status = watched("--processes", "1", "system_apps:router")
    for _ in range(20):
        server.get("/pid")
    server.get("/fail")

    def history():
        shown = json.loads(status.get("/status/history.json").body)
        return shown if sum(filter(None, shown["errors_per_second"])) > 0 else None

    shown = wait_until(history, server.patience, "a sample of the last request")

    assert shown["step"] == 5 and 0 <= shown["age"] <= 5 + server.patience
    columns = [value for value in shown.values() if isinstance(value, list)]
    assert len(columns) == 8 and len({len(each) for each in columns}) == 1
    assert sum(filter(None, shown["requests_per_second"])) * 5 == pytest.approx(21, rel=0.2)
    assert sum(filter(None, shown["errors_per_second"])) * 5 == pytest.approx(1, rel=0.2)
    assert 0 < shown["latency_p50"][-1] <= shown["latency_p99"][-1] < server.patience
    assert shown["memory"][-1] > 1 << 20


def test_a_failed_reload_is_shown_with_its_traceback(watched, tmp_path):
    module = tmp_path / "shop.py"
    module.write_text("from spawning.wsgi_factory import hello_world as app\n")
    server, status = watched("shop:app", cwd=tmp_path)
    module.write_text("import no_such_module\n")

    server.signal(signal.SIGHUP)
    wait_until(lambda: status.json()["reload_counts"]["failed"] == 1, server.patience)

    shown = status.json()
    assert shown["reloads"][-1]["verdict"] == "failed"
    assert shown["reloads"][-1]["cause"] == "SIGHUP"
    assert "no_such_module" in shown["reloads"][-1]["summary"]
    assert f'File "{module}", line 1' in shown["reloads"][-1]["traceback"]
    assert status.get("/readyz").status == 200


def test_readiness_ends_with_the_drain_delay_before_the_service_does(watched):
    server, status = watched("--drain-delay", "3600", "system_apps:router")
    assert status.get("/readyz").status == 200

    server.signal(signal.SIGTERM)

    wait_until(lambda: status.get("/readyz").status == 503, server.patience)
    assert server.get("/pid").status == 200
    assert status.get("/healthz").status == 200
    server.insist(signal.SIGTERM)
    assert server.wait() == 0


def test_a_service_is_not_ready_before_its_first_workers_are(spawn, gate, tmp_path):
    # The port must be known before there is a banner: the file says it.
    (tmp_path / "slow.py").write_text(
        f"open({str(gate.path)!r}).read()\nfrom spawning.wsgi_factory import hello_world as app\n"
    )
    seen = {}

    def look():
        log = next(tmp_path.glob("stderr-*"), None)
        found = log and re.search(r"status: http://([\d.]+):(\d+)/", log.read_text())
        if not found:
            return False
        for endpoint in ("/healthz", "/readyz", "/startupz"):
            with Client(found[1], int(found[2]), 10) as client:
                client.request(endpoint, "Connection: close")
                seen[endpoint] = client.response().status
        gate.open()
        return True

    looking = threading.Thread(target=lambda: wait_until(look, 60, "the status server"))
    looking.start()
    server = spawn("--status-port", "0", "--processes", "1", "slow:app", cwd=tmp_path)
    looking.join()

    assert seen == {"/healthz": 200, "/readyz": 503, "/startupz": 503}
    assert Status(server).get("/startupz").status == 200


def test_others_than_this_machine_are_warned_of(spawn):
    server = spawn("--status-port", "0", "--status-host", "0.0.0.0", "system_apps:router")

    assert re.search(r"\[warning\].*--status-host 127.0.0.1", server.errors())


def test_the_status_port_may_not_be_the_services(run_spawn, busy_port):
    ended = run_spawn("--port", "0", "--status-port", str(busy_port), "system_apps:router")

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"--status-port: cannot bind 127.0.0.1:{busy_port}: the port is in use" in ended.stderr


def test_the_supervisor_stays_small(watched):
    server, status = watched("--processes", "4", "system_apps:router")
    for _ in range(5):
        answers_at_once(status)

    with open(f"/proc/{server.pid}/smaps_rollup", encoding="ascii") as rollup:
        (pss,) = (int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    assert SANITIZED or pss < 8 * 1024
