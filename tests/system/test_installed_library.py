# SPDX-License-Identifier: MIT
"""libspawning as others have it: `cmake --install`, and a program of theirs that links it."""

from __future__ import annotations

import functools
import pathlib
import re
import socket
import subprocess
import sys
import textwrap

import pybind11
import pytest
from library_building import (
    BESIDE_PYTHON,
    CONSUMER,
    GREETER,
    KINDS,
    PROGRAMS,
    SHARED,
    STATIC,
    TESTS,
    WAYS,
    WAYS_TO_ANSWER,
    Installed,
    serving,
)
from package_building import declared_version, run
from running import BUILD, DOCS, ROOT, environment, running

HEADERS = {
    path.name
    for room in ("lib", "bindings")
    for path in (ROOT / room / "include/spawning").iterdir()
}
VERSION = declared_version()
COMPATIBLE = VERSION.rpartition(".")[0]  # all versions of it are


@functools.cache
def install(kind: str) -> Installed:
    return Installed(kind)


@pytest.fixture(scope="module", params=KINDS)
def installed(request: pytest.FixtureRequest) -> Installed:
    return install(request.param)


def below(directory: pathlib.Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


def library_files(kind: str) -> set[str]:
    made = ["a"] if kind == STATIC else ["so", f"so.{COMPATIBLE}", f"so.{VERSION}"]
    package = ["Config", "ConfigVersion", "Targets", "Targets-release"]
    return {
        *(f"include/spawning/{name}" for name in HEADERS),
        *(f"lib/libspawning.{ending}" for ending in made),
        "lib/libspawning_testing.a",
        "lib/libspawning_wsgi.a",
        *(f"lib/cmake/spawning/spawning{name}.cmake" for name in package),
        "lib/pkgconfig/spawning.pc",
        "lib/pkgconfig/spawning-testing.pc",
        "lib/pkgconfig/spawning-wsgi.pc",
    }


def test_what_is_installed(installed: Installed) -> None:
    program = {
        "bin/spawn",
        "share/bash-completion/completions/spawn",
        "share/fish/vendor_completions.d/spawn.fish",
        "share/man/man1/spawn.1",
        "share/zsh/site-functions/_spawn",
    }

    assert below(installed.only_library) == library_files(installed.kind)
    assert below(installed.prefix) == library_files(installed.kind) | program


def test_the_installed_program_starts_wherever_its_prefix_is(installed: Installed) -> None:
    program = installed.prefix / "bin" / "spawn"

    assert run(program, "--version") == f"spawning {VERSION}\n"
    linked = f"libspawning.so.{COMPATIBLE}" in run("readelf", "-d", program)
    assert linked == (installed.kind == SHARED)


def test_the_installed_program_serves(installed: Installed, tmp_path: pathlib.Path) -> None:
    program = installed.prefix / "bin" / "spawn"
    command = [str(program), "--port", "0", "--processes", "1", "--python", sys.executable]
    package = environment({"PYTHONPATH": str(BUILD / "python")})  # as pip would install it

    application = "spawning.wsgi_factory.hello_world"
    with running(tmp_path / "stderr", [*command, application], env=package) as server:
        assert server.get("/").status == 200
        assert server.stop() == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_program_of_somebody_else_serves_with_it(
    installed: Installed, way: str, tmp_path: pathlib.Path
) -> None:
    built = installed.link(way, tmp_path)

    for name in PROGRAMS:
        dynamic = run("readelf", "-d", "-W", built / name)
        needed = re.findall(r"\(NEEDED\).*\[(libspawning\S*)\]", dynamic)
        assert needed == ([f"libspawning.so.{COMPATIBLE}"] if installed.kind == SHARED else [])
    with serving(built / GREETER) as example:
        assert example.get("/earth") == (200, b"Hello from /earth\n")
        assert example.stop() == 0
    with serving(built / WAYS_TO_ANSWER) as example:
        assert example.get("/coroutine") == (200, b"it took a while\n")
        # An urgent octet wakes the loop for nothing: it must be the same Asio that runs the loop, here
        # in the program, and that has asked to be woken.
        with example.client() as client:
            client.socket.send(b"!", socket.MSG_OOB)
            client.request("/thread?name=mars")
            assert client.response().body == b"Hello, mars\n"
        assert example.stop() == 0
    with serving(built / BESIDE_PYTHON) as example:
        assert example.get("/earth") == (200, b"Python has read 0 octets for /earth\n")
        assert example.get("/fast") == (200, b"C++ has answered /fast\n")
        assert example.stop() == 0
    assert "[  PASSED  ]" in run(built / TESTS)


def test_as_a_part_of_a_project_it_is_no_more_than_a_library(tmp_path: pathlib.Path) -> None:
    run("cmake", "-S", CONSUMER, "-B", tmp_path, "-G", "Ninja", f"-DSPAWNING_SOURCE={ROOT}")
    cache = (tmp_path / "CMakeCache.txt").read_text()

    for part in ("CLI", "BINDINGS", "TESTS", "BENCH", "FUZZ"):
        assert f"SPAWNING_{part}:BOOL=OFF" in cache
    assert not (tmp_path / "spawning" / "cli").exists()


def test_nothing_is_exported_but_the_namespace_and_the_one_asio() -> None:
    library = install(SHARED).prefix / "lib" / "libspawning.so"
    lines = run("nm", "-DC", "--defined-only", library).splitlines()
    names = [re.sub(r"^\S+ \S (vtable for |typeinfo (name )?for )?", "", line) for line in lines]

    assert "spawning::Server::connections() const" in names
    assert "spawning::Handler" in names  # its typeinfo
    others = [name for name in names if not name.startswith(("spawning::", "boost::asio::"))]
    assert others == []
    assert [name for name in names if "State::" in name] == []
    assert [name for name in names if "spawning::Framing" in name] == []


def failure_of(*command: object) -> str:
    outcome = subprocess.run(
        [str(each) for each in command],
        env=environment(None),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode != 0
    return " ".join((outcome.stdout + outcome.stderr).split())


def test_another_minor_version_is_not_compatible(tmp_path: pathlib.Path) -> None:
    major, minor = COMPATIBLE.split(".")
    wanted = f"{major}.{int(minor) + 1}"
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\n"
        "project(newer LANGUAGES CXX)\n"
        f"find_package(spawning {wanted} CONFIG REQUIRED)\n"
    )

    prefix = f"-DCMAKE_PREFIX_PATH={install(STATIC).prefix}"
    said = failure_of("cmake", "-S", tmp_path, "-B", tmp_path / "build", prefix)

    assert f'compatible with requested version "{wanted}"' in said
    assert f"version: {VERSION}" in said


def test_another_version_of_python_does_not_compile() -> None:
    flags = install(STATIC).pkg_config("--cflags", package="spawning-wsgi")
    assert [flag for flag in flags if flag.startswith("-DSPAWNING_PYTHON_VERSION=7")]
    other = [flag for flag in flags if "SPAWNING_PYTHON" not in flag]

    other += [f"-I{pybind11.get_include()}", "-DSPAWNING_PYTHON_VERSION=0"]
    program = CONSUMER / "beside_python.cpp"

    said = failure_of("c++", "-std=c++20", "-fsyntax-only", *other, program)

    assert "spawning::wsgi was built for another version of Python" in said


def test_another_version_of_boost_does_not_compile() -> None:
    flags = install(STATIC).pkg_config("--cflags")
    assert [flag for flag in flags if flag.startswith("-DSPAWNING_BOOST_VERSION=1")]
    other = [flag for flag in flags if "BOOST_VERSION" not in flag] + ["-DSPAWNING_BOOST_VERSION=0"]

    said = failure_of("c++", "-std=c++20", "-fsyntax-only", *other, CONSUMER / "greeter.cpp")

    assert "libspawning was built with another version of Boost" in said


def test_the_page_shows_the_program_that_is_tested() -> None:
    page = (DOCS / "embedding.md").read_text()
    licence, _, program = (CONSUMER / "greeter.cpp").read_text().partition("\n")
    project = (CONSUMER / "CMakeLists.txt").read_text()
    shown = re.findall(
        r"(?:^    (?:add_executable|target_link_libraries).*\n){2}", page, re.MULTILINE
    )

    assert licence.startswith("// SPDX")
    assert f"```cpp\n{program}```\n" in page
    assert len(shown) == 3
    for each in shown:
        assert textwrap.dedent(each) in project


def test_every_other_piece_of_code_on_the_page_is_in_a_program_that_is_built() -> None:
    page = (DOCS / "embedding.md").read_text()
    programs = [path.read_text() for path in CONSUMER.glob("*.cpp")]
    pieces = re.findall(r"^```cpp\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)

    assert len(pieces) > 3
    for piece in pieces:
        assert any(piece in program for program in programs), piece
