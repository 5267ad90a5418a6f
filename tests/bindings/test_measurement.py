# SPDX-License-Identifier: MIT
"""Measuring with coverage.py, in processes that stand for workers."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest
import spawning
from spawning.pages.coverage_report import CoverageReport
from spawning.pages.measurement import WorkerName, ask_to_save

# Measures in the directory, and as the worker, that the arguments name; does what it is told to.
WORKER = """
import os, sys
directory, generation, slot, package = sys.argv[1:]
sys.path[:0] = [os.getcwd(), package]
from spawning.pages.measurement import Measurement, WorkerName
measurement = Measurement(directory, WorkerName(int(generation), int(slot), os.getpid()), print)
import measured
print("measures", flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""
SOURCE = """\
import threading

def one():
    return 1

def two():
    return 2

def three():
    return 3

def in_a_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()
"""
ONE, TWO, THREE = 4, 7, 10


class Peer:
    """A process that measures."""

    def __init__(self, cwd, directory, slot=0, generation=1):
        package = str(pathlib.Path(spawning.__file__).parent.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, directory, str(generation), str(slot), package],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.name = WorkerName(generation, slot, self.process.pid)
        assert self.process.stdout.readline() == "measures\n"

    def do(self, expression):
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path / ("as-long-as-the-address-of-a-socket-must-not-be" * 3))


@pytest.fixture
def measuring(tmp_path, directory):
    """measuring(slot): a process that measures."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "measured.py").write_text(SOURCE)
    peers = []

    def measuring(slot=0, generation=1):
        peers.append(Peer(project, directory, slot, generation))
        return peers[-1]

    yield measuring
    for peer in peers:
        peer.kill()
        peer.process.stdin.close()
        peer.process.stdout.close()


@pytest.fixture
def report(tmp_path, directory, monkeypatch):
    """report(): the data of a report that this process makes."""

    def report():
        monkeypatch.chdir(tmp_path / "project")
        return json.loads(CoverageReport(directory).find("/_coverage.json")().body)

    return report


def lines(report):
    return set(report["files"]["measured.py"]["executed_lines"])


def states(report):
    return {each["slot"]: each["state"] for each in report["meta"]["workers"]}


def test_all_that_is_saved_is_in_one_report(measuring, report):
    first, second = measuring(0), measuring(1)
    first.do("measured.one()")
    second.do("measured.in_a_thread(measured.two)")

    found = report()

    assert lines(found) >= {1, ONE, TWO}
    assert THREE not in lines(found)
    assert states(found) == {0: "saved", 1: "saved"}


def test_what_runs_between_reports_is_added(measuring, report):
    peer = measuring()
    peer.do("measured.one()")
    assert THREE not in lines(report())

    peer.do("measured.three()")

    assert lines(report()) >= {ONE, THREE}


def test_a_worker_that_has_ended_leaves_all_it_has_done(measuring, report, directory):
    peer = measuring()
    peer.do("measured.one()")

    peer.do("measurement.finish()")
    peer.process.communicate()

    assert lines(report()) >= {ONE}
    assert states(report()) == {0: "ended"}
    assert os.listdir(directory).count(f"{peer.name}.saved") == 1
    assert not {f"{peer.name}.live", f"{peer.name}.socket"} & set(os.listdir(directory))


def test_a_worker_that_was_killed_leaves_what_it_has_saved(measuring, report, directory):
    peer = measuring()
    peer.do("measured.one()")
    assert ask_to_save(directory, [peer.name]) == ({peer.name}, set())
    peer.do("measured.two()")
    peer.kill()

    found = report()

    assert lines(found) & {ONE, TWO} == {ONE}
    assert states(found) == {0: "ended"}
    assert f"{peer.name}.socket" not in os.listdir(directory)


def test_a_worker_without_its_supervisor_leaves_nothing_behind(measuring, directory, tmp_path):
    peer = measuring()
    peer.do("setattr(measurement, '_supervisor', 0)")

    peer.do("measurement.finish()")

    assert os.listdir(tmp_path) == ["project"]


def test_a_sibling_sees_all_of_a_directory_that_is_removed_or_nothing(measuring, directory):
    peer = measuring()
    peer.do("setattr(measurement, '_supervisor', 0)")
    peer.do("setattr(sys.modules['shutil'], 'rmtree', lambda *_, **__: print(os.listdir('..')))")

    seen_when_files_go = peer.do("measurement.finish()")

    assert "project" in seen_when_files_go
    assert f"{os.path.basename(directory)}'" not in seen_when_files_go


def test_a_worker_that_does_not_answer_is_not_waited_for(measuring, directory):
    peer = measuring()
    stuck = WorkerName(1, 7, 1)
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(directory, os.O_RDONLY)  # an address has 108 octets
        listener.bind(f"/proc/self/fd/{here}/{stuck}.socket")
        os.close(here)
        listener.listen(1)

        deadline = time.monotonic() + 60  # for the other one to answer within half a second
        while ask_to_save(directory, [peer.name, stuck], 0.5) != ({peer.name}, {stuck}):
            assert time.monotonic() < deadline


def test_what_cannot_be_read_is_said_to_be(measuring, report, directory):
    peer = measuring()
    peer.do("measured.one()")
    broken = WorkerName(1, 3, 1)
    with open(broken.file(directory, ".saved"), "w") as file:
        file.write("no database")

    found = report()

    assert lines(found) >= {ONE}
    assert states(found) == {0: "saved", 3: "unreadable"}


def test_a_child_that_is_forked_does_not_answer_in_its_place(measuring, directory):
    peer = measuring()
    child = int(peer.do("os.fork() or __import__('time').sleep(1000)"))
    try:
        peer.kill()
        deadline = time.monotonic() + 60  # the child may not have come to run yet
        while ask_to_save(directory, [peer.name], 60) != (set(), set()):
            assert time.monotonic() < deadline
    finally:
        os.kill(child, 9)


def test_the_users_configuration_counts(measuring, report, tmp_path):
    (tmp_path / "project" / ".coveragerc").write_text(
        "[run]\nbranch = true\nparallel = true\ndata_file = elsewhere\nsource_pkgs = measured\n"
        "omit = */other.py\n[report]\nexclude_lines = return 2\n"
    )
    (tmp_path / "project" / "other.py").write_text("x = 1\n")
    peer = measuring()
    peer.do("__import__('other')")

    found = report()

    assert found["meta"]["branch_coverage"] is True
    assert list(found["files"]) == ["measured.py"]
    assert TWO in found["files"]["measured.py"]["excluded_lines"]
    assert not (tmp_path / "project" / "elsewhere").exists()


def test_without_one_it_is_the_current_directory(measuring, report, tmp_path):
    (tmp_path / "project" / "idle.py").write_text("x = 1\n")
    peer = measuring()
    peer.do("__import__('json').dumps({})")

    found = report()

    assert set(found["files"]) == {"measured.py", "idle.py"}
    assert found["files"]["idle.py"]["executed_lines"] == []


def test_a_directory_of_somebody_else_is_not_used(measuring, directory):
    os.mkdir(directory, 0o777)
    os.chmod(directory, 0o777)

    with pytest.raises(AssertionError):
        measuring()

    assert os.listdir(directory) == []


def test_only_the_latest_reports_are_kept(measuring, report, directory):
    measuring().do("measured.one()")
    report()

    for _ in range(4):
        assert CoverageReport(directory).find("/_coverage/")().status == "200 OK"

    kept = [name for name in os.listdir(directory) if name.startswith("html-")]
    assert len(kept) == 2
    assert not [name for name in os.listdir(directory) if name.startswith("scratch-")]
