# SPDX-License-Identifier: MIT
"""Applications that an ini file for PasteDeploy describes, by `spawn` and by `pserve`."""

import pathlib
import sys
import sysconfig
import textwrap

import pytest
from projects import COMMANDS, write
from running import environment, running, wait_until

PASTED = """
    def make_app(global_conf, **local_conf):
        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            said = [local_conf["says"], global_conf.get("color"), environ["SCRIPT_NAME"]]
            return [" ".join(map(str, said)).encode()]
        return app
    def make_filter(global_conf, mark):
        def wrap(app):
            def wrapped(environ, start_response):
                return [mark.encode(), *app(environ, start_response)]
            return wrapped
        return wrap
"""
INI = """
    [DEFAULT]
    words = %(here)s
    [composite:main]
    use = egg:Paste#urlmap
    /shop = shop
    /desk = desk
    [composite:main]
    [app:shop]
    use = call:pasted:make_app
    says = shop
    [pipeline:desk]
    pipeline = outer inner shop
    [filter:outer]
    use = call:pasted:make_filter
    mark = <
    [filter:inner]
    use = call:pasted:make_filter
    mark = =
    [app:place]
    use = call:pasted:make_app
    says = %(words)s
    [server:main]
    use = egg:Spawning
    host = 127.0.0.2
    port = 0
    num_processes = 2
    threads = 3
"""
# Paste itself is old; this is what its urlmap does.
URLMAP = """
    def urlmap(loader, global_conf, **paths):
        apps = {path: loader.get_app(name, global_conf=global_conf) for path, name in paths.items()}
        def app(environ, start_response):
            for path, each in apps.items():
                if environ["PATH_INFO"].startswith(path):
                    environ["SCRIPT_NAME"] += path
                    environ["PATH_INFO"] = environ["PATH_INFO"][len(path):]
                    return each(environ, start_response)
            start_response("404 Not Found", [])
            return []
        return app
"""
PYRAMID = """
    from pyramid.config import Configurator
    from pyramid.response import Response
    def main(global_config, **settings):
        config = Configurator(settings=settings)
        config.add_route("home", "/")
        config.add_view(lambda request: Response(settings["says"]), route_name="home")
        return config.make_wsgi_app()
"""
PYRAMID_INI = """
    [app:main]
    use = call:pyramids:main
    says = %(color)s at your service
    [server:main]
    use = egg:Spawning
    port = 0
    num_processes = 2
    threads = 3
    status_port = 0
    access_log_file = /dev/null
"""


def await_body(server, body):
    wait_until(lambda: server.get("/").body == body, server.patience, str(body))


class TestPaste:
    @pytest.fixture
    def site(self, tmp_path):
        write(tmp_path / "pasted.py", textwrap.dedent(PASTED) + textwrap.dedent(URLMAP))
        ini = textwrap.dedent(INI).replace("[composite:main]\n[app:shop]", "[app:shop]")
        write(tmp_path / "shop.ini", ini.replace("egg:Paste#urlmap", "call:pasted:urlmap"))
        return tmp_path

    def test_composites_pipelines_filters_and_globals(self, spawn, site):
        server = spawn(
            *"-f spawning.paste_factory.config_factory shop.ini color=blue".split(),
            cwd=site,
            port=(),
        )

        assert server.host == "127.0.0.2"
        assert "2 processes × 3 threads" in server.output
        assert server.get("/shop/x").body == b"shop blue /shop"
        assert server.get("/desk").body == b"<=shop blue /desk"
        assert server.get("/").status == 404
        assert server.stop() == 0

    def test_another_application_of_the_file(self, spawn, site):
        server = spawn(*"-f spawning.paste_factory shop.ini#place".split(), cwd=site)

        assert server.get("/").body == f"{site} None ".encode()

    def test_when_the_file_changes_it_counts(self, spawn, site):
        server = spawn(*"-f spawning.paste_factory shop.ini#shop".split(), cwd=site)
        assert len(server.workers()) == 2

        text = (site / "shop.ini").read_text()
        text = text.replace("says = shop", "says = sale").replace("processes = 2", "processes = 1")
        write(site / "shop.ini", text)
        server.says("reloaded: generation 2 serves")

        assert f"reloading: {site}/shop.ini changed" in server.errors()
        await_body(server, b"sale None ")
        wait_until(lambda: len(server.workers()) == 1, server.patience, "one worker")
        write(site / "shop.ini", "nonsense")
        server.says("everything goes on as it is")
        assert server.get("/").body == b"sale None "

    def test_pserve_becomes_spawn(self, site):
        write(site / "pyramids.py", PYRAMID)
        write(site / "pyramid.ini", PYRAMID_INI)
        pserve = pathlib.Path(sysconfig.get_path("scripts")) / "pserve"
        commands = {**COMMANDS, "PYTHONPATH": f"{COMMANDS['PYTHONPATH']}:{site}"}

        with running(
            site / "stderr",
            [sys.executable, str(pserve), "pyramid.ini", "color=blue"],
            cwd=site,
            env=environment(commands),
        ) as server:
            assert "2 processes × 3 threads" in server.output
            assert server.process.pid == server.pid
            assert "status: http://127.0.0.1:" in server.errors()
            assert server.get("/").body == b"blue at your service"

            text = (site / "pyramid.ini").read_text()
            write(site / "pyramid.ini", text.replace("processes = 2", "processes = 1"))
            server.says("reloaded: generation 2 serves")
            wait_until(lambda: len(server.workers()) == 1, server.patience, "one worker")
            assert server.stop() == 0
