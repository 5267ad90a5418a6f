# SPDX-License-Identifier: MIT
"""`spawn --config gunicorn.conf.py`: services that gunicorn has served so far."""

import json
import shutil
import signal
import sys

import pytest
from running import APPS, PATIENCE, wait_until

LINES = [
    "timeout: --request-timeout: for one request",
    "preload_app: ignored: each worker is a fresh interpreter",
    "proc_name: ignored: ",
    "post_fork: ignored: what a worker needs",
    "when_ready: ignored: the supervisor runs no Python",
]


@pytest.fixture
def shop(tmp_path):
    for name in ("gunicorn.conf.py", "gunicorn_shop.py"):
        shutil.copy(APPS / name, tmp_path)
    return tmp_path


def test_the_file_of_gunicorn_is_all_that_a_service_needs(spawn, shop):
    arguments = ["--config", "gunicorn.conf.py", "-l", "access.log"]
    server = spawn(*arguments, cwd=shop, port=())

    response = server.get("/goods?n=1", "User-Agent: curl", "X-Shop: open")

    assert response.body == b"corner\nsesame\nTrue"
    assert "2 processes × 3 threads" in server.output
    said = [line for line in server.errors().splitlines() if "gunicorn.conf.py: " in line]
    assert [part for part, line in zip(LINES, said) if part not in line] == []
    assert len(said) == len(LINES)
    assert server.stop() == 0
    log = (shop / "access.log").read_text()
    assert log == '127.0.0.1 "GET /goods?n=1 HTTP/1.1" 200 18 "curl" open\n'


def test_it_counts_for_less_than_the_environment_and_the_command_line(spawn, shop):
    variables = {"SPAWN_PROCESSES": "1", "SHOP_NAME": "big"}

    server = spawn(
        *"--config gunicorn.conf.py --threads 1 gunicorn_shop:make_app()".split(),
        cwd=shop,
        env=variables,
    )

    assert server.get("/").body == b"big\nsesame\nFalse"
    assert "1 process × 1 thread," in server.output


def test_what_it_comes_to_is_printed_with_where_it_is_from(run_spawn, shop):
    ended = run_spawn(*"--config gunicorn.conf.py --print-config --threads 2".split(), cwd=shop)

    assert ended.returncode == 0
    rows = {line.split()[0]: line for line in ended.stdout.splitlines()}
    for option, value in {
        "arguments": "gunicorn_shop:make_app()",
        "bind": "127.0.0.1:0",
        "processes": "2",
        "max-connections": "200",
        "deadman": "20",
        "keepalive-timeout": "5",
        "limit-request-line": "4094",
        "env": "SHOP_SECRET=sesame SHOP_NAME=corner",
        "log-level": "warning",
    }.items():
        assert rows[option].split(None, 1)[1].split("  ")[0] == value
        assert rows[option].endswith("  gunicorn.conf.py")
    assert rows["threads"].endswith("  command line")
    assert rows["surge"].endswith("  default")
    assert ended.stderr.count("gunicorn.conf.py: ") == len(LINES)


def test_where_it_says_nothing_the_service_is_as_gunicorn_has_it(run_spawn, shop):
    (shop / "empty.py").write_text("")

    ended = run_spawn(*"--config empty.py --print-config shop".split(), cwd=shop)

    assert (ended.returncode, ended.stderr) == (0, "")
    rows = {line.split()[0]: line.split(None, 2)[1:] for line in ended.stdout.splitlines()}
    for option, value in {"port": "8000", "processes": "1", "threads": "1"}.items():
        assert rows[option] == [value, "default of gunicorn"]
    assert rows["deadman"] == ["10", "default"]


def test_the_port_of_a_platform_counts_for_more_than_gunicorns(run_spawn, shop):
    (shop / "empty.py").write_text("")

    ended = run_spawn(
        *"--config empty.py --print-config shop".split(), cwd=shop, env={"PORT": "5000"}
    )

    rows = {line.split()[0]: line.split(None, 2)[1:] for line in ended.stdout.splitlines()}
    assert (rows["port"], rows["host"]) == (["5000", "$PORT"], ["0.0.0.0", "$PORT"])


def test_it_can_be_checked(run_spawn, shop):
    ended = run_spawn("--config", "gunicorn.conf.py", "--check", cwd=shop)

    assert (ended.returncode, ended.stdout) == (0, "OK: gunicorn_shop:make_app() can be served\n")
    assert ended.stderr.count("gunicorn.conf.py: ") == len(LINES)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("workers = 0", 'workers: expected auto or a number from 1 to 1024, not "0"'),
        ("bind = 'here'\nloglevel = 'loud'", "loglevel: expected debug, info, warning or error,"),
        ("keyfile = 'shop.pem'", "keyfile: TLS is not served"),
        ("worker_class = 'uvicorn.workers.UvicornWorker'", "worker_class: expected sync, gthread"),
        ("raw_env = ['A']", "raw_env: expected NAME=VALUE"),
        ("bind = '127.0.0.1:x'", 'bind: "127.0.0.1:x" is no address'),
    ],
)
def test_what_is_wrong_with_a_setting_is_one_line_that_names_it(run_spawn, shop, text, expected):
    (shop / "g.py").write_text(text)

    ended = run_spawn("--config", "g.py", "shop", cwd=shop)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"spawn: g.py: {expected}")
    assert ended.stderr.count("\n") == 1


def test_what_it_raises_is_one_line_behind_its_traceback(run_spawn, shop):
    (shop / "g.py").write_text("workers = 1\nthreads = 1 / 0\n")

    ended = run_spawn("--config", "g.py", "shop", cwd=shop)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Traceback (most recent call last):\n  File ")
    assert ended.stderr.endswith("\nspawn: g.py:2: ZeroDivisionError: division by zero\n")


def test_it_is_not_read_for_help(run_spawn, shop):
    (shop / "g.py").write_text("raise SystemExit(3)")

    assert run_spawn("--config", "g.py", "--version", cwd=shop).returncode == 0


@pytest.mark.parametrize("name", ["python", "./python"])
def test_the_interpreter_of_the_workers_executes_it(run_spawn, shop, name):
    (shop / "bin").mkdir()
    python = shop / "bin" / "python"
    python.write_text(f'#!/bin/sh\nINTERPRETER=ours exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (shop / "g.py").write_text("import os\nproc_name = os.environ['INTERPRETER']\n")
    path = {"PATH": f"{shop}/bin:/usr/bin:/bin"} if name == "python" else {}

    ended = run_spawn(
        *("--python", name, "--chdir", "bin", "--config", "g.py", "--print-config"),
        cwd=shop,
        env=path,
    )

    assert ended.returncode == 0
    assert "g.py: proc_name: ignored" in ended.stderr


def test_it_logs_json_where_that_is_wanted(run_spawn, shop):
    ended = run_spawn(
        *"--config gunicorn.conf.py --print-config --log-format json".split(), cwd=shop
    )

    messages = [json.loads(line) for line in ended.stderr.splitlines()]
    assert len(messages) == len(LINES)
    assert {each["level"] for each in messages} == {"warning"}


def test_it_counts_again_when_spawn_executes_itself_not_when_it_reloads(spawn, shop):
    settings = shop / "g.py"
    settings.write_text("workers = 1\nraw_env = ['SHOP_NAME=one', 'SHOP_SECRET=']\n")
    server = spawn("--config", "g.py", "gunicorn_shop:make_app()", cwd=shop)
    assert server.get("/").body.startswith(b"one\n")
    settings.write_text("workers = 1\nraw_env = ['SHOP_NAME=two', 'SHOP_SECRET=']\n")

    before = server.workers()
    server.signal(signal.SIGHUP)
    wait_until(lambda: not set(before) & set(server.workers()), PATIENCE, "a new generation")
    assert server.get("/").body.startswith(b"one\n")

    server.re_execute()
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.get("/").body.startswith(b"two\n"), PATIENCE, "the new settings")
    assert server.stop() == 0


def test_one_that_has_broken_meanwhile_does_no_harm_to_a_running_service(spawn, shop):
    settings = shop / "g.py"
    settings.write_text("raw_env = ['SHOP_NAME=one', 'SHOP_SECRET=']\n")
    server = spawn("--config", "g.py", "gunicorn_shop:make_app()", cwd=shop)
    settings.write_text("raise ValueError('not yet')\n")

    server.signal(signal.SIGUSR2)

    server.says("this program goes on")
    assert "spawn: g.py:1: ValueError: not yet\n" in server.errors()
    assert server.get("/").body.startswith(b"one\n")
    assert server.stop() == 0
