# SPDX-License-Identifier: MIT
"""Config factories: what the command line leaves open, a Python callable says."""

import json
import os
import re
import signal

import pytest
from projects import write
from running import marked, wait_until
from status_pages import Status

FACTORY = """
    def config_factory(config):
        assert config["args"] == ["a", "b"], config
        return {**config, "app_factory": "shop.app_factory", "own": "%s", **%r}
    def app_factory(config):
        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(config).encode()]
        return app
    import json
"""


def deploy(directory, own, **findings):
    write(directory / "shop.py", FACTORY % (own, findings))


def said(server):
    return json.loads(server.get("/").body)


def await_said(server, own):
    """The old workers may answer for a moment yet."""
    wait_until(lambda: said(server)["own"] == own, server.patience, own)


class TestCustomFactory:
    def test_it_says_what_is_served_and_how(self, spawn, tmp_path):
        deploy(tmp_path, "first", host="127.0.0.2", port=0, num_processes=3, threadpool_workers=2)
        server = spawn("--factory", "shop.config_factory", "a", "b", cwd=tmp_path, port=())

        assert server.host == "127.0.0.2"
        assert "— 3 processes × 2 threads" in server.output
        assert len(server.workers()) == 3
        config = said(server)
        assert (config["own"], config["host"], config["port"]) == (
            "first",
            "127.0.0.2",
            server.port,
        )
        assert (config["num_processes"], config["threadpool_workers"]) == (3, 2)
        assert server.stop() == 0

    def test_the_command_line_wins(self, spawn, tmp_path):
        deploy(tmp_path, "first", port=1, num_processes=3, threadpool_workers=9, verbose=True)
        server = spawn(*"-f shop -s 1 -t 5 a b".split(), cwd=tmp_path)

        config = said(server)
        assert (config["num_processes"], config["threadpool_workers"]) == (1, 5)
        assert config["verbose"] is False
        assert len(server.workers()) == 1

    def test_it_is_asked_anew_before_each_reload(self, spawn, tmp_path):
        deploy(tmp_path, "first", num_processes=1)
        server = spawn(*"-f shop a b".split(), cwd=tmp_path)

        deploy(tmp_path, "second", num_processes=2, port=1)
        server.signal(signal.SIGHUP)
        server.says("reloaded: generation 2 serves")

        await_said(server, "second")
        wait_until(lambda: len(server.workers()) == 2, server.patience, "two workers")
        assert said(server)["num_processes"] == 2

    def test_that_the_port_cannot_change_any_more_is_a_warning(self, spawn, tmp_path):
        deploy(tmp_path, "first", port=0)
        server = spawn(*"-f shop a b".split(), cwd=tmp_path, port=())

        deploy(tmp_path, "second", port=1)
        server.signal(signal.SIGHUP)
        server.says("reloaded: generation 2 serves")

        assert f"the service stays at 127.0.0.1:{server.port}; another host or" in server.errors()
        await_said(server, "second")
        assert said(server)["port"] == server.port

    @pytest.mark.parametrize(
        "source, text",
        [
            ("1 / 0", r'File ".*shop.py", line 1, in <module>'),
            ("config_factory = None", "'shop' is None, which is not callable"),
            (
                "def config_factory(config): return {'app_factory': 'a', 'port': 'x'}",
                'port: expected a number from 0 to 65535, not "x"',
            ),
        ],
    )
    def test_one_that_breaks_at_a_reload_changes_nothing(self, spawn, tmp_path, source, text):
        deploy(tmp_path, "first", num_processes=1, port=0)
        server = spawn(
            *"-f shop --status-port 0 a b".split(),
            cwd=tmp_path,
            port=(),
            env={"SPAWNING_TEST_MARK": str(tmp_path)},
        )
        workers = server.workers()

        write(tmp_path / "shop.py", source)
        server.signal(signal.SIGHUP)
        server.says("everything goes on as it is")

        assert re.search(
            r"\[error\] supervisor: generation 2 cannot be configured: ", server.errors()
        )
        assert re.search(text, server.errors())
        last = Status(server).json()["reloads"][-1]
        assert (last["generation"], last["verdict"]) == (2, "failed")
        assert set(marked(str(tmp_path))) == {server.pid, *workers}
        assert said(server)["own"] == "first"

        deploy(tmp_path, "mended", num_processes=1, port=0)
        server.signal(signal.SIGHUP)
        server.says("reloaded: generation 3 serves")
        await_said(server, "mended")
        assert server.stop() == 0

    def test_for_developers_mending_it_reloads(self, spawn, tmp_path):
        deploy(tmp_path, "first")
        server = spawn(*"-f shop --reload dev -s 1 a b".split(), cwd=tmp_path)

        write(tmp_path / "shop.py", "1 / 0")
        server.says("everything goes on as it is")
        assert said(server)["own"] == "first"
        deploy(tmp_path, "mended")

        server.says("reloaded: generation 3 serves")
        await_said(server, "mended")

    def test_a_worker_that_dies_is_replaced_by_one_with_the_settings_that_serve(
        self, spawn, tmp_path
    ):
        deploy(tmp_path, "first")
        server = spawn(*"-f shop -s 1 a b".split(), cwd=tmp_path)
        (worker,) = server.workers()
        (tmp_path / "broken.py").write_text("def app_factory(config): 1 / 0")

        deploy(tmp_path, "second", app_factory="broken.app_factory")
        server.signal(signal.SIGHUP)
        server.says("is discarded, the one before goes on")
        os.kill(worker, signal.SIGKILL)

        server.says("its successor starts at once")
        assert said(server)["own"] == "first"

    def test_reloads_that_are_asked_for_while_it_runs_are_one_more(self, spawn, tmp_path, gate):
        deploy(tmp_path, "first")
        server = spawn(*"-f shop -s 1 a b".split(), cwd=tmp_path)
        with (tmp_path / "shop.py").open("a") as source:
            source.write("import sys\nif sys.argv[0].endswith('configure.py'):\n")
            source.write(f"    open({str(gate.path)!r}).read()\n")

        for count in range(1, 5):
            server.signal(signal.SIGHUP)
            wait_until(
                lambda count=count: server.errors().count("SIGHUP: reloading") == count,
                server.patience,
                "each of them is heard",
            )
        gate.open()
        server.says("reloaded: generation 2 serves")
        gate.open()

        server.says("reloaded: generation 3 serves")
        wait_until(lambda: len(server.workers()) == 1, server.patience, "neither old nor factory")
        assert "generation 4" not in server.errors()
        assert server.stop() == 0

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
    def test_a_stop_ends_one_that_hangs(self, spawn, tmp_path, number):
        mark = {"SPAWNING_TEST_MARK": str(tmp_path)}
        deploy(tmp_path, "first")
        server = spawn(*"-f shop -s 1 a b".split(), cwd=tmp_path, env=mark)
        write(tmp_path / "shop.py", "import time; time.sleep(600)")
        server.signal(signal.SIGHUP)
        wait_until(lambda: len(server.workers()) == 2, server.patience, "the factory")

        server.signal(number)

        assert server.wait() == 0
        assert marked(str(tmp_path)) == []

    def test_one_that_hangs_is_ended(self, spawn, tmp_path, slowness):
        deploy(tmp_path, "first")
        patience = 5 * slowness
        server = spawn(*f"-f shop -s 1 --boot-timeout {patience} a b".split(), cwd=tmp_path)
        write(tmp_path / "shop.py", "import time; time.sleep(600)")

        server.signal(signal.SIGHUP)

        server.says(
            f"the factory does not return within {patience} s (--boot-timeout); everything goes on"
        )
        server.says('shop.py", line 1, in <module>')
        wait_until(lambda: len(server.workers()) == 1, server.patience, "no factory any more")

    def test_a_supervisor_that_is_executed_anew_does_not_ask(self, spawn, tmp_path):
        deploy(tmp_path, "first", num_processes=1)
        server = spawn(*"-f shop a b".split(), cwd=tmp_path)
        (worker,) = server.workers()
        write(tmp_path / "shop.py", "1 / 0")

        server.re_execute()
        assert said(server)["own"] == "first"
        assert server.workers() == [worker]

        deploy(tmp_path, "second", num_processes=2)
        server.signal(signal.SIGHUP)
        server.says("reloaded: generation 2 serves")
        await_said(server, "second")
        assert server.stop() == 0

    def test_a_supervisor_that_is_executed_anew_while_it_runs_asks_again(
        self, spawn, tmp_path, gate
    ):
        deploy(tmp_path, "first")
        server = spawn(*"-f shop -s 1 a b".split(), cwd=tmp_path)
        deploy(tmp_path, "second")
        with (tmp_path / "shop.py").open("a") as source:
            source.write("import sys\nif sys.argv[0].endswith('configure.py'):\n")
            source.write(f"    open({str(gate.path)!r}).read()\n")
        server.signal(signal.SIGHUP)
        wait_until(lambda: len(server.workers()) == 2, server.patience, "the factory")

        server.re_execute()
        gate.open()

        server.says("reloaded: generation 2 serves")
        await_said(server, "second")
        assert server.stop() == 0


class TestRefusal:
    @pytest.mark.parametrize(
        "source, expected",
        [
            (None, "spawn: --factory: there is no module 'shop' in the current directory"),
            ("", "spawn: --factory: the module 'shop' has no 'config_factory'"),
            ("config_factory = 3", "spawn: --factory: 'shop' is an int, which is not callable"),
            (
                "def config_factory(config): return 3",
                "spawn: --factory: 'shop' returned an int, not the configuration",
            ),
            (
                "def config_factory(config): return config",
                "spawn: --factory: 'shop' set no 'app_factory', the dotted path of what makes",
            ),
            (
                "def config_factory(config): return {'app_factory': 'a.b', 'port': 70000}",
                'spawn: --factory: port: expected a number from 0 to 65535, not "70000"',
            ),
            (
                "import os; os._exit(3)",
                "spawn: --factory: the program exited with status 3",
            ),
        ],
    )
    def test_one_line_says_what_is_wrong(self, run_spawn, tmp_path, source, expected):
        if source is not None:
            write(tmp_path / "shop.py", source)

        ended = run_spawn("--factory", "shop", cwd=tmp_path)

        assert ended.stderr.startswith(expected) and ended.stderr.count("\n") == 1
        assert (ended.returncode, ended.stdout) == (1, "")

    def test_an_exception_has_its_traceback(self, run_spawn, tmp_path):
        write(tmp_path / "shop.py", "def config_factory(config):\n    1 / 0\n")

        ended = run_spawn("--factory", "shop", cwd=tmp_path)

        assert ended.stderr.startswith("Traceback (most recent call last):\n")
        assert f'File "{tmp_path}/shop.py", line 2, in config_factory' in ended.stderr
        assert ended.stderr.endswith("spawn: --factory: ZeroDivisionError: division by zero\n")
        assert ended.returncode == 1

    def test_an_application_that_is_none_is_not_served(self, run_spawn, tmp_path):
        write(
            tmp_path / "shop.py",
            """
            def config_factory(config):
                return {**config, "app_factory": "shop.app_factory"}
            def app_factory(config):
                pass
            """,
        )

        ended = run_spawn("--factory", "shop", "--processes", "1", cwd=tmp_path)

        assert "'shop.app_factory' returned None, which is not callable" in ended.stderr
        assert (ended.returncode, ended.stdout) == (1, "")

    def test_one_that_hangs_is_ended_with_what_it_has_started(self, run_spawn, slowness, tmp_path):
        write(tmp_path / "shop.py", "import subprocess; subprocess.run(['sleep', '600'])")
        mark = {"SPAWNING_TEST_MARK": str(tmp_path)}

        patience = 3 + slowness // 2
        options = f"--factory shop --boot-timeout {patience}".split()
        ended = run_spawn(*options, cwd=tmp_path, env=mark)

        said = (
            f"spawn: --factory: the factory does not return within {patience} s (--boot-timeout)\n"
        )
        assert ended.stderr.endswith(said)
        assert 'shop.py", line 1, in <module>' in ended.stderr
        assert ended.returncode == 1
        wait_until(lambda: marked(str(tmp_path)) == [], 60, "nothing left")

    @pytest.mark.parametrize(
        "factory, arguments, expected",
        [
            ("paste", [], "expected an ini file, such as development.ini"),
            ("paste", ["not_there.ini"], "there is no file "),
            ("paste", ["empty.ini"], "No section 'main' (prefixed by 'app' or "),
            ("django", ["not_there.settings"], "there is no module 'not_there'"),
        ],
    )
    def test_ours_say_so_too(self, run_spawn, tmp_path, factory, arguments, expected):
        (tmp_path / "empty.ini").write_text("[DEFAULT]\n")

        ended = run_spawn(
            "-f", f"spawning.{factory}_factory.config_factory", *arguments, cwd=tmp_path
        )

        assert ended.stderr.startswith(f"spawn: --factory: {expected}")
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
