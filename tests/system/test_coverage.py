# SPDX-License-Identifier: MIT
"""`--coverage`, with two workers of real applications."""

import json
import os
import pathlib
import re
import signal

import coverage
import pytest
from running import PATIENCE, alive, in_all_modes, wait_until

SOURCE = """\
import os
import threading

def started():
    return "by a thread of the application"

def one():
    return "one"

def two():
    return "two"

def never():
    return "never"

threading.Thread(target=started).start()

def app(environ, start_response):
    # Does what the path says in the worker that the query names.
    done = b""
    if environ["QUERY_STRING"] in ("", str(os.getpid())):
        done = {"/one": one, "/two": two}.get(environ["PATH_INFO"], str)().encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d %s %s" % (os.getpid(), environ["PATH_INFO"].encode(), done)]

def blind(application):
    def wrapped(environ, start_response):
        assert not environ["PATH_INFO"].startswith(("/_coverage", "/_sysinfo")), "it was seen"
        return application(environ, start_response)
    return wrapped
"""
LINES = {text.strip(): number for number, text in enumerate(SOURCE.splitlines(), 1)}
ONE, TWO, NEVER = (LINES[f'return "{name}"'] for name in ("one", "two", "never"))


@pytest.fixture
def scratch(tmp_path):
    """$TMPDIR of what the tests start."""
    directory = tmp_path / "scratch"
    directory.mkdir()
    return directory


@pytest.fixture
def shop(spawn, tmp_path, scratch):
    """shop(*arguments): the application, measured, on two workers."""
    (tmp_path / "shop.py").write_text(SOURCE)

    def shop(*arguments, application=("shop.app",)):
        return spawn(
            *("--coverage", "--processes", "2", "--threads", "2", *arguments, *application),
            cwd=tmp_path,
            env={"TMPDIR": str(scratch)},
        )

    return shop


def report(server):
    answer = server.get("/_coverage.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)


def executed(server):
    return set(report(server)["files"]["shop.py"]["executed_lines"])


def states(server):
    """By pid what a report says of a worker."""
    return {each["pid"]: each["state"] for each in report(server)["meta"]["workers"]}


def pids(server):
    return {int(server.get("/").body.split()[0]) for _ in range(20)}


def have(server, pid, path):
    """Has this worker do what is there."""
    wait_until(
        lambda: server.get(f"{path}?{pid}").body.endswith(path[1:].encode()), PATIENCE, f"{pid}"
    )


def stopped(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def both_serve(server):
    return wait_until(lambda: sorted(found) if len(found := pids(server)) == 2 else None, PATIENCE)


@in_all_modes
def test_what_each_worker_has_done_is_in_one_report(shop, scratch):
    server = shop()
    first, second = both_serve(server)

    have(server, first, "/one")
    assert executed(server) & {ONE, TWO, NEVER} == {ONE}
    have(server, second, "/two")

    assert executed(server) & {ONE, TWO, NEVER} == {ONE, TWO}
    wait_until(lambda: states(server) == {first: "saved", second: "saved"}, PATIENCE)
    assert server.stop() == 0
    assert os.listdir(scratch) == []


@in_all_modes
def test_import_and_threads_of_the_application_count(shop):
    server = shop()

    lines = executed(server)

    assert LINES["import os"] in lines
    assert LINES['return "by a thread of the application"'] in lines
    assert list(report(server)["files"]) == ["shop.py"]


@in_all_modes
def test_what_was_done_before_a_reload_stays(shop, scratch):
    server = shop()
    before = set(server.workers())
    assert server.get("/one").body.endswith(b"one")

    server.reload()
    assert server.get("/two").body.endswith(b"two")

    assert executed(server) & {ONE, TWO, NEVER} == {ONE, TWO}
    assert {pid for pid, state in states(server).items() if state == "ended"} == before
    assert server.stop() == 0
    assert os.listdir(scratch) == []


@in_all_modes
def test_a_worker_that_is_killed_leaves_what_it_saved_last(shop, scratch, tmp_path):
    server = shop()
    first, _ = both_serve(server)
    have(server, first, "/one")

    def saved():
        for file in scratch.glob(f"*/*-{first}.saved"):
            data = coverage.CoverageData(str(file))
            data.read()
            return data.lines(str(tmp_path / "shop.py"))
        return None

    wait_until(lambda: ONE in (saved() or ()), PATIENCE, "it to be saved unasked")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not alive(first), PATIENCE)

    assert ONE in executed(server)
    assert states(server)[first] == "ended"
    assert server.stop() == 0
    assert os.listdir(scratch) == []


def ask_here(client, target):
    """Asks with a body in chunks: such a request is not passed on to a sibling."""
    client.request(target, "Transfer-Encoding: chunked")
    client.send(b"0\r\n\r\n")
    return client.response().body


def test_a_worker_that_does_not_answer_is_named(shop):
    server = shop()
    workers = set(both_serve(server))
    with server.client() as client:
        client.request("/one")
        asked = int(client.response().body.split()[0])
        (other,) = workers - {asked}
        os.kill(other, signal.SIGSTOP)
        try:
            wait_until(lambda: stopped(other), PATIENCE, "its last thread to stop")
            found = json.loads(ask_here(client, "/_coverage.json"))
            page = ask_here(client, "/_coverage").decode()
        finally:
            os.kill(other, signal.SIGCONT)

    assert {each["pid"]: each["state"] for each in found["meta"]["workers"]}[other] == "silent"
    assert ONE in found["files"]["shop.py"]["executed_lines"]
    assert re.search(rf"<strong>1 as they last saved, .*, pid {other}</strong>", page)
    wait_until(lambda: states(server).get(other) == "saved", PATIENCE, "it to answer again")


def test_the_pages_of_the_report(shop):
    server = shop()
    server.get("/one")

    index = server.get("/_coverage")
    same = server.get("/_coverage/")
    page = server.get("/_coverage/shop_py.html")

    assert (index.status, index.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b">shop.py</a>" in index.body and b">shop.py</a>" in same.body
    assert b'<base href="_coverage/">' in index.body and b"<base" not in same.body
    assert re.search(rb'class="run".*id="t%d"' % ONE, page.body)
    assert re.search(rb'class="mis.*id="t%d"' % NEVER, page.body)
    head = server.get("/_coverage", method="HEAD")
    assert head.headers["content-length"] == str(len(server.get("/_coverage").body))


def test_all_that_the_pages_refer_to_is_there(shop):
    server = shop()
    seen, waiting = set(), {""}

    while waiting:
        name = waiting.pop()
        seen.add(name)
        answer = server.get(f"/_coverage/{name}")
        assert answer.status == 200 and "x-content-type-options" in answer.headers, name
        if answer.headers["content-type"].startswith("text/html"):
            links = re.findall(r'(?:href|src)="([\w.]+)"', answer.body.decode())
            waiting |= set(links) - seen

    kinds = {os.path.splitext(name)[1] for name in seen}
    assert kinds >= {"", ".html", ".css", ".js", ".png"}


def test_what_is_none_of_the_reports_is_the_applications(shop):
    server = shop()
    assert server.get("/_coverage").status == 200

    for path in (
        *("/_coveragex", "/x/_coverage", "/_coverage.json/", "/_sysinfo"),
        *("/_coverage/nothing.html", "/_coverage/.gitignore", "/_coverage/html/index.html"),
        *("/_coverage/../lock", "/_coverage/%2e%2e/lock", "/_coverage/..%2flock"),
    ):
        answer = server.get(path)
        assert answer.status == 200
        assert re.match(rb"\d+ /", answer.body), path


def test_the_middleware_does_not_see_who_asks(shop):
    server = shop("--sysinfo", application=("shop.app", "shop.blind"))

    for path in ("/_coverage", "/_coverage/", "/_coverage.json", "/_sysinfo"):
        assert server.get(path).status == 200
        assert server.get(path, method="POST").status == 405
    assert server.get("/one").body.endswith(b"one")


def test_without_the_options_the_paths_are_the_applications(spawn, tmp_path, scratch):
    (tmp_path / "shop.py").write_text(SOURCE)
    server = spawn("shop.app", cwd=tmp_path, env={"TMPDIR": str(scratch)})

    for path in ("/_coverage", "/_coverage.json", "/_sysinfo"):
        assert re.match(rb"\d+ " + path.encode(), server.get(path).body)
    assert os.listdir(scratch) == []


def test_nothing_measured_is_said(shop, tmp_path):
    (tmp_path / ".coveragerc").write_text("[run]\nsource_pkgs = not_a_package\n")
    server = shop()

    index = server.get("/_coverage")

    assert index.status == 200
    assert b"Nothing has been measured yet" in index.body
    assert report(server)["files"] == {}


def test_a_next_supervisor_goes_on_with_what_was_measured(shop, scratch):
    server = shop()
    assert server.get("/one").body.endswith(b"one")
    server.reload()
    (directory,) = os.listdir(scratch)

    server.re_execute()
    server.reload()

    assert ONE in executed(server)
    assert os.listdir(scratch) == [directory]
    for pid in server.workers():
        with open(f"/proc/{pid}/environ", "rb") as variables:
            assert b"SPAWNING_COVERAGE_DIRECTORY" not in variables.read()
    assert server.stop() == 0
    assert os.listdir(scratch) == []


def test_workers_whose_supervisor_was_killed_leave_nothing_behind(shop, scratch):
    server = shop()
    workers = server.workers()
    assert os.listdir(scratch) != []

    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in workers), PATIENCE, "their end")

    assert os.listdir(scratch) == []
    assert "cannot be saved" not in server.errors()


class TestRefusals:
    """What cannot start, and leaves nothing behind."""

    @pytest.fixture
    def refused(self, run_spawn, tmp_path, scratch):
        def refused(source=SOURCE, **variables):
            (tmp_path / "shop.py").write_text(source)
            result = run_spawn(
                *("--port", "0", "--coverage", "shop.app"),
                cwd=tmp_path,
                env={"TMPDIR": str(scratch), **variables},
            )
            assert (result.returncode, result.stdout) == (1, ""), result
            assert not scratch.exists() or os.listdir(scratch) == []
            return result.stderr

        return refused

    def test_without_coverage_py_it_is_said_how_to_get_it(self, refused, tmp_path):
        shim = tmp_path / "shim"
        shim.mkdir()
        (shim / "coverage.py").write_text(
            "raise ModuleNotFoundError(\"No module named 'coverage'\", name='coverage')"
        )

        errors = refused(PYTHONPATH=str(shim))

        assert errors.count("coverage.py is not installed: pip install coverage") == 1
        assert "Traceback" not in errors

    def test_an_application_that_raises(self, refused):
        assert "LookupError: boom" in refused("raise LookupError('boom')")

    def test_a_configuration_that_coverage_py_does_not_understand(self, refused, tmp_path):
        (tmp_path / ".coveragerc").write_text("[run]\nbranch = perhaps\n")

        errors = refused()

        assert re.search("--coverage: .*perhaps", errors)
        assert "Traceback" not in errors

    def test_no_place_for_it(self, refused, scratch):
        scratch.rmdir()

        assert refused().startswith("spawn: --coverage: expected a directory in $TMPDIR")
