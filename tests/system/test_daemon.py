# SPDX-License-Identifier: MIT
"""`spawn` as a daemon: in the background, with a pidfile, and with files for its streams."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest
from daemons import SITE, Daemon, Outcome, files, re_execute, told, wait_for
from running import PATIENCE, wait_until

ONE = ("--processes", "1")


def test_the_command_returns_once_the_service_serves_and_leaves_nothing_open(place, pidfile):
    daemon = place.daemon("--pidfile", str(pidfile), "shop:app")

    assert daemon.get("/").status == 200
    assert pidfile.read_text() == f"{daemon.pid}\n"
    assert pidfile.stat().st_mode & 0o777 == 0o644
    assert os.getsid(daemon.pid) == daemon.pid
    assert len(daemon.workers()) == 4
    for pid in [daemon.pid, *daemon.workers()]:
        assert {daemon.stream(pid, number) for number in (0, 1, 2)} == {"/dev/null"}
    daemon.stop()
    assert not pidfile.exists()
    assert place.processes() == []


def test_sockets_of_a_service_manager_are_served_in_the_background(place):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        activated = f'exec 3<&{number}; export LISTEN_PID=$$; exec "$@"'
        service = place.command("--daemonize", *ONE, "shop:app")
        ended = subprocess.run(
            ["/bin/bash", "-c", activated, "activated", *service],
            env=place.variables({"LISTEN_FDS": "1"}),
            cwd=place.site,
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        port = listener.getsockname()[1]
    daemon = Daemon(Outcome(ended.returncode, ended.stdout, ended.stderr))

    assert daemon.banner
    assert daemon.banner[3] == str(port)
    assert daemon.get("/").status == 200
    daemon.stop()


def test_an_application_that_cannot_be_loaded_is_an_error_of_the_command(place, pidfile):
    path = place.directory / "sock"
    outcome = place.run(
        *["--daemonize", "--pidfile", str(pidfile), "--bind", f"unix:{path}", "broken:app"]
    )

    assert (outcome.status, outcome.output) == (1, "")
    assert "Traceback (most recent call last):\n" in outcome.errors
    assert "ModuleNotFoundError: No module named 'no_such_module'" in outcome.errors
    assert not pidfile.exists()
    assert not path.exists()
    assert place.processes() == []


def test_errors_of_the_start_are_seen_by_who_has_typed_the_command(place):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        outcome = place.run("--daemonize", "--bind", f"127.0.0.1:{port}", "shop:app")

    expected = f"spawn: --bind: cannot bind 127.0.0.1:{port}: the port is in use\n"
    assert outcome == (1, "", expected)
    assert place.processes() == []


@pytest.fixture
def waiting(place, gate):
    """A command that waits in the foreground for a service that does not serve yet."""
    place.write("slow.py", f"open({str(gate.path)!r}).read()\n" + SITE)
    log = place.directory / "errors"
    with log.open("w") as errors:
        process = subprocess.Popen(
            place.command("--daemonize", "--verbose", "--deadman", "1", *ONE, "slow:app"),
            cwd=place.site,
            env=place.variables(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        )
    process.log = log
    wait_for("starts", log)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_who_does_not_want_to_wait_any_more_ends_the_service(place, waiting, number):
    waiting.send_signal(number)

    assert waiting.wait(PATIENCE) == 1
    assert waiting.stdout.read() == ""
    assert place.processes() == []


def test_a_service_that_somebody_waits_for_is_not_replaced_by_another_program(place, waiting, gate):
    (supervisor,) = {pid for pid in place.processes() if os.getsid(pid) == pid}
    os.kill(supervisor, signal.SIGUSR2)
    wait_for("SIGUSR2: ignored, as somebody still waits", waiting.log)
    gate.open()

    assert waiting.wait(PATIENCE) == 0
    assert waiting.stdout.readline().endswith(f"pid {supervisor}\n")
    assert waiting.stdout.read() == ""  # nobody has it any more


def test_streams_that_are_closed_do_no_harm(place, pidfile):
    command = place.command("--daemonize", "--pidfile", str(pidfile), *ONE, "shop:app")
    closing = 'exec "$@" <&- >&- 2>&-'
    status = subprocess.run(
        ["/bin/bash", "-c", closing, "closing", *command],
        cwd=place.site,
        env=place.variables(),
        timeout=PATIENCE,
        check=False,
    ).returncode

    assert status == 0
    assert pidfile.read_text().strip().isdigit()
    supervisor = int(pidfile.read_text())
    assert {os.readlink(f"/proc/{supervisor}/fd/{number}") for number in (0, 1, 2)} == {"/dev/null"}


def test_a_pidfile_whose_process_runs_is_an_error(place, pidfile):
    daemon = place.daemon("--pidfile", str(pidfile), *ONE, "shop:app")
    path = place.directory / "sock"
    for mode in ([], ["--daemonize"]):
        outcome = place.run(*mode, "--pidfile", str(pidfile), "--bind", f"unix:{path}", "shop:app")

        expected = f"spawn: --pidfile: {pidfile} belongs to process {daemon.pid}, which runs\n"
        assert outcome == (1, "", expected)
        assert not path.exists()
    assert pidfile.read_text() == f"{daemon.pid}\n"
    assert daemon.get("/").status == 200


def test_a_pidfile_that_is_left_of_a_killed_service_is_replaced(place, pidfile):
    first = place.daemon("--pidfile", str(pidfile), *ONE, "shop:app")
    first.signal(signal.SIGKILL)
    wait_until(lambda: not place.processes(), PATIENCE, "the end of its workers")
    assert pidfile.read_text() == f"{first.pid}\n"

    second = place.daemon("--pidfile", str(pidfile), *ONE, "shop:app")

    assert pidfile.read_text() == f"{second.pid}\n"
    second.stop()
    assert not pidfile.exists()


def test_a_daemon_goes_on_as_it_is_when_it_executes_itself_anew(place, pidfile):
    log = place.directory / "errors"
    daemon = place.daemon("--pidfile", str(pidfile), "--stderr", str(log), *ONE, "shop:app")
    inode = pidfile.stat().st_ino
    workers = daemon.workers()
    for _ in range(2):
        re_execute(daemon, log)

        assert (pidfile.read_text(), pidfile.stat().st_ino) == (f"{daemon.pid}\n", inode)
        assert daemon.workers() == workers
        assert daemon.stream(daemon.pid, 2) == str(log)
        assert daemon.get("/").status == 200
        assert place.run("--pidfile", str(pidfile), "shop:app").status == 1
    daemon.stop()
    assert not pidfile.exists()


def test_streams_are_appended_to_and_opened_anew(place):
    output, errors = place.directory / "output", place.directory / "errors"
    output.write_text("before\n")
    daemon = place.daemon(
        *["--stdout", str(output), "--stderr", str(errors), "--access-log-file", "-"],
        *["--access-log-format", "%m %U", *ONE, "shop:app"],
    )
    daemon.get("/first")
    wait_for("GET /first\n", output)
    assert output.read_text() == "before\nprinted /first\nGET /first\n"

    output.rename(place.directory / "output.1")
    errors.rename(place.directory / "errors.1")
    daemon.signal(signal.SIGUSR1)
    wait_for(f"SIGUSR1: {errors} was opened anew", errors)
    (worker,) = daemon.workers()
    wait_until(lambda: daemon.stream(worker, 2) == str(errors), PATIENCE, "the new stream")
    daemon.get("/second")
    wait_for("GET /second\n", output)
    assert output.read_text() == "printed /second\nGET /second\n"
    assert daemon.stream(worker, 1) == daemon.stream(daemon.pid, 1) == str(output)

    daemon.signal(signal.SIGHUP)
    wait_for("reloaded:", errors)
    assert daemon.get("/third").status == 200
    wait_for("printed /third\n", output)
    daemon.stop()
    assert "/second" not in (place.directory / "output.1").read_text()


def test_streams_go_to_files_without_a_daemon_too(place):
    output, errors = place.directory / "output", place.directory / "errors"
    streams = ["--stdout", str(output), "--stderr", str(errors)]
    outcome = place.run(*streams, *ONE, "broken:app")

    assert outcome == (1, "", "")
    assert output.read_text() == ""
    assert "No module named 'no_such_module'" in errors.read_text()


def test_a_stream_that_cannot_be_opened_anew_goes_on(place):
    logs = place.directory / "logs"
    logs.mkdir()
    daemon = place.daemon("--stderr", str(logs / "errors"), *ONE, "shop:app")
    logs.rename(place.directory / "old")

    daemon.signal(signal.SIGUSR1)

    wait_for(
        f"SIGUSR1: standard error: the log file {logs / 'errors'} cannot be opened: No such file or "
        "directory; the old one goes on",
        place.directory / "old" / "errors",
    )
    assert daemon.get("/").status == 200


def test_variables_are_set_for_workers(place):
    daemon = place.daemon(
        *["--env", "SHOP=no", "--env=SHOP=a b=c", "--env", "EMPTY=", *ONE, "shop:app"],
        *["--env", f"PYTHONPATH={place.directory / 'python'}:/nowhere"],
    )

    variables = told(daemon)["environment"]
    assert (variables["SHOP"], variables["EMPTY"]) == ("a b=c", "")
    assert variables["PYTHONPATH"].endswith(":/nowhere")
    assert b"SHOP=" not in pathlib.Path(f"/proc/{daemon.pid}/environ").read_bytes()


def test_a_directory_behind_a_symlink_is_entered_anew(place):
    for release in ("41", "42"):
        place.write(f"{release}/shop.py", SITE)
    (place.site / "current").symlink_to("41")
    log = place.directory / "errors"
    daemon = place.daemon(
        *["--chdir", "current", "--stderr", str(log), *ONE, "shop:app"],
        env={"PWD": str(place.site)},
    )
    assert told(daemon)["directory"] == str(place.site / "41")
    assert os.readlink(f"/proc/{daemon.pid}/cwd") == str(place.site / "41")

    (place.site / "new").symlink_to("42")
    (place.site / "new").rename(place.site / "current")
    daemon.signal(signal.SIGHUP)
    wait_for("reloaded:", log)
    wait_until(lambda: len(daemon.workers()) == 1, PATIENCE, "the end of the old one")
    assert told(daemon)["directory"] == str(place.site / "42")

    re_execute(daemon, log)
    assert os.readlink(f"/proc/{daemon.pid}/cwd") == str(place.site / "42")
    daemon.signal(signal.SIGHUP)
    wait_for("reloaded:", log, 2)
    assert told(daemon)["directory"] == str(place.site / "42")


def test_other_paths_are_those_of_the_directory(place):
    place.write("release/shop.py", SITE)
    daemon = place.daemon(
        "--chdir", "release", "--pidfile", "shop.pid", "--stdout", "output", *ONE, "shop:app"
    )

    assert (place.site / "release" / "shop.pid").read_text() == f"{daemon.pid}\n"
    assert (place.site / "release" / "output").exists()
    daemon.stop()
    assert not (place.site / "release" / "shop.pid").exists()


@pytest.mark.parametrize(
    "arguments, status, expected",
    [
        (["--env", "SHOP"], 2, "--env: expected NAME=VALUE, NAME of letters, digits and _, not "),
        (["--env", "1SHOP=a"], 2, "--env: expected NAME=VALUE, NAME of letters, digits and _, "),
        (["--chuid", ":root"], 2, '--chuid: expected USER or USER:GROUP, not ":root"'),
        (["--chuid", "no-such-user"], 1, '--chuid: there is no user "no-such-user"'),
        (["--chuid", "root:no-such-group"], 1, '--chuid: there is no group "no-such-group"'),
        (["--chuid", "1234567"], 1, "--chuid: user 1234567 has no group of its own; expected "),
        (["--chdir", "absent"], 1, "--chdir: absent: No such file or directory"),
        (["--chdir", "shop.py"], 1, "--chdir: shop.py: Not a directory"),
        (["--pidfile", "absent/pid"], 1, "/site/absent/pid cannot be created: No such file or "),
        (["--pidfile", "shop.py"], 1, "/shop.py is something else than a pidfile, and is left "),
        (
            ["--stdout", "absent/log"],
            1,
            "standard output: the log file absent/log cannot be opened",
        ),
        (["--stderr", "absent/log"], 1, "standard error: the log file absent/log cannot be opened"),
    ],
)
@pytest.mark.parametrize("mode", [[], ["--daemonize"]])
def test_what_is_wrong_is_said_in_a_line_and_nothing_is_left(
    place, mode, arguments, status, expected
):
    path = place.directory / "sock"
    other = [] if "--pidfile" in arguments else ["--pidfile", str(place.directory / "pid")]
    before = files(place)

    outcome = place.run(*mode, *other, "--bind", f"unix:{path}", *arguments, "shop:app")

    assert (outcome.status, outcome.output) == (status, "")
    assert outcome.errors.startswith("spawn: ")
    assert outcome.errors.count("\n") == 1
    assert expected in outcome.errors
    assert files(place) == before
    assert place.processes() == []
