# SPDX-License-Identifier: MIT
"""Reads a configuration file of gunicorn's: `python -m spawning.gunicorn_config FILE`.

`spawn --config` starts it for a FILE that is Python. It answers as `spawning.configure` does, with
options of ours, the arguments, and lines for people about what else the file says.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
import types
from typing import Any

from spawning.configure import answer
from spawning.gunicorn.settings import RULES
from spawning.gunicorn.translation import Translation
from spawning.gunicorn.values import PORT, PROXIES, SettingError
from spawning.loading.load_failure import LoadFailure, load_failure

# Those that --env takes.
_VARIABLE = re.compile(r"(?!SPAWNING_)[A-Za-z_][A-Za-z0-9_]*=")


def main(arguments: list[str]) -> int:
    """Prints what the file comes to; returns the exit status."""
    if len(arguments) != 1:
        print("spawning.gunicorn_config is started by `spawn --config FILE.py`", file=sys.stderr)
        return 2
    (file,) = arguments
    return answer(
        lambda: translated(file),
        f"{file} does not come to its end",
        lambda error: failure_of(file, error),
    )


def translated(file: str) -> dict[str, Any]:
    """What `spawn` is to know of the file.

    Raises SettingError about a setting, and whatever the file raises.
    """
    environment, path = dict(os.environ), list(sys.path)
    settings = execute(file)
    translation = Translation(file, settings)
    # What workers that gunicorn forks inherit.
    left = [f"{name}={text}" for name, text in os.environ.items() if environment.get(name) != text]
    translation.path = [place for place in sys.path if place not in path]
    translate(translation, [each for each in left if _VARIABLE.match(each)])
    return {
        "options": [
            {"option": option, "setting": translation.origins[option], "values": given}
            for option, given in translation.options.items()
        ],
        "arguments": translation.arguments,
        "remarks": translation.remarks,
    }


def execute(file: str) -> dict[str, Any]:
    """The names of the file, as a module by the name that gunicorn gives it."""
    try:
        with open(file, "rb") as stream:
            source = stream.read()
    except OSError as error:
        raise SettingError(f"--config: {file}: {error.strerror}") from None
    module = types.ModuleType("__config__")
    module.__file__ = os.path.abspath(file)
    sys.modules["__config__"] = module
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    return vars(module)


def translate(translation: Translation, variables: list[str]) -> None:
    """Understands the settings that gunicorn knows; other names are the file's own business.

    `variables` are what the file has left in its environment.
    """
    if variables:
        translation.take("os.environ", "env", *variables)
    for name, value in translation.settings.items():
        if name not in RULES or (value is None and name != "accesslog"):
            continue
        try:
            RULES[name].apply(translation, name, value)
        except SettingError as error:
            raise SettingError(f"{translation.file}: {name}: {error}") from None
    if translation.path:
        before = filter(None, [os.environ.get("PYTHONPATH")])
        path = os.pathsep.join([*translation.path, *before])
        translation.take("pythonpath", "env", f"PYTHONPATH={path}")
    _trust_unix_sockets(translation)
    _add_defaults(translation)


def _trust_unix_sockets(translation: Translation) -> None:
    """gunicorn believes everybody who comes over one."""
    addresses = translation.options.get("bind", [])
    if not any(each.startswith("unix:") for each in addresses):
        return
    trusted = translation.options.pop("forwarded-allow-ips", [PROXIES])[0]
    if "*" not in trusted:
        trusted = ",".join(filter(None, [trusted, "unix"]))
    translation.take("bind", "forwarded-allow-ips", trusted)
    translation.remark(
        "bind", "--forwarded-allow-ips unix: who may connect to the socket is believed, as before"
    )


def _add_defaults(translation: Translation) -> None:
    """Has it serve as gunicorn does if nothing is said, where an application or a proxy relies on it."""
    if "factory" in translation.options:
        return  # whose file says these, too
    bound = {} if "bind" in translation.options else {"port": PORT}
    for option, value in {**bound, "processes": "1", "threads": "1"}.items():
        if option not in translation.options:
            translation.take("", option, value)


def failure_of(file: str, error: BaseException) -> LoadFailure:
    """Where in the file it is, and what."""
    if isinstance(error, SettingError):
        return LoadFailure(str(error), "", [])
    line = _line_of(os.path.abspath(file), error)
    failure = load_failure(error)
    return failure._replace(summary=f"{file}:{line}: {failure.summary}")


def _line_of(path: str, error: BaseException) -> int:
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 1
    frames = traceback.walk_tb(error.__traceback__)
    return ([line for frame, line in frames if frame.f_code.co_filename == path] or [1])[-1]


if __name__ == "__main__":
    exit_status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_status)  # whatever threads the file has left
