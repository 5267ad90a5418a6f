# SPDX-License-Identifier: MIT
"""Reloads because files change, as clients and developers see them."""

from __future__ import annotations

import contextlib
import pathlib
import threading
from collections.abc import Iterator

import pytest
from running import PATIENCE, Response, Spawn, wait_until

SOURCE = """
import sys
{extra}
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "{length}")])
    return [b"{text}"]
"""


def source(text: str, extra: str = "") -> str:
    return SOURCE.format(text=text, length=len(text), extra=extra)


def save_in_place(path: pathlib.Path, text: str) -> None:
    path.write_text(text)


def save_by_rename(path: pathlib.Path, text: str) -> None:
    """As vim does: the old one becomes the backup, a new one takes its name."""
    path.rename(path.with_name(path.name + "~"))
    path.write_text(text)
    path.with_name(path.name + "~").unlink()


def save_over(path: pathlib.Path, text: str) -> None:
    """As VS Code's atomic save and sed -i do."""
    new = path.with_name(".new")
    new.write_text(text)
    new.replace(path)


class Clients:
    """Connect anew for every request, until the end; every answer must be a 200."""

    def __init__(self, server: Spawn, count: int = 2) -> None:
        self.server = server
        self.bodies: set[bytes] = set()
        self.failures: list[str] = []
        self.requests = 0
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _ask(self) -> None:
        while not self.enough.is_set():
            try:
                response = self._get()
            except (AssertionError, OSError, ValueError) as error:
                self.failures.append(repr(error))
                continue
            self.requests += 1
            self.bodies.add(response.body)
            if response.status != 200:
                self.failures.append(str(response))

    def _get(self) -> Response:
        with self.server.client() as client:
            client.request("/", "Connection: close")
            return client.response()

    def finish(self) -> None:
        self.enough.set()
        for thread in self.threads:
            thread.join()
        assert self.requests > 0
        assert self.failures == []


@contextlib.contextmanager
def clients(server: Spawn) -> Iterator[Clients]:
    asking = Clients(server)
    try:
        yield asking
    finally:
        asking.finish()


def serves(server: Spawn, text: str) -> None:
    wait_until(lambda: server.get("/").body == text.encode(), server.patience, text)


def reloaded(server: Spawn, generation: int) -> None:
    wait_until(
        lambda: f"reloaded: generation {generation} serves" in server.errors(),
        server.patience,
        f"generation {generation}",
    )


def says(server: Spawn, text: str) -> None:
    wait_until(lambda: text in server.errors(), server.patience, text)


@pytest.fixture
def app(tmp_path: pathlib.Path) -> pathlib.Path:
    """The file of an application in a directory of its own."""
    file = tmp_path / "site" / "shop.py"
    file.parent.mkdir()
    file.write_text(source("first"))
    return file


@pytest.mark.parametrize("save", [save_in_place, save_by_rename, save_over])
def test_an_edited_module_is_served_and_no_request_fails(spawn, app, save):
    server = spawn("--processes", "2", "--reload", "dev", "shop", cwd=app.parent)

    with clients(server) as asking:
        wait_until(lambda: b"first" in asking.bodies, server.patience)
        save(app, source("second"))
        serves(server, "second")
        reloaded(server, 2)

    assert f"reloading: {app} changed" in server.errors()
    assert server.stop() == 0


def test_modules_that_are_imported_late_count_too(spawn, app):
    late = app.with_name("late.py")
    late.write_text("TEXT = b'late'\n")
    lazily = "def app(e, s):\n    import late\n    s('200 OK', [])\n    return [late.TEXT]\n"
    app.write_text(lazily)
    server = spawn("--processes", "1", "-r", "dev", "shop:app", cwd=app.parent)
    serves(server, "late")

    late.write_text("TEXT = b'later'\n")

    serves(server, "later")
    assert f"reloading: {late} changed" in server.errors()


def test_a_mistake_leaves_the_old_code_serving_and_its_mending_is_served(spawn, app):
    server = spawn("--processes", "2", "--reload", "dev", "shop", cwd=app.parent)
    workers = server.workers()

    with clients(server) as asking:
        app.write_text("def app(:\n")
        says(server, "generation 2 is discarded, the one before goes on")
        assert f'File "{app}", line 1' in server.errors()
        assert "SyntaxError" in server.errors()
        assert set(workers) <= set(server.workers())
        assert asking.bodies <= {b"first"}
        app.write_text(source("mended"))
        wait_until(lambda: b"mended" in asking.bodies, server.patience, "the mended code")

    assert asking.bodies == {b"first", b"mended"}


def test_a_mistake_in_a_module_that_was_never_loaded_can_be_mended(spawn, app):
    server = spawn("--processes", "1", "--watch", "shop.py", "shop", cwd=app.parent)
    helper = app.with_name("helper.py")
    helper.write_text("nonsense\n")
    app.write_text(source("second", "import helper"))
    says(server, "NameError: name 'nonsense' is not defined; generation 2 is discarded")

    helper.write_text("")

    serves(server, "second")
    assert f"reloading: {helper} changed" in server.errors()


def test_a_first_start_waits_for_a_mistake_to_be_mended(spawn, app, tmp_path):
    app.write_text("import missing_module\n")
    log = tmp_path / "stderr-0"

    def mend() -> None:
        wait_until(
            lambda: log.exists() and "the next try comes when a file changes" in log.read_text(),
            PATIENCE,
            "the first failure",
        )
        app.write_text(source("mended"))

    mending = threading.Thread(target=mend)
    mending.start()
    server = spawn("--processes", "2", "--reload", "dev", "shop", cwd=app.parent)
    mending.join()

    assert server.get("/").body == b"mended"
    assert server.errors().count("No module named 'missing_module'") == 2  # with its traceback


def test_without_reload_a_first_start_that_fails_ends(run_spawn, app):
    app.write_text("import missing_module\n")

    ended = run_spawn("--port", "0", "--watch", ".", "shop", cwd=app.parent)

    assert ended.returncode == 1


def test_a_symlink_that_is_turned_elsewhere_is_a_deploy(spawn, tmp_path):
    for release in ("41", "42"):
        directory = tmp_path / "releases" / release
        directory.mkdir(parents=True)
        (directory / "shop.py").write_text(source("release " + release))
    current = tmp_path / "current"
    current.symlink_to("releases/41")
    server = spawn(
        *"--processes 2 --watch shop.py shop".split(), cwd=current, env={"PWD": str(current)}
    )

    with clients(server) as asking:
        serves(server, "release 41")
        (tmp_path / "next").symlink_to("releases/42")
        (tmp_path / "next").replace(current)
        serves(server, "release 42")
        reloaded(server, 2)

    assert asking.bodies <= {b"release 41", b"release 42"}
    assert f"reloading: {current}/shop.py changed" in server.errors()


@pytest.mark.parametrize("poll", [[], ["--watch-poll", "0.1"]])
def test_a_burst_of_changes_is_one_reload(spawn, app, poll):
    templates = app.parent / "templates" / "shop"
    templates.mkdir(parents=True)
    server = spawn("--processes", "1", "-w", "templates", *poll, "shop", cwd=app.parent)

    for number in range(50):
        (templates / f"{number:02}.html").write_text("a")
    reloaded(server, 2)
    (templates / "00.html").write_text("another change")
    reloaded(server, 3)

    errors = server.errors()
    assert f"reloading: {templates}/00.html changed (and 49 more)" in errors
    assert f"reloading: {templates}/00.html changed\n" in errors
    assert errors.count("reloading: ") == 2


def test_polling_sees_an_edited_module(spawn, app):
    server = spawn(*"--processes 1 --reload dev --watch-poll 0.1 shop".split(), cwd=app.parent)

    save_over(app, source("second"))

    serves(server, "second")


def test_a_file_that_is_not_there_yet_is_said_once_and_watched(spawn, app):
    late = app.parent / "etc" / "shop.ini"
    server = spawn("--processes", "1", "--watch", "etc/shop.ini", "shop", cwd=app.parent)

    late.parent.mkdir()
    late.write_text("[shop]\n")

    reloaded(server, 2)
    assert server.errors().count(f"nothing is there to watch at {late}, yet") == 1
