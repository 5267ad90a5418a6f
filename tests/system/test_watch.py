# SPDX-License-Identifier: MIT
"""Reloads because files change, as clients and developers see them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import threading
from collections.abc import Iterator

import pytest
from busy_clients import asking, bodies
from projects import application
from running import PATIENCE, Spawn, wait_until


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


def serves(server: Spawn, text: str) -> None:
    wait_until(lambda: server.get("/").body == text.encode(), server.patience, text)


def reloaded(server: Spawn, generation: int) -> None:
    server.says(f"reloaded: generation {generation} serves")


@contextlib.contextmanager
def at_once(server: Spawn) -> Iterator[None]:
    """What changes meanwhile is seen together, however long that takes."""
    server.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


@pytest.fixture
def app(tmp_path: pathlib.Path) -> pathlib.Path:
    """The file of an application in a directory of its own."""
    file = tmp_path / "site" / "shop.py"
    file.parent.mkdir()
    file.write_text(application("first"))
    return file


@pytest.mark.parametrize("save", [save_in_place, save_by_rename, save_over])
def test_an_edited_module_is_served_and_no_request_fails(spawn, app, save):
    server = spawn("--processes", "2", "--reload", "dev", "shop", cwd=app.parent)

    with asking(server, lasting=0) as askers:
        wait_until(lambda: b"first" in bodies(askers), server.patience)
        with at_once(server):
            save(app, application("second"))
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

    with asking(server, lasting=0) as askers:
        with at_once(server):
            app.write_text("def app(:\n")
        server.says("generation 2 is discarded, the one before goes on")
        assert f'File "{app}", line 1' in server.errors()
        assert "SyntaxError" in server.errors()
        assert set(workers) <= set(server.workers())
        assert bodies(askers) <= {b"first"}
        app.write_text(application("mended"))
        wait_until(lambda: b"mended" in bodies(askers), server.patience, "the mended code")

    assert bodies(askers) == {b"first", b"mended"}


def test_a_mistake_in_a_module_that_was_never_loaded_can_be_mended(spawn, app):
    server = spawn("--processes", "1", "--watch", "shop.py", "shop", cwd=app.parent)
    helper = app.with_name("helper.py")
    helper.write_text("nonsense\n")
    with at_once(server):
        app.write_text(application("second", "import helper"))
    server.says("NameError: name 'nonsense' is not defined; generation 2 is discarded")

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
        app.write_text(application("mended"))

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
        (directory / "shop.py").write_text(application("release " + release))
    current = tmp_path / "current"
    current.symlink_to("releases/41")
    server = spawn(
        *"--processes 2 --watch shop.py shop".split(), cwd=current, env={"PWD": str(current)}
    )

    with asking(server, lasting=0) as askers:
        serves(server, "release 41")
        (tmp_path / "next").symlink_to("releases/42")
        (tmp_path / "next").replace(current)
        serves(server, "release 42")
        reloaded(server, 2)

    assert bodies(askers) <= {b"release 41", b"release 42"}
    assert f"reloading: {current}/shop.py changed" in server.errors()


@pytest.mark.parametrize("poll", [[], ["--watch-poll", "0.1"]])
def test_a_burst_of_changes_is_one_reload(spawn, app, poll):
    templates = app.parent / "templates" / "shop"
    templates.mkdir(parents=True)
    server = spawn("--processes", "1", "-w", "templates", *poll, "shop", cwd=app.parent)

    with at_once(server):
        for number in range(50):
            (templates / f"{number:02}.html").write_text("a")
    reloaded(server, 2)
    with at_once(server):
        (templates / "00.html").write_text("another change")
    reloaded(server, 3)

    errors = server.errors()
    assert f"reloading: {templates}/00.html changed (and 49 more)" in errors
    assert f"reloading: {templates}/00.html changed\n" in errors
    assert errors.count("reloading: ") == 2


def test_polling_sees_an_edited_module(spawn, app):
    server = spawn(*"--processes 1 --reload dev --watch-poll 0.1 shop".split(), cwd=app.parent)

    save_over(app, application("second"))

    serves(server, "second")


def test_a_file_that_is_not_there_yet_is_said_once_and_watched(spawn, app):
    late = app.parent / "etc" / "shop.ini"
    server = spawn("--processes", "1", "--watch", "etc/shop.ini", "shop", cwd=app.parent)

    with at_once(server):
        late.parent.mkdir()
        late.write_text("[shop]\n")

    reloaded(server, 2)
    assert server.errors().count(f"nothing is there to watch at {late}, yet") == 1
