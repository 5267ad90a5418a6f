# SPDX-License-Identifier: MIT
"""Options from files and the environment, as a service has them."""

import os
import signal
import sys

import pytest
from running import PATIENCE, PROGRAM, environment, running, wait_until

APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.py").write_text(APPLICATION)
    return tmp_path


def test_a_file_is_all_that_a_service_needs(spawn, shop):
    (shop / "spawn.toml").write_text(
        f"""
        app = "shop"
        middleware = ["wsgiref.validate.validator"]
        bind = ["127.0.0.1:0"]
        processes = 1
        python = "{sys.executable}"
        server-header = "Shop"
        """
    )

    server = spawn("--config", "spawn.toml", cwd=shop, port=())

    response = server.get("/")
    assert (response.body, response.headers["server"]) == (b"served", "Shop")
    assert "1 process × 4 threads" in server.output
    assert server.stop() == 0


def test_a_section_of_pyproject_counts_and_the_log_says_so(spawn, shop):
    (shop / "pyproject.toml").write_text('[tool.spawning]\napp = "shop"\nprocesses = 1\n')

    server = spawn(cwd=shop)

    assert server.get("/").body == b"served"
    assert "options of [tool.spawning] in pyproject.toml count" in server.errors()
    assert server.stop() == 0


def test_a_pyproject_that_is_for_others_does_not_count(spawn, shop):
    (shop / "pyproject.toml").write_text("[tool.ruff]\nno = toml\n")

    server = spawn("--processes", "1", "shop", cwd=shop)

    assert server.get("/").body == b"served"


def test_the_environment_counts_for_more_than_a_file(spawn, shop):
    (shop / "spawn.toml").write_text('app = "nowhere"\nserver-header = "File"\nprocesses = 3\n')
    variables = {"SPAWN_CONFIG": "spawn.toml", "SPAWN_APP": "shop", "SPAWN_SERVER_HEADER": "Env"}

    server = spawn("--processes", "1", cwd=shop, env=variables)

    response = server.get("/")
    assert (response.body, response.headers["server"]) == (b"served", "Env")
    assert "1 process × 4 threads" in server.output


def test_a_platform_says_port_and_processes(spawn, shop):
    variables = {"PORT": "0", "WEB_CONCURRENCY": "1"}

    server = spawn("shop", cwd=shop, env=variables, port=())

    server.host = "127.0.0.2"  # whatever the banner says
    assert "1 process × 4 threads" in server.output
    assert "$PORT is set: port 0 of every interface, 0.0.0.0" in server.errors()
    assert server.get("/").body == b"served"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("app = 'shop'\nport = 80000", "spawn.toml:2:8: --port: expected a number from 0 to 65535"),
        ("app = 'shop'\nprot = 8000", 'spawn.toml:2:1: there is no option "prot"; did you mean'),
        ("app = 'shop'\nport = oops", "spawn.toml:2:8: "),
        ("processes = 1", "APP is missing: "),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line_that_says_where(run_spawn, shop, text, expected):
    (shop / "spawn.toml").write_text(text)
    before = set(os.listdir(shop))

    ended = run_spawn("--config", "spawn.toml", "--pidfile", "pid", cwd=shop)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"spawn: {expected}")
    assert ended.stderr.count("\n") == 1
    assert set(os.listdir(shop)) == before


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("SPAWN_PROT", "1", "SPAWN_PROT: there is no such option; did you mean SPAWN_PORT?"),
        ("SPAWN_THREADS", "x", 'SPAWN_THREADS: expected a number from 0 to 1024, not "x"'),
        ("SPAWN_CONFIG", "none.toml", "--config: none.toml: No such file or directory"),
        (
            "WEB_CONCURRENCY",
            "many",
            'WEB_CONCURRENCY: expected auto or a number from 1 to 1024, not "many"',
        ),
    ],
)
def test_what_is_wrong_with_a_variable_is_one_line_that_names_it(
    run_spawn, shop, name, value, expected
):
    ended = run_spawn("shop", cwd=shop, env={name: value})

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"spawn: {expected}\n")


def test_every_option_is_printed_with_where_it_is_from(run_spawn, shop):
    (shop / "spawn.toml").write_text("app = 'shop'\n\nport = 8001\n")

    ended = run_spawn(
        *"--config spawn.toml --print-config -v".split(), cwd=shop, env={"SPAWN_THREADS": "2"}
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    rows = {line.split()[0]: line.split(None, 2)[1:] for line in ended.stdout.splitlines()}
    assert rows["arguments"] == ["shop", "spawn.toml:1"]
    assert rows["port"] == ["8001", "spawn.toml:3"]
    assert rows["threads"] == ["2", "$SPAWN_THREADS"]
    assert rows["verbose"] == ["on", "command line"]
    assert rows["processes"] == ["4", "default"]


def test_a_file_counts_again_when_spawn_executes_itself_not_when_it_reloads(spawn, shop):
    settings = shop / "spawn.toml"
    settings.write_text("app = 'shop'\nprocesses = 1\nserver-header = 'One'\n")
    server = spawn("--config", "spawn.toml", "--status-port", "0", cwd=shop)
    assert server.get("/").headers["server"] == "One"
    settings.write_text("app = 'shop'\nprocesses = 1\nserver-header = 'Two'\n")

    before = server.workers()
    server.signal(signal.SIGHUP)
    wait_until(lambda: not set(before) & set(server.workers()), PATIENCE, "a new generation")
    assert server.get("/").headers["server"] == "One"

    server.re_execute()
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.get("/").headers["server"] == "Two", PATIENCE, "the new settings")
    assert server.stop() == 0


def test_a_factory_leaves_what_a_file_says(spawn, shop):
    (shop / "serving.py").write_text(
        "def config_factory(config):\n"
        "    return {**config, 'num_processes': 7, 'threadpool_workers': 3,\n"
        "            'app_factory': 'spawning.wsgi_factory.app_factory'}\n"
    )
    (shop / "spawn.toml").write_text(
        "factory = 'serving.config_factory'\narguments = ['shop']\nprocesses = 1\n"
    )

    server = spawn("--config", "spawn.toml", cwd=shop)

    assert "1 process × 3 threads" in server.output
    assert server.get("/").body == b"served"


def test_as_many_processes_as_there_is_room_for_and_the_log_says_why(shop):
    one = min(os.sched_getaffinity(0))
    taskset = ["taskset", "-c", str(one)]
    command = [*taskset, str(PROGRAM), "--port", "0", "--python", sys.executable]

    with running(
        shop / "stderr",
        [*command, *"--processes auto --access-log-file /dev/null shop".split()],
        cwd=shop,
        env=environment(None),
    ) as server:
        assert "— 1 process × 4 threads" in server.output
        assert "--processes auto: 1, because of this: 1 processor\n" in server.errors()
        assert server.get("/").body == b"served"
        assert server.stop() == 0
