# SPDX-License-Identifier: MIT
"""Several interpreters in each worker: `--interpreters`."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from busy_clients import asking
from package_building import BuildEnvironment, Installed, able_interpreter
from running import APPS, PATIENCE, PROGRAM, SANITIZED, Spawn, environment, started, wait_until

APPLICATION = "in_interpreters:router"
OLD = sys.version_info < (3, 13)


def run_to_its_end(
    program: object, python: object, *arguments: str, cwd: pathlib.Path = APPS
) -> Any:
    command = [program, "--port", "0", "--python", python, *arguments]
    return subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environment(None),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.skipif(not OLD, reason="this Python has interpreters with a lock each")
@pytest.mark.parametrize("check", [[], ["--check"]], ids=["start", "check"])
def test_an_older_python_is_told_so(check: list[str]) -> None:
    outcome = run_to_its_end(PROGRAM, sys.executable, *check, "--interpreters", "2", APPLICATION)

    assert outcome.returncode == 1
    assert "--interpreters: expected Python 3.13 or newer" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.fixture(scope="module")
def installed(
    builder: BuildEnvironment,
    source: pathlib.Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Installed:
    python = able_interpreter(range(19, 12, -1))
    if python is None:
        pytest.skip("no Python here whose interpreters have a lock each, and its headers")
    headers = f"cmake.define.SPAWNING_BOOST_HEADERS={builder.boost_headers()}"
    place = tmp_path_factory.mktemp("wheel")
    building = BuildEnvironment(python, "python-newest")
    made = building.build_wheel(source, place, headers)
    environment = tmp_path_factory.mktemp("environment") / "venv"
    return Installed(python, environment, made, "", pip_of=building.python)  # ours may be too old


@pytest.mark.skipif(SANITIZED, reason="what is installed is no build with sanitizers")
class TestServing:
    @pytest.fixture
    def serve(self, installed: Installed, tmp_path: pathlib.Path) -> Iterator[Callable[..., Spawn]]:
        """serve(*arguments): one worker of two interpreters."""
        contexts: list[Any] = []

        def serve(*arguments: str, cwd: pathlib.Path = APPS) -> Spawn:
            context = started(
                tmp_path / f"stderr-{len(contexts)}",
                *["--processes", "1", "--interpreters", "2", *arguments],
                cwd=cwd,
                env={"PYTHONUNBUFFERED": ""},
                python=str(installed.python),
                program=str(installed.program),
            )
            contexts.append(context)
            return context.__enter__()

        yield serve
        for context in reversed(contexts):
            context.__exit__(None, None, None)

    def test_they_share_a_process_and_nothing_else(self, serve: Callable[..., Spawn]) -> None:
        server = serve("--threads", "2", APPLICATION)
        answers: list[dict[str, Any]] = []

        def both_have_answered_twice() -> bool:
            answers.append(json.loads(server.get("/where").body))
            seen = [each["interpreter"] for each in answers]
            return len(set(seen)) == 2 and min(map(seen.count, seen)) >= 2

        wait_until(both_have_answered_twice, server.patience)

        assert [{each["pid"] for each in answers}] == [set(server.workers())]
        for interpreter in {each["interpreter"] for each in answers}:
            own = [each["visits"] for each in answers if each["interpreter"] == interpreter]
            assert own == list(range(1, len(own) + 1))
        assert {(each["multithread"], each["multiprocess"]) for each in answers} == {(True, True)}
        assert "1 process × 2 interpreters × 2 threads" in server.output
        assert server.stop() == 0
        assert server.errors().count("in_interpreters: at the end") == 2

    def test_each_takes_what_the_other_leaves(self, serve: Callable[..., Spawn], gate: Any) -> None:
        server = serve("--threads", "1", APPLICATION)
        with server.client() as held:
            gate.hold(held)
            assert (
                len({json.loads(server.get("/where").body)["interpreter"] for _ in range(10)}) == 1
            )
            gate.open()
            assert held.response().body == b"passed"

    @pytest.mark.parametrize("threads", [2, 4])
    def test_a_lock_that_is_kept_keeps_no_request_from_the_other(
        self, serve: Callable[..., Spawn], tmp_path: pathlib.Path, threads: int
    ) -> None:
        server = serve("--threads", str(threads), APPLICATION)
        seen: set[int] = set()
        answers: list[int] = []

        def all_threads_have_answered() -> bool:
            seen.add(json.loads(server.get("/where").body)["thread"])
            return len(seen) == 2 * threads

        def one_interpreter_answers_alone() -> bool:  # when the turn of each thread has come
            answers.append(json.loads(server.get("/where").body)["interpreter"])
            return len(answers) >= 4 * threads and len(set(answers[-4 * threads :])) == 1

        wait_until(all_threads_have_answered, server.patience)
        note = tmp_path / "note"
        with server.client() as held:
            held.request(f"/keep_the_gil?note={note}")
            wait_until(note.exists, server.patience, "the application's turn")

            wait_until(one_interpreter_answers_alone, server.patience)

    def test_all_that_a_request_needs_is_there(self, serve: Callable[..., Spawn]) -> None:
        server = serve(APPLICATION)
        with server.client() as client:
            client.post("/echo", b"x" * 100_000)
            assert json.loads(client.response().body)["length"] == 100_000
            client.request("/fail")
            assert client.response().status == 500
        assert "Traceback" in server.errors()

    def test_a_reload_loses_nothing(self, serve: Callable[..., Spawn]) -> None:
        server = serve("--threads", "2", APPLICATION)
        with asking(server, "/where", lasting=4, anew=2):
            for _ in range(5):
                server.reload()
        assert server.stop() == 0

    def test_what_cannot_be_loaded_is_discarded(
        self, serve: Callable[..., Spawn], tmp_path: pathlib.Path
    ) -> None:
        shutil.copy(APPS / "system_apps.py", tmp_path)
        server = serve("system_apps:pid", cwd=tmp_path)
        (tmp_path / "system_apps.py").write_text("import no_such_module\n")

        with asking(server, "/"):
            server.signal(signal.SIGHUP)
            server.says("generation 2 is discarded")

        assert "ModuleNotFoundError: No module named 'no_such_module'" in server.errors()

    @pytest.mark.parametrize("check", [[], ["--check"]], ids=["start", "check"])
    def test_a_module_that_is_for_one_interpreter_is_named(
        self, installed: Installed, tmp_path: pathlib.Path, check: list[str]
    ) -> None:
        (tmp_path / "native.py").write_text("import spawning._native\n")

        outcome = run_to_its_end(
            installed.program,
            installed.python,
            *[*check, "--interpreters", "2", "native:app"],
            cwd=tmp_path,
        )

        assert outcome.returncode == 1
        assert "_native does not support loading in subinterpreters" in outcome.stderr

    def test_a_check_finds_nothing_wrong(
        self, installed: Installed, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "busy.py").write_text(
            "import threading, time\n"
            "from spawning.wsgi_factory import hello_world as app\n"
            "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        )
        outcome = run_to_its_end(
            installed.program,
            installed.python,
            *["--check", "--interpreters", "2", "busy.app"],
            cwd=tmp_path,
        )
        assert (outcome.returncode, outcome.stdout) == (0, "OK: busy.app can be served\n")

    def test_the_stack_of_an_overdue_request_is_logged(self, serve: Callable[..., Spawn]) -> None:
        server = serve("--request-timeout", "1", "--deadman", "1", APPLICATION)
        with server.client() as client:
            client.request("/sleep")
            assert client.response().status == 503
            server.says("in sleep")

    def test_last_words_are_of_the_threads_in_the_interpreters(
        self, serve: Callable[..., Spawn], tmp_path: pathlib.Path
    ) -> None:
        server = serve("--deadman", "1", APPLICATION)
        note = tmp_path / "note"
        with server.client() as client:
            client.request(f"/keep_the_gil?note={note}")
            wait_until(note.exists, server.patience, "the application's turn")

            assert server.stop() == 0

        assert "worker: stacks of the threads in its interpreters:" in server.errors()
        assert "in keep_the_gil" in server.errors()

    def test_what_is_printed_is_not_lost_at_the_end(
        self, serve: Callable[..., Spawn], tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "talking.py").write_text(
            "from spawning.wsgi_factory import hello_world as app\nprint('loaded, and not flushed')\n"
        )
        server = serve("talking.app", cwd=tmp_path)

        assert server.stop() == 0

        assert server.process.stdout is not None
        assert server.process.stdout.read().count("loaded, and not flushed") == 2

    def test_factories_that_ask_for_greenlets_are_told(
        self, installed: Installed, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "green.py").write_text(
            "from spawning.wsgi_factory import config_factory\n"
            "def factory(config): return {**config_factory(config), 'threadpool_workers': 0}\n"
        )
        outcome = run_to_its_end(
            installed.program,
            installed.python,
            *["--interpreters", "2", "-f", "green.factory", "system_apps:pid"],
            cwd=tmp_path,
        )
        assert outcome.returncode == 1
        assert re.search("--interpreters: expected no --threads 0 beside it", outcome.stderr)
