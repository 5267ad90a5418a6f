# SPDX-License-Identifier: MIT
"""Building what `pip install` installs, and environments that have it."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable

from running import PATIENCE, ROOT, environment

PLACE = ROOT / "build" / "packaging"  # the same each time, so that ccache knows what it compiles
COMPILED = PLACE / "wheel"
COMPILING = 1800  # seconds, if ccache knows nothing

SHOP = """
import os, platform, sys

LOADED_IN = f"{platform.python_version()} {os.path.realpath(sys.prefix)}"

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [LOADED_IN.encode()]
"""


def declared_version() -> str:
    found = re.search(r"project\(spawning VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    assert found
    return found[1]


def run(*command: object, seconds: float = PATIENCE, env: dict[str, str] | None = None) -> str:
    """What a command says that has to succeed."""
    outcome = subprocess.run(
        [str(each) for each in command],
        env=environment({"PIP_DISABLE_PIP_VERSION_CHECK": "1", **(env or {})}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert outcome.returncode == 0, f"{command}: {outcome.stdout[-8000:]}"
    return outcome.stdout


def able_to_build(python: str | pathlib.Path) -> str | None:
    """The path of an interpreter that modules can be built for; None of what is none."""
    what = (
        "import ensurepip, os, sys, sysconfig, venv\n"
        "assert os.path.exists(sysconfig.get_path('include') + '/Python.h')\n"
        "print(sys.executable)"
    )
    try:
        said = subprocess.run([str(python), "-c", what], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip()


def able_interpreter(minors: Iterable[int]) -> str | None:
    """One that modules can be built for, of the first of these versions of Python 3 that the machine has."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))
    for minor in minors:
        installed = sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python3"))
        for candidate in (f"python3.{minor}", *installed):
            found = able_to_build(candidate)
            if found:
                return found
    return None


def other_interpreter() -> str | None:
    """The oldest one that we support, if the machine has any of another version than this."""
    return able_interpreter(minor for minor in range(9, 20) if minor != sys.version_info.minor)


class BuildEnvironment:
    """An environment with what pyproject.toml says is needed to build, as pip would make it."""

    def __init__(self, python: str, name: str) -> None:
        self.python = PLACE / name / "bin" / "python"
        version = run(python, "--version")
        if not self.python.exists() or run(self.python, "--version") != version:
            shutil.rmtree(PLACE / name, ignore_errors=True)
            run(python, "-m", "venv", PLACE / name)
        text = (ROOT / "pyproject.toml").read_text()
        listed = re.search(r"^requires = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
        assert listed
        requirements = ["build", *re.findall(r'^ *"([^"]+)"', listed[1], re.MULTILINE)]
        installed = PLACE / name / "installed"  # then nobody is asked again
        if not installed.exists() or installed.read_text() != " ".join(requirements):
            run(self.python, "-m", "pip", "install", "-q", *requirements, seconds=600)
            installed.write_text(" ".join(requirements))

    def build(
        self, what: str, source: pathlib.Path, to: pathlib.Path, *settings: str
    ) -> pathlib.Path:
        """The one file that comes out of it."""
        command = [self.python, "-m", "build", "--no-isolation", what, "--outdir", to, source]
        caching = {
            "CXX": "c++",  # not what each Python was compiled with
            "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
            "CCACHE_BASEDIR": str(ROOT),
            "CCACHE_NOHASHDIR": "1",
        }
        run(*command, *(f"-C{each}" for each in settings), seconds=COMPILING, env=caching)
        (made,) = to.iterdir()
        return made

    def build_wheel(self, source: pathlib.Path, to: pathlib.Path, *settings: str) -> pathlib.Path:
        # Not what another build has left: all files of an sdist are of the same time.
        shutil.rmtree(COMPILED, ignore_errors=True)
        return self.build("--wheel", source, to, f"build-dir={COMPILED}", *settings)

    def licences(self, package: str) -> list[pathlib.Path]:
        """Those that an installed package brings."""
        metadata = self.python.parent.parent.glob(f"lib/*/site-packages/{package}-*.dist-info")
        return [path for each in metadata for path in each.rglob("LICEN[CS]E*")]

    def boost_headers(self) -> str:
        what = "import boost_headers; print(boost_headers.get_include())"
        return run(self.python, "-c", what).strip()


class Installed:
    """A new virtual environment that has a wheel."""

    def __init__(
        self,
        python: str,
        place: pathlib.Path,
        wheel: pathlib.Path,
        extras: str,
        pip_of: str | pathlib.Path = sys.executable,  # a copy of its own takes long
    ) -> None:
        run(python, "-m", "venv", "--without-pip", place)
        self.place = place.resolve()
        self.python = place / "bin" / "python"
        self.program = place / "bin" / "spawn"
        pip = [pip_of, "-m", "pip", "--python", self.python]
        run(*pip, "install", "-q", f"{wheel}{extras}", seconds=600)
        version = self.says("import platform; print(platform.python_version())")
        self.answer = f"{version} {self.place}".encode()  # of SHOP, if it is served from here

    def says(self, what: str) -> str:
        """What its interpreter prints."""
        return run(self.python, "-c", what).strip()
