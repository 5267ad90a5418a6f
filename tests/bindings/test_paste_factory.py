# SPDX-License-Identifier: MIT
"""Applications of PasteDeploy's ini files."""

import logging
import os
import sys
import textwrap

import pytest
from spawning import paste_factory
from spawning.loading.naming import NamingError

INI = """
[DEFAULT]
shop = %(here)s/goods

[app:main]
use = call:pasted:make_app
greeting = hello

[app:admin]
use = call:pasted:make_app
greeting = administrators

[server:main]
use = egg:Spawning
host = 127.0.0.2
port = %(http_port)s
threads = 7
num_processes = 3
status_port = 0
verbose = true
"""
PASTED = """
    def make_app(global_conf, **local_conf):
        def app(environ, start_response):
            return [global_conf, local_conf]
        return app
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A directory with shop.ini, and pasted.py for it."""
    (tmp_path / "shop.ini").write_text(INI)
    (tmp_path / "pasted.py").write_text(textwrap.dedent(PASTED))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("pasted", None)


def test_takes_what_the_server_section_says(site):
    config = paste_factory.config_factory(
        {"args": ["shop.ini", "http_port=8123"], "port": 8080, "watch": ["other"], "verbose": False}
    )

    assert config["app_factory"] == "spawning.paste_factory.app_factory"
    assert (config["host"], config["port"]) == ("127.0.0.2", "8123")
    assert (config["num_processes"], config["threadpool_workers"]) == ("3", "7")
    assert config["watch"] == ["other", str(site / "shop.ini")]
    assert config["verbose"] is False  # what a factory may not set


@pytest.mark.parametrize("name, greeting", [("", "hello"), ("#admin", "administrators")])
def test_loads_the_application_with_the_globals(site, name, greeting):
    config = paste_factory.config_factory({"args": ["shop.ini" + name, "http_port=1", "a=b=c"]})
    os.chdir("/")

    global_conf, local_conf = paste_factory.app_factory(config)({}, None)

    assert local_conf == {"greeting": greeting}
    assert global_conf["shop"] == f"{site}/goods"
    assert global_conf["a"] == "b=c"
    assert global_conf["__file__"] == f"{site}/shop.ini"


def test_without_a_server_section_all_stays_as_it_is(site):
    (site / "shop.ini").write_text("[app:main]\nuse = call:pasted:make_app\n")

    config = paste_factory.config_factory({"args": ["shop.ini"], "port": 8080})

    assert config["port"] == 8080
    assert "host" not in config


def test_sets_logging_up_as_the_file_says(site):
    (site / "shop.ini").write_text(
        textwrap.dedent("""
        [app:main]
        use = call:pasted:make_app
        [loggers]
        keys = root, shop
        [handlers]
        keys =
        [formatters]
        keys =
        [logger_root]
        handlers =
        [logger_shop]
        level = ERROR
        qualname = shop_of_the_test
        handlers =
        """)
    )
    config = paste_factory.config_factory({"args": ["shop.ini"]})
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        paste_factory.app_factory(config)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    assert logging.getLogger("shop_of_the_test").level == logging.ERROR


@pytest.mark.parametrize(
    "arguments, ini, message",
    [
        ([], None, "expected an ini file, such as development.ini"),
        (["not_there.ini"], None, "there is no file .*/not_there.ini"),
        (["shop.ini", "word"], None, "expected KEY=VALUE behind the ini file, not 'word'"),
        (["shop.ini#shop"], None, "No section 'shop' .* found in config .*shop.ini"),
        (["shop.ini"], "[server:main]\nport = 1\n", "No section 'main' .* found in config"),
        (["shop.ini"], "port = 1\n", "File contains no section headers"),
        (["shop.ini"], None, "Error in file .*/shop.ini: Bad value substitution.*http_port"),
    ],
)
def test_says_in_one_line_what_is_wrong(site, arguments, ini, message):
    if ini is not None:
        (site / "shop.ini").write_text(ini)

    with pytest.raises(NamingError, match=message) as raised:
        paste_factory.config_factory({"args": arguments})

    assert "\n" not in str(raised.value)
    if len(arguments) == 1:
        assert raised.value.files == [str(site / arguments[0].partition("#")[0])]


def test_says_how_to_install_pastedeploy(site, monkeypatch):
    monkeypatch.setitem(sys.modules, "paste.deploy", None)

    with pytest.raises(NamingError, match="pip install PasteDeploy"):
        paste_factory.config_factory({"args": ["shop.ini"]})


class TestServer:
    """`use = egg:Spawning`: what becomes of this process."""

    @pytest.fixture
    def executed(self, monkeypatch):
        commands = []
        monkeypatch.setattr(os, "execv", lambda path, command: commands.append((path, command)))
        monkeypatch.setattr(paste_factory, "find_program", lambda: "/bin/spawn")
        return commands

    def load(self, site, **globals_):
        loadwsgi = pytest.importorskip("paste.deploy.loadwsgi")
        ini = site / "shop.ini"
        ini.write_text(
            ini.read_text().replace("egg:Spawning", "call:spawning.paste_factory:server_factory")
        )
        return loadwsgi.loadserver(f"config:{ini}", global_conf=globals_)

    def test_it_is_spawn_with_the_same_file_and_globals(self, site, executed):
        self.load(site, http_port="8123", color="blue")("the application")

        (path, command), *others = executed
        assert path == command[0] == "/bin/spawn" and not others
        assert command[1:] == [
            *["--python", sys.executable, "--factory", paste_factory.FACTORY],
            *["--status-port=0", "--verbose"],
            *[f"{site}/shop.ini", "http_port=8123", "color=blue"],
        ]

    def test_what_the_section_main_does_not_say_is_said_by_options(self, site, executed):
        paste_factory.server_runner(
            "the application",
            {"__file__": f"{site}/shop.ini", "here": str(site), "http_port": "1"},
            port="8124",
            num_processes="2",
            threads="5",
            no_keepalive="off",
        )

        ((_, command),) = executed
        assert command[5:-2] == ["--port=8124", "--processes=2", "--threads=5"]

    def test_it_listens_where_waitress_would(self, site, executed):
        text = (site / "shop.ini").read_text()
        text = text.replace("host = 127.0.0.2\nport = %(http_port)s", "listen = *:6543 [::1]:6543")
        (site / "shop.ini").write_text(text)

        self.load(site)("the application")

        ((_, command),) = executed
        assert command[5:7] == ["--bind=*:6543", "--bind=[::1]:6543"]
