# SPDX-License-Identifier: MIT
"""Applications that a PasteDeploy ini file describes, as those of Pyramid are.

`spawn --factory spawning.paste_factory.config_factory FILE[#APP] [KEY=VALUE …]` serves them;
`use = egg:Spawning` in `[server:main]` has `pserve` do so.
"""

from __future__ import annotations

import configparser
import logging.config
import os
import sys
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple, NoReturn

from spawning.loading.naming import NamingError
from spawning.program import find_program

Application = Callable[..., Iterable[bytes]]

FACTORY = "spawning.paste_factory.config_factory"
# What [server:main] says and a factory may set; old names are understood, too.
SERVER_KEYS = {
    "host": "host",
    "port": "port",
    "num_processes": "num_processes",
    "processes": "num_processes",
    "threadpool_workers": "threadpool_workers",
    "threads": "threadpool_workers",
}
_SERVER = "server:main"


class Source(NamedTuple):
    """What the arguments say."""

    file: str  # absolute
    app: str  # of the file's sections [app:…], [composite:…], [pipeline:…]
    globals: dict[str, str]


def config_factory(config: dict[str, Any]) -> dict[str, Any]:
    """Takes host, port and numbers from `[server:main]`, and watches the file."""
    source = _source_of(config["args"])
    loadwsgi = _loadwsgi(source)
    try:
        loader = loadwsgi.ConfigLoader(source.file)
        loader.update_defaults(source.globals)
        loader.find_config_section(loadwsgi.APP, source.app)
        server = _section(loader.parser, _SERVER)
    except (LookupError, configparser.Error) as error:
        raise NamingError(" ".join(str(error).split()), [source.file]) from None
    config["app_factory"] = "spawning.paste_factory.app_factory"
    for name, key in SERVER_KEYS.items():
        if name in server:
            config[key] = server[name]
    config["watch"] = [*config.get("watch", []), source.file]
    config["paste"] = source._asdict()
    return config


def app_factory(config: dict[str, Any]) -> Application:
    """Sets up logging as the file says, if it does, and loads the application."""
    source = Source(**config["paste"])
    parser = _parser(source)
    if parser.has_section("loggers"):
        defaults = {"here": os.path.dirname(source.file), "__file__": source.file}
        logging.config.fileConfig(
            source.file, {**defaults, **source.globals}, disable_existing_loggers=False
        )
    return _loadwsgi(source).loadapp(
        f"config:{source.file}", name=source.app, global_conf=dict(source.globals)
    )


def server_factory(global_conf: dict[str, str], **server: str) -> Callable[[Application], NoReturn]:
    """`paste.server_factory`: what serves an application that is loaded already."""

    def serve(app: Application) -> NoReturn:
        server_runner(app, global_conf, **server)

    return serve


def server_runner(_app: Application, global_conf: dict[str, str], **server: str) -> NoReturn:
    """`paste.server_runner`: `spawn` in place of this process.

    Its workers load the application `main` anew, each for itself; a reload reads the file anew.
    """
    program = find_program()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program, [program, *_arguments(global_conf, server)])


def _arguments(global_conf: dict[str, str], server: dict[str, str]) -> list[str]:
    """Those of `spawn` that say the same."""
    if "__file__" not in global_conf:
        raise NamingError("Spawning serves applications of ini files: there is no '__file__'")
    file = os.path.abspath(global_conf["__file__"])
    globals_ = _globals_beside(file, global_conf)
    parser = _parser(Source(file, "main", globals_))
    # What the file says is left to the factory, so that a reload finds it changed.
    named = _section(parser, _SERVER) != server
    options = [
        option
        for key, value in server.items()
        if named or key not in SERVER_KEYS
        for option in _option(key, value)
    ]
    pairs = [f"{key}={value}" for key, value in globals_.items()]
    python = [] if "python" in server else ["--python", sys.executable]
    return [*python, "--factory", FACTORY, *options, file, *pairs]


def _globals_beside(file: str, global_conf: dict[str, str]) -> dict[str, str]:
    """Those that are not from the file, so that a reload finds the file's changed."""
    own = dict(_parser(Source(file, "main", {})).items("DEFAULT", raw=True))
    others = {key: value for key, value in global_conf.items() if key not in own}
    defaults = _parser(Source(file, "main", others)).defaults()
    return {
        key: value for key, value in global_conf.items() if key in others or defaults[key] != value
    }


def _option(key: str, value: str) -> list[str]:
    if key == "listen":  # waitress's name, in the files that Pyramid's templates make
        return [f"--bind={address}" for address in value.split()]
    names = {"num_processes": "processes", "threadpool_workers": "threads"}
    option = "--" + names.get(key, key).replace("_", "-")
    if value.lower() in ("false", "no", "off"):
        return []
    return [option] if value.lower() in ("true", "yes", "on") else [f"{option}={value}"]


def _source_of(arguments: list[str]) -> Source:
    if not arguments:
        raise NamingError("expected an ini file, such as development.ini")
    path, _, app = arguments[0].partition("#")
    globals_ = {}
    for each in arguments[1:]:
        key, equals, value = each.partition("=")
        if not key or not equals:
            raise NamingError(f"expected KEY=VALUE behind the ini file, not '{each}'")
        globals_[key] = value
    file = os.path.abspath(path)
    if not os.path.isfile(file):
        raise NamingError(f"there is no file {file}", [file])
    return Source(file, app or "main", globals_)


def _loadwsgi(source: Source) -> Any:
    try:
        from paste.deploy import loadwsgi  # noqa: PLC0415  # an option of this package
    except ModuleNotFoundError as error:
        if error.name not in ("paste", "paste.deploy"):
            raise
        message = "PasteDeploy is not installed: pip install PasteDeploy"
        raise NamingError(message, [source.file]) from None
    return loadwsgi


def _parser(source: Source) -> Any:
    """The file, with %(here)s and the globals put in."""
    loader = _loadwsgi(source).ConfigLoader(source.file)
    loader.update_defaults(source.globals)
    return loader.parser


def _section(parser: Any, name: str) -> dict[str, str]:
    """What a section says itself, as PasteDeploy reads it; nothing if it is not there."""
    if not parser.has_section(name):
        return {}
    keys = [key for key in parser.options(name) if key not in parser.defaults()]
    return {key: parser.get(name, key) for key in keys if key != "use" and " " not in key}
