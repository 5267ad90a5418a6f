# SPDX-License-Identifier: MIT
"""A Python prompt inside a worker."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys

import pytest
import spawning
from running import DOCS, MODES, PATIENCE, THREADS, alive, in_all_modes, marked, wait_until

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")


class Person:
    """Somebody at the backdoor, as with `nc`."""

    def __init__(self, address):
        self.socket = socket.socket(
            socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        )
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def until(self, end):
        """What comes up to and including `end`."""
        text = b""
        while not text.endswith(end.encode()):
            octets = self.socket.recv(1)
            assert octets, f"the end, after {text!r}"
            text += octets
        return text.decode()

    def send(self, text):
        self.socket.sendall(text.encode())

    def ask(self, line, end=">>> "):
        """What is answered to a line."""
        self.send(line + "\n")
        return self.until(end).removesuffix(end)

    def rest(self):
        """What comes until the end, whatever kind of end that is."""
        text = b""
        try:
            for octets in iter(lambda: self.socket.recv(4096), b""):
                text += octets
        except ConnectionResetError:
            pass
        return text.decode()


class Visitor(Person):
    """…who has been greeted."""

    def __init__(self, address):
        super().__init__(address)
        self.greeting = self.until(">>> ")
        found = re.search(r"worker (\d+) of generation (\d+), pid (\d+)\n", self.greeting)
        self.slot, self.generation, self.pid = map(int, found.groups())


def address_of(server):
    found = re.search(r"backdoor: .* at 127\.0\.0\.1:(\d+)\n", server.errors())
    return "127.0.0.1", int(found[1])


@pytest.fixture
def door(spawn):
    """door(*arguments): a server with a backdoor on a free port, and its address."""

    def door(*arguments, option="--backdoor=0", **options):
        server = spawn(option, *arguments, **options)
        return server, address_of(server)

    return door


def logged(server, pattern):
    """Waits for a line of the log."""
    return wait_until(lambda: re.search(pattern, server.errors()), server.patience, pattern)


@in_all_modes
def test_a_person_finds_the_application_inside_a_worker(door, served_by):
    server, address = door("--processes", "2", "system_apps:router", "wsgiref.validate.validator")

    with Visitor(address) as person:
        assert person.pid in server.workers()
        assert (person.slot in (0, 1), person.generation) == (True, 1)
        assert "application" in person.greeting
        assert person.ask("application") == person.ask("app") != ""
        assert person.ask("system_apps.router.__name__") == "'router'\n"
        assert person.ask("wsgiref.validate.__name__") == "'wsgiref.validate'\n"
        assert person.ask("spawning.__version__") == f"{spawning.__version__!r}\n"
        expected = f"WorkerInfo(slot={person.slot}, generation=1, pid={person.pid})\n"
        assert person.ask("worker") == expected
        assert person.ask("config['num_processes'], config['backdoor']") == (
            f"(2, '127.0.0.1:{address[1]}')\n"
        )
        stacks = person.ask("stacks()")
        assert ("spawning-0" if served_by == THREADS else "1 greenlet in:\n") in stacks
        assert person.ask("import os; os.getpid()") == f"{person.pid}\n"


def test_the_session_in_the_documentation_is_a_real_one(door, tmp_path):
    (tmp_path / "shop.py").write_text(
        'stock = {"apple": 3}\ndef app(environ, start_response): ...\n'
    )
    page = (DOCS / "backdoor.md").read_text()
    session = re.search(r"```\n\$ nc 127\.0\.0\.1 3000\n(.*?)```", page, re.DOTALL)[1]
    _, address = door("--processes", "1", "shop.app", cwd=tmp_path)

    with Visitor(address) as person:
        seen = person.greeting
        for line in re.findall("^>>> (.*)", session, re.MULTILINE):
            person.send(line + "\n")
            seen += line + "\n" + (person.rest() if line == "exit()" else person.until(">>> "))

    version = f"Python {sys.version.split()[0]}:"
    expected = session.replace("18555", str(person.pid))
    assert seen == re.sub(r"Python \S+:", version, expected)


@in_all_modes
def test_a_person_changes_what_requests_see(door):
    server, address = door("--processes", "1", "system_apps:router")

    with Visitor(address) as person:
        person.ask("def changed(environ, start_response):", "... ")
        person.ask("    print('changed, and on standard output')", "... ")
        person.ask("    start_response('200 OK', [('Content-Type', 'text/plain')])", "... ")
        person.ask("    return [b'changed']", "... ")
        person.ask("")
        person.ask("system_apps.changed = changed")
        assert server.get("/changed").body == b"changed"
        # What requests print is not a session's, not even while it runs code.
        person.ask("import urllib.request")
        url = f"http://{server.host}:{server.port}/changed"
        assert person.ask(f"urllib.request.urlopen('{url}').read()") == "b'changed'\n"
        assert "ZeroDivisionError" in person.ask("1 / 0")
        assert server.get("/pid").status == 200


def test_logins_and_logouts_are_logged(door):
    server, address = door("--processes", "1", "system_apps:router")

    with Visitor(address) as person:
        client = person.socket.getsockname()
        who = rf"\[{person.pid}\] \[info\] worker: backdoor: \S+ \(uid {os.geteuid()}\) from "
        who += f"127.0.0.1:{client[1]}"
        logged(server, who + r" has logged in to worker 0 of generation 1\n")
        person.send("exit()\n")
        person.rest()
        logged(server, who + r" has left, after \d+\.\d s\n")


@in_all_modes
def test_a_browser_is_hung_up_on(door):
    server, address = door("--processes", "1", "system_apps:router")

    with Visitor(address) as person:
        person.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nimport os; os._exit(3)\n")
        person.rest()

    logged(server, r"\[warning\] worker: backdoor: .* spoke HTTP and was hung up on")
    assert server.get("/pid").status == 200


@in_all_modes
def test_eight_people_are_enough_for_a_worker(door):
    server, address = door("--processes", "1", "system_apps:router")
    people = [Visitor(address) for _ in range(8)]

    with Person(address) as ninth:
        assert ninth.rest() == "there are 8 sessions already\n"
    assert [each.ask("1") for each in people] == ["1\n"] * 8
    people.pop().socket.close()
    logged(server, " has left, after ")
    with Visitor(address) as another:
        assert another.ask("2") == "2\n"
    for each in people:
        each.socket.close()


@pytest.mark.parametrize(
    "busy, served_by",
    [
        ("while True: pass\n\n", THREADS),  # in a greenlet it would keep the hub for ever
        *itertools.product(("", "import time; time.sleep(600)\n"), MODES),
    ],
    indirect=["served_by"],
)
def test_a_reload_moves_the_door_and_an_open_session_keeps_no_worker(door, busy):
    server, address = door("--processes", "2", "--deadman", "60", "system_apps:router")

    with Visitor(address) as person:
        person.send(busy)
        server.reload()
        assert "This worker is on its way out." in person.rest()
        with Visitor(address) as after:
            assert after.generation == 2
            assert after.pid in server.workers()

    assert "did not end in time" not in server.errors()
    logged(server, r"\] worker: backdoor: .* (has left|ends with the worker), after ")


@in_all_modes
def test_a_worker_that_drains_lets_nobody_in_and_keeps_who_is_there(door, gate):
    """…for as long as it has requests to finish."""
    server, address = door("--processes", "1", "--deadman", "600", "system_apps:router")

    with Visitor(address) as person, server.client() as client:
        gate.hold(client)
        server.signal(signal.SIGHUP)
        server.says("reloaded:")
        notice = "This worker is on its way out. Who logs in again finds one that stays.\n"
        assert person.until(notice).startswith("\n")
        for _ in range(5):
            with Visitor(address) as other:
                assert other.generation == 2
        assert person.ask("worker.generation") == "1\n"
        gate.open()
        assert client.response().body == b"passed"
        assert person.rest() == ""
        wait_until(lambda: not alive(person.pid), server.patience, "its end")


def test_a_next_program_keeps_the_door_and_who_is_there(door):
    server, address = door("--processes", "1", "system_apps:router")

    with Visitor(address) as person:
        server.workers()
        server.re_execute()
        assert person.ask("worker.pid") == f"{person.pid}\n"
        with Visitor(address) as other:
            assert other.pid == person.pid
    server.reload()
    with Visitor(address) as after:
        assert after.generation == 2
    assert server.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        Person(address)


def test_a_port_that_is_taken_is_warned_of_and_the_service_goes_on(spawn, busy_port):
    server = spawn(f"--backdoor={busy_port}", "--processes", "1", "system_apps:router")

    assert server.errors().count("--backdoor") == 1
    assert (
        f"[warning] supervisor: --backdoor: cannot bind 127.0.0.1:{busy_port}: the port is in use; "
        "the service goes on without it\n"
    ) in server.errors()
    assert server.get("/pid").status == 200
    assert server.stop() == 0


def listening(pid):
    """The listening TCP sockets of a process, which may open and close others meanwhile."""
    table = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in table if line.split()[3] == "0A"}
    held = set()
    for each in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.add(os.readlink(each))
    return {inode for inode in inodes if f"socket:[{inode}]" in held}


def test_there_is_none_unless_it_is_wanted(spawn):
    server = spawn("--processes", "1", "system_apps:router")

    assert "backdoor" not in server.errors()
    assert len(listening(server.pid)) == 1


def test_what_others_could_reach_is_refused(run_spawn):
    outcome = run_spawn("--backdoor=0.0.0.0:3000", "system_apps:router")

    assert outcome.returncode == 2
    assert outcome.stderr == (
        "spawn: --backdoor: expected PORT, 127.0.0.1:PORT, [::1]:PORT or unix:PATH, as it is for "
        'nobody on other machines, not "0.0.0.0:3000"\n'
    )


def test_a_unix_socket_is_the_users_alone_and_removed_at_the_end(spawn, tmp_path):
    path = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    server = spawn(
        f"--backdoor=unix:{path}", "--umask", "0", "--processes", "1", "system_apps:router"
    )

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Visitor(str(path)) as person:
        assert person.ask("worker.slot") == "0\n"
        logged(server, rf"\(uid {os.geteuid()}\) from process {os.getpid()} has logged in")
    # A second service finds it in use, goes on without, and leaves it.
    other = spawn(f"--backdoor=unix:{path}", "--processes", "1", "system_apps:router")
    assert f"cannot bind unix:{path}: the socket is in use; the service" in other.errors()
    assert other.stop() == 0
    with Visitor(str(path)) as person:
        assert person.ask("1") == "1\n"
        server.workers()
        server.re_execute()
    with Visitor(str(path)) as person:
        assert person.ask("2") == "2\n"
    assert server.stop() == 0
    assert not path.exists()


@needs_root
def test_another_user_is_refused(door):
    server, (host, port) = door("--processes", "1", "system_apps:router")
    script = (
        "import socket, sys\n"
        f"door = socket.create_connection(('{host}', {port}))\n"
        "sys.stdout.buffer.write(door.makefile('rb').read())\n"
    )

    said = subprocess.run(
        [sys.executable, "-I", "-c", script],
        user=NOBODY,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        env={},
    ).stdout

    assert said == "spawning's backdoor lets in only processes of root; you are nobody\n"
    logged(server, rf"\[warning\] worker: backdoor: nobody \(uid {NOBODY}\) from .* was refused")


@needs_root
def test_another_user_who_leaves_at_once_is_not_taken_for_root(door, tmp_path):
    """The kernel calls root the owner of sockets that are closed."""
    server, (host, port) = door("--processes", "1", "system_apps:router")
    note = tmp_path / "note"
    script = (
        "import socket\n"
        "for _ in range(20):\n"
        f"    door = socket.create_connection(('{host}', {port}))\n"
        f"    door.sendall(b\"open('{note}', 'w')\\n\")\n"
        "    door.close()\n"
    )

    subprocess.run(
        [sys.executable, "-I", "-c", script], user=NOBODY, timeout=PATIENCE, check=True, env={}
    )

    server.says("was refused", 20)
    with Visitor((host, port)) as person:  # behind all of them
        assert person.ask("1") == "1\n"
    assert not note.exists()
    assert server.errors().count("has logged in") == 1


def test_a_process_that_a_person_forks_keeps_nothing(door, tmp_path):
    mark = str(tmp_path)
    server, address = door(
        "--processes", "1", "system_apps:router", env={"SPAWNING_TEST_MARK": mark}
    )

    with Visitor(address) as person:
        person.ask("import os, time; child = os.fork() or time.sleep(600)")
        child = int(person.ask("child"))
        assert len(listening(person.pid)) == 2
        wait_until(lambda: not listening(child), server.patience, "it to let go")
    assert server.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        Person(address)
    for pid in marked(mark):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(shutil.which("nc") is None, reason="there is no nc")
def test_nc_may_bring_a_script(door):
    _, (host, port) = door("--processes", "1", "system_apps:router")

    outcome = subprocess.run(
        ["nc", "-N", host, str(port)],
        input="for i in range(2):\n    print(i)\n\nprint('done')",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    assert outcome.stdout.endswith(">>> ... ... 0\n1\n>>> done\n>>> \n")


@pytest.mark.skipif(shutil.which("telnet") is None, reason="there is no telnet")
def test_telnet_works(door):
    _, (host, port) = door("--processes", "1", "system_apps:router")

    client = subprocess.Popen(
        ["telnet", host, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with client:
        client.stdin.write(b"6 * 7\nexit()\n")
        client.stdin.flush()  # but not closed: then it ends before it has an answer
        said = client.stdout.read()

    assert b">>> 42\n" in said.replace(b"\r\n", b"\n")
