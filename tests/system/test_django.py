# SPDX-License-Identifier: MIT
"""Django projects by their settings, and by their manage.py."""

import signal
import subprocess
import sys

import pytest
from projects import COMMANDS, django_site, write
from running import APPS, environment, running

DEVELOPED = """
    from django_site.settings import *
    DEBUG = True
    INSTALLED_APPS = [*INSTALLED_APPS, "spawning.django"]
"""
MANAGE = """
    import os
    import sys
    from django.core.management import execute_from_command_line
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "developed")
    execute_from_command_line(sys.argv)
"""


class TestDjango:
    @pytest.fixture
    def project(self, tmp_path):
        """The directory of a project in development, beside its manage.py."""
        write(tmp_path / "developed.py", DEVELOPED)
        write(tmp_path / "manage.py", MANAGE)
        return tmp_path

    @pytest.fixture
    def variables(self, tmp_path):
        return {"DJANGO_SITE_DATABASE": str(tmp_path / "site.sqlite3"), "PYTHONPATH": str(APPS)}

    @pytest.mark.parametrize(
        "settings, status", [("developed", 200), ("django_site.settings", 404)]
    )
    def test_static_files_are_served_in_development(
        self, spawn, project, variables, settings, status
    ):
        server = spawn(
            *f"-f spawning.django_factory.config_factory -s 1 {settings}".split(),
            cwd=project,
            env=variables,
        )

        assert server.get("/admin/login/").status == 200
        assert server.get("/static/admin/css/base.css").status == status
        assert server.stop() == 0

    def test_settings_that_cannot_be_imported_are_shown(self, run_spawn, project):
        write(project / "broken.py", "1 / 0")

        ended = run_spawn("-f", "spawning.django_factory", "broken", cwd=project)

        assert f'File "{project}/broken.py", line 1, in <module>' in ended.stderr
        assert ended.stderr.endswith("spawn: --factory: ZeroDivisionError: division by zero\n")
        assert ended.returncode == 1

    def test_urls_that_are_broken_are_not_deployed(self, spawn, run_spawn, tmp_path):
        (tmp_path / "mysite").mkdir()
        for name, text in django_site("good").items():
            write(tmp_path / name, text)
        service = ["-f", "spawning.django_factory.config_factory", "mysite.settings"]
        server = spawn("-s", "1", *service, cwd=tmp_path)
        assert server.get("/").body == b"good"

        write(tmp_path / "mysite/urls.py", "from mysite import views")
        server.signal(signal.SIGHUP)

        server.says("is discarded")
        assert server.get("/").body == b"good"
        assert f'File "{tmp_path}/mysite/urls.py", line 1, in <module>' in server.errors()
        checked = run_spawn("--check", *service, cwd=tmp_path)
        assert checked.returncode == 1
        assert "cannot import name 'views' from 'mysite'" in checked.stderr

    @pytest.fixture
    def command(self, project):
        return [sys.executable, str(project / "manage.py"), "runspawn"]

    @pytest.fixture
    def elsewhere(self, variables):
        """How the command is run: not in the project's directory."""
        paths = f"{COMMANDS['PYTHONPATH']}:{APPS}"
        return {"cwd": "/", "env": environment({**COMMANDS, **variables, "PYTHONPATH": paths})}

    def test_manage_py_runspawn(self, project, command, elsewhere):
        command += "127.0.0.1:0 --processes 1 --access-log-file /dev/null".split()

        with running(project / "stderr", command, **elsewhere) as server:
            assert server.process.pid == server.pid
            assert "1 process × 4 threads" in server.output
            assert server.get("/static/admin/css/base.css").status == 200
            assert server.stop() == 0

    @pytest.mark.parametrize("option", [["--python", "{}"], ["--python={}"]])
    def test_the_interpreter_that_manage_py_runspawn_is_given_counts(
        self, command, elsewhere, option
    ):
        command += ["0", *(each.format("/nowhere/python3") for each in option)]

        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, **elsewhere
        )

        assert "/nowhere/python3" in ended.stderr
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
