# SPDX-License-Identifier: MIT
"""Real frameworks: a Django project and a Flask application, wrapped in wsgiref.validate."""

import contextlib
import hashlib
import os
import pathlib
import re
import subprocess
import sys

import pytest
import requests
from running import APPS, PATIENCE, VALIDATOR, started, wait_until

ADMIN = ("admin", "a long enough password")
MIB = 1 << 20


@pytest.fixture(scope="module")
def django_environment(tmp_path_factory):
    """A migrated database with somebody who may log in."""
    database = tmp_path_factory.mktemp("django") / "site.sqlite3"
    environment = {
        "DJANGO_SITE_DATABASE": str(database),
        "DJANGO_SETTINGS_MODULE": "django_site.settings",
        "DJANGO_SUPERUSER_PASSWORD": ADMIN[1],
    }
    for command in (
        ["migrate", "--verbosity", "0"],
        ["createsuperuser", "--no-input", "--username", ADMIN[0], "--email", "a@example.org"],
    ):
        subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=APPS,
            env={**os.environ, **environment, "PYTHONPATH": str(APPS)},
            check=True,
            timeout=120,
            stdout=subprocess.DEVNULL,
        )
    return environment


@pytest.fixture(scope="module")
def django(django_environment, tmp_path_factory):
    log = tmp_path_factory.mktemp("django-log") / "stderr"
    arguments = ["--processes", "2", "--threads", "2", "django_site.wsgi.application", VALIDATOR]
    with started(log, *arguments, env=django_environment) as server:
        yield server
        assert server.stop() == 0
        assert "AssertionError" not in server.errors()


@pytest.fixture(scope="module")
def flask(tmp_path_factory):
    log = tmp_path_factory.mktemp("flask-log") / "stderr"
    arguments = ["--processes", "2", "--threads", "2", "flask_site:create_app()", VALIDATOR]
    with started(log, *arguments) as server:
        yield server
        assert server.stop() == 0
        assert "AssertionError" not in server.errors()


@pytest.fixture
def session():
    with requests.Session() as session:
        yield session


def token_in(page):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text).group(1)


def stream_of(server, path, gate):
    """The blocks of a streaming response, each of which has arrived before the next gate opens."""
    blocks = []
    with server.client() as client:
        client.request(f"{path}?gate={gate.path}")
        client.head()
        blocks.append(client.chunk())
        for _ in range(2):
            gate.open()
            blocks.append(client.chunk())
        assert client.chunk() == b""
    return blocks


BLOCKS = [b"block 0\n", b"block 1\n", b"block 2\n"]


class TestDjango:
    def test_the_admins_login_page_renders(self, django, session):
        page = session.get(django.url + "admin/")

        assert page.status_code == 200
        assert page.url.endswith("/admin/login/?next=/admin/")
        assert "Django administration" in page.text

    def test_an_admin_logs_in_and_sees_the_site(self, django, session):
        login = django.url + "admin/login/?next=/admin/"
        form = {"username": ADMIN[0], "password": ADMIN[1]}
        form["csrfmiddlewaretoken"] = token_in(session.get(login))

        page = session.post(login, data=form)

        assert page.status_code == 200
        assert page.url == django.url + "admin/"
        assert "Site administration" in page.text
        assert session.get(django.url + "admin/auth/user/").text.count(ADMIN[0]) >= 1

    def test_a_form_is_posted_with_its_csrf_token(self, django, session):
        url = django.url + "form/"
        form = {"csrfmiddlewaretoken": token_in(session.get(url)), "text": "some täxt"}

        page = session.post(url, data=form)

        assert page.status_code == 200
        assert "some täxt" in page.text

    def test_a_form_without_its_token_is_refused(self, django, session):
        assert session.post(django.url + "form/", data={"text": "x"}).status_code == 403

    def test_a_file_of_20_mib_arrives_whole(self, django, session):
        url = django.url + "upload/"
        content = os.urandom(20 * MIB)
        form = {"csrfmiddlewaretoken": token_in(session.get(url))}

        answer = session.post(url, data=form, files={"file": ("large.bin", content)})

        assert answer.json() == {
            "name": "large.bin",
            "size": 20 * MIB,
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    def test_a_streaming_response_is_seen_block_by_block(self, django, gate):
        assert stream_of(django, "/stream/", gate) == BLOCKS

    def test_a_thread_keeps_its_connection_to_the_database(self, django, session):
        seen = {}
        for _ in range(40):
            answer = session.get(django.url + "connection/").json()
            seen.setdefault(answer["thread"], set()).add(answer["connection"])

        assert all(len(connections) == 1 for connections in seen.values())

    def test_an_exception_in_a_view_is_djangos_500(self, django, session):
        answer = session.get(django.url + "fail/")

        assert answer.status_code == 500
        assert "Server Error" in answer.text

    def test_head_and_conditional_requests(self, django, session):
        head = session.head(django.url + "admin/login/")

        assert head.status_code == 200
        assert head.content == b""


class TestFlask:
    def test_a_path_with_any_characters(self, flask, session):
        assert session.get(flask.url + "hello/Gr%C3%BC%C3%9Fe").text == "Hello, Grüße!"

    def test_json_both_ways(self, flask, session):
        answer = session.post(
            flask.url + "json", json={"a": [1, "ü"]}, headers={"User-Agent": "me"}
        )

        assert answer.json() == {"received": {"a": [1, "ü"]}, "agent": "me"}

    def test_a_form_a_redirect_and_a_session(self, flask, session):
        page = session.post(flask.url + "form", data={"text": "remembered"})

        assert [each.status_code for each in page.history] == [302]
        assert page.text == session.get(flask.url + "form").text == "remembered"

    def test_a_file_arrives_whole(self, flask, session):
        content = os.urandom(5 * MIB)

        answer = session.post(flask.url + "upload", files={"file": ("name.bin", content)})

        digest = hashlib.sha256(content).hexdigest()
        assert answer.json() == {"name": "name.bin", "size": 5 * MIB, "sha256": digest}

    def test_a_chunked_body_arrives_whole(self, flask, session):
        parts = [os.urandom(100_000) for _ in range(10)]

        answer = session.post(flask.url + "raw", data=iter(parts))

        assert answer.json() == {"sha256": hashlib.sha256(b"".join(parts)).hexdigest()}

    def test_a_streaming_response_is_seen_block_by_block(self, flask, gate):
        assert stream_of(flask, "/stream", gate) == BLOCKS

    def test_a_file_goes_out_whole_and_in_ranges(self, flask, session):
        source = (APPS / "flask_site.py").read_bytes()
        whole = session.get(flask.url + "file")
        part = session.get(flask.url + "file", headers={"Range": "bytes=10-19"})
        unchanged = session.get(
            flask.url + "file", headers={"If-None-Match": whole.headers["ETag"]}
        )

        assert whole.content == source
        assert (part.status_code, part.content) == (206, source[10:20])
        assert (unchanged.status_code, unchanged.content) == (304, b"")

    def test_a_missing_page_and_a_failing_one(self, flask, session):
        assert session.get(flask.url + "nowhere").status_code == 404
        assert session.get(flask.url + "fail").status_code == 500


def open_files(pid):
    found = []
    for each in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(os.readlink(each))
    return found


class TestDownloads:
    """What the frameworks give to wsgi.file_wrapper; the validator would hide that it is one."""

    @pytest.fixture(params=["django_site.wsgi.application", "flask_site:create_app()"])
    def server(self, request, spawn, django_environment):
        return spawn("--processes", "1", "--threads", "1", request.param, env=django_environment)

    def test_a_file_goes_out_whole_without_keeping_the_thread(self, server, session, tmp_path):
        path = tmp_path / "file.bin"
        path.write_bytes(os.urandom(10 * MIB))
        url = f"{server.url}download/?path={path}"
        with session.get(url, stream=True) as slow:
            assert session.get(url).content == path.read_bytes()
            assert slow.headers["Content-Length"] == str(10 * MIB)
            assert slow.raw.read() == path.read_bytes()

        assert session.head(url).headers["Content-Length"] == str(10 * MIB)
        (worker,) = server.workers()
        wait_until(lambda: str(path) not in open_files(worker), PATIENCE, "its file to be closed")
        assert "Traceback" not in server.errors()
