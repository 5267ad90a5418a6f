# SPDX-License-Identifier: MIT
"""libspawning installed as by a packager, and programs that others link with it."""

from __future__ import annotations

import contextlib
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator

import pybind11
from package_building import COMPILING, run
from running import DOCS, PATIENCE, ROOT, Client, environment

CONSUMER = DOCS / "examples"
PROGRAMS = GREETER, WAYS_TO_ANSWER, BESIDE_PYTHON = ("greeter", "ways_to_answer", "beside_python")
TESTS = "fetch_test"
STATIC, SHARED = KINDS = ("static", "shared")
FIND_PACKAGE, PKG_CONFIG, SUBDIRECTORY = WAYS = ("find_package", "pkg-config", "add_subdirectory")
PYTHON = (f"-DPython_EXECUTABLE={sys.executable}", f"-Dpybind11_DIR={pybind11.get_cmake_dir()}")


def caching() -> dict[str, str]:
    """What makes ccache see that sources are compiled as by ./dev. Build directories are as deep, too."""
    return {
        "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
        "CCACHE_BASEDIR": str(ROOT),
        "CCACHE_NOHASHDIR": "1",
    }


def build(source: pathlib.Path, name: str, kind: str, *definitions: str) -> pathlib.Path:
    """Builds a project in build/NAME, with what is there already; the directory."""
    place = ROOT / "build" / name
    settings = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_COMPILE_WARNING_AS_ERROR": "ON",
        "BUILD_SHARED_LIBS": "ON" if kind == SHARED else "OFF",
        "CMAKE_INSTALL_LIBDIR": "lib",  # on every system
    }
    given = [f"-D{key}={value}" for key, value in settings.items()]
    configure = ["cmake", "-S", source, "-B", place, "-G", "Ninja", *given, *definitions]
    run(*configure, seconds=COMPILING, env=caching())
    run("cmake", "--build", place, seconds=COMPILING, env=caching())
    return place


class Installed:
    """A prefix that has been moved since `cmake --install` has filled it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        place = ROOT / "build" / f"installed-{kind}"  # the same each time, for ccache
        shutil.rmtree(place, ignore_errors=True)
        without = [f"-DSPAWNING_{each}=OFF" for each in ("TESTS", "BENCH")]
        built = build(ROOT, f"library-{kind}", kind, *without, *PYTHON)
        self.prefix = place / "moved"
        self.only_library = place / "library"
        run("cmake", "--install", built, "--prefix", place / "made")
        run("cmake", "--install", built, "--prefix", self.only_library, "--component", "library")
        (place / "made").rename(self.prefix)

    def pkg_config(self, *what: str, package: str = "spawning") -> list[str]:
        places = [self.prefix / "lib" / "pkgconfig", sysconfig.get_config_var("LIBPC")]
        path = {"PKG_CONFIG_PATH": ":".join(map(str, places))}
        return shlex.split(run("pkg-config", *what, package, env=path))

    def link(self, way: str, place: pathlib.Path) -> pathlib.Path:
        """Builds docs/examples; the directory with PROGRAMS and TESTS."""
        if way == SUBDIRECTORY:
            source = (f"-DSPAWNING_SOURCE={ROOT}", "-DSPAWNING_BINDINGS=ON")
            built = build(CONSUMER, f"embedded-{self.kind}", self.kind, *source, *PYTHON)
        elif way == FIND_PACKAGE:
            prefix = f"-DCMAKE_PREFIX_PATH={self.prefix}"
            built = build(CONSUMER, f"consumer-{self.kind}", self.kind, prefix, *PYTHON)
        else:
            built = place
            flags = self.pkg_config("--cflags", "--libs")
            rpath = f"-Wl,-rpath,{self.prefix}/lib"
            wanted = {GREETER: flags, WAYS_TO_ANSWER: flags}
            wanted[TESTS] = [*self.pkg_config("--cflags", "--libs", package="spawning-testing")]
            wanted[TESTS] += ["-lgtest_main", "-lgtest"]
            wanted[BESIDE_PYTHON] = [f"-I{pybind11.get_include()}"]
            wanted[BESIDE_PYTHON] += self.pkg_config("--cflags", "--libs", package="spawning-wsgi")
            for name, linking in wanted.items():
                source = CONSUMER / f"{name}.cpp"
                compiling = ["c++", "-std=c++20", source, *linking, rpath, "-o", place / name]
                run(*compiling, seconds=COMPILING)
        return built


class Example:
    """A program, serving."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def client(self) -> Client:
        return Client("127.0.0.1", self.port, PATIENCE)

    def get(self, target: str) -> tuple[int, bytes]:
        with self.client() as client:
            client.request(target)
            response = client.response()
            return response.status, response.body

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(
    program: pathlib.Path,
    log: pathlib.Path | None = None,
    *arguments: str,
    cwd: pathlib.Path = CONSUMER,
    **variables: str,
) -> Iterator[Example]:
    """The program, on a port that clients can connect to from the beginning; its standard error in `log`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        command = [str(program), f"fd://{number}", *arguments]
        stderr = log.open("w") if log else None
        process = subprocess.Popen(
            command, pass_fds=[number], stderr=stderr, cwd=cwd, env=environment(variables)
        )
        if stderr:
            stderr.close()
        port = listening.getsockname()[1]
    try:
        yield Example(process, port)
    finally:
        process.kill()
        process.wait(PATIENCE)
