# SPDX-License-Identifier: MIT
"""`spawn` as another user: root that becomes somebody else, and users who may nearly nothing."""

import grp
import os
import pathlib
import pwd
import signal
import subprocess
import sys

import pytest
from daemons import files, re_execute, told, wait_for
from running import BANNER, PATIENCE, Client

ONE = ("--processes", "1")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def numbers(pid, name):
    """Of a line in /proc/PID/status: the real, effective, saved and file system ids."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return [int(each) for each in line.split()[1:]]
    raise AssertionError(name)


def capabilities(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":\t") for line in lines if line.startswith(("CapPrm", "CapEff")))
    return {name: int(value, 16) for name, value in pairs}


@needs_root
@pytest.mark.parametrize("mode", ["foreground", "background"])
def test_root_binds_and_opens_and_is_root_no_more(place, pidfile, spawn, mode):
    path, log = place.directory / "sock", place.directory / "errors"
    arguments = [
        *["--chuid", "nobody:daemon", "--bind", "127.0.0.1:0", "--bind", f"unix:{path}", *ONE],
        *["--umask", "027", "--stderr", str(log), "--pidfile", str(pidfile), "shop:app"],
    ]
    if mode == "background":
        daemon = place.daemon(*arguments)
    else:
        python = os.path.realpath(sys.executable)
        daemon = spawn(
            *arguments,
            program=str(place.program),
            python=python,
            cwd=place.site,
            env=place.variables(),
        )
    (worker,) = daemon.workers()

    user, group = pwd.getpwnam("nobody").pw_uid, grp.getgrnam("daemon").gr_gid
    groups = sorted(os.getgrouplist("nobody", group))
    for pid in (daemon.pid, worker):
        assert numbers(pid, "Uid") == [user] * 4
        assert numbers(pid, "Gid") == [group] * 4
        assert sorted(numbers(pid, "Groups")) == groups
        assert capabilities(pid) == {"CapPrm": 0, "CapEff": 0}
    seen = told(daemon)
    assert seen["users"] == [user] * 3
    assert seen["groups"] == [group] * 3
    assert sorted(seen["supplementary"]) == groups
    assert seen["root again"] == [False] * 4
    assert seen["umask"] == 0o027
    assert seen["environment"]["HOME"] == pwd.getpwnam("nobody").pw_dir
    assert seen["environment"]["USER"] == seen["environment"]["LOGNAME"] == "nobody"
    for each in (path, log):
        assert (each.stat().st_uid, each.stat().st_gid) == (user, group)
    assert (pidfile.stat().st_uid, pidfile.read_text()) == (0, f"{daemon.pid}\n")

    re_execute(daemon, log)
    assert numbers(daemon.pid, "Uid") == [user] * 4
    assert daemon.get("/").status == 200
    daemon.stop()
    assert pidfile.read_text() == ""  # the directory is root's: an empty one is nobody's
    assert place.daemon("--pidfile", str(pidfile), *ONE, "shop:app").get("/").status == 200


@needs_root
def test_logs_in_a_directory_of_the_users_are_opened_anew(place):
    logs = place.directory / "logs"
    logs.mkdir()
    os.chown(logs, 12345, 12346)
    output, errors, access = (logs / name for name in ("output", "errors", "access"))
    daemon = place.daemon(
        *["--chuid", "12345:12346", "--stdout", str(output), "--stderr", str(errors)],
        *["--access-log-file", str(access), *ONE, "shop:app"],
    )
    for path in (output, errors, access):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)
        path.rename(path.with_suffix(".1"))

    daemon.signal(signal.SIGUSR1)

    wait_for(f"SIGUSR1: {access} was opened anew", errors)
    assert told(daemon)["users"] == [12345] * 3
    wait_for("GET /", access)


@needs_root
def test_only_root_becomes_somebody_else_but_everybody_may_stay_who_they_are(place):
    path = place.directory / "sock"
    as_user = {"user": 12345, "group": 12346, "extra_groups": []}
    for who in ("12345:0", "nobody", "root"):
        outcome = place.run("--chuid", who, "--bind", f"unix:{path}", "shop:app", **as_user)

        assert (outcome.status, outcome.output) == (1, "")
        assert outcome.errors.startswith("spawn: --chuid: this process cannot become ")
        assert outcome.errors.endswith(
            ": only root can become somebody else, and it runs as user 12345, group 12346\n"
        )
        assert not path.exists()

    daemon = place.daemon("--chuid", "12345:12346", *ONE, "shop:app", **as_user)
    assert told(daemon)["users"] == [12345] * 3


# No file system is there that could be written to, no /tmp, and the place is seen as /mnt.
READ_ONLY = """
mount --make-rprivate /
mount --bind "$1" /mnt
mount -o remount,bind,ro /
mount -o remount,bind,ro /mnt
mount -t tmpfs -o ro,mode=755 none /tmp
mount -t tmpfs -o ro,mode=755 none /var/tmp
shift
cd /mnt/site
exec setpriv --reuid 54321 --regid 54321 --clear-groups "$@"
"""


def may_mount():
    return (
        os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0
    )


@needs_root
@pytest.mark.parametrize("where", ["where nothing is theirs", "where nothing can be written"])
def test_a_user_whom_nobody_knows_needs_no_home_and_writes_nothing(place, where):
    log = place.directory / "log"
    log.touch()
    os.chown(log, 54321, 54321)
    before = files(place)
    variables = place.variables({"HOME": "/nonexistent", "TMPDIR": "/nonexistent"})
    del variables["PYTHONDONTWRITEBYTECODE"]
    command = place.command(*ONE, "--max-memory", "1G", "--watch", "shop.py", "shop:app")
    options = {"cwd": place.site, "user": 54321, "group": 54321, "extra_groups": []}
    if where == "where nothing can be written":
        if not may_mount():
            pytest.skip("mounting is not allowed here")
        here, there = str(place.directory), "/mnt"
        command = [each.replace(here, there) for each in command]
        variables["PYTHONPATH"] = variables["PYTHONPATH"].replace(here, there)
        command = ["unshare", "-m", "/bin/bash", "-ec", READ_ONLY, "bash", here, *command]
        options = {}
    with (
        log.open("a") as errors,
        subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=errors, text=True, **options
        ) as process,
    ):
        try:
            banner = BANNER.match(process.stdout.readline())
            assert banner, log.read_text()
            with Client(banner[2], int(banner[3]), PATIENCE) as client:
                client.post("/", b"a" * 1_000_000)  # more than is held in memory
                assert client.response().status == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "printed /\n"
    assert process.returncode == 0
    said = [line for line in log.read_text().splitlines() if "SIGTERM: stopping" not in line]
    assert said == []
    assert files(place) == before
