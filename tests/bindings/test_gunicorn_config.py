# SPDX-License-Identifier: MIT
"""`python -m spawning.gunicorn_config`, as `spawn --config` starts it, and what it makes of settings."""

import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest
import spawning
from spawning.gunicorn.translation import Translation
from spawning.gunicorn.values import SettingError
from spawning.gunicorn_config import translate

PACKAGE = pathlib.Path(spawning.__file__).parent
DEFAULTS = {"port": ["8000"], "processes": ["1"], "threads": ["1"]}


def translated(variables=(), **settings):
    translation = Translation("g.py", settings)
    translate(translation, list(variables))
    return translation


def options(**settings):
    """Those that are not as gunicorn has them by default."""
    found = translated(**settings).options
    return {option: given for option, given in found.items() if DEFAULTS.get(option) != given}


def remarks(**settings):
    return translated(**settings).remarks


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"workers": 3}, {"processes": ["3"]}),
        ({"workers": "0x10"}, {"processes": ["16"]}),
        ({"threads": 8}, {"threads": ["8"]}),
        ({"worker_class": "gthread"}, {}),
        ({"worker_class": "sync", "threads": 8}, {"threads": ["8"]}),
        ({"worker_class": "gunicorn.workers.gthread.ThreadWorker"}, {}),
        ({"worker_class": "egg:gunicorn#gevent"}, {"threads": ["0"], "green": ["gevent"]}),
        ({"threads": 8, "worker_class": "eventlet"}, {"threads": ["0"], "green": ["eventlet"]}),
        ({"graceful_timeout": 40}, {"deadman": ["40"]}),
        ({"timeout": 40}, {"request-timeout": ["40"]}),
        ({"keepalive": 0}, {"no-keepalive": [""]}),
        ({"keepalive": 5}, {"keepalive-timeout": ["5"]}),
        ({"max_requests": 9, "max_requests_jitter": 1},
         {"max-requests": ["9"], "max-requests-jitter": ["1"]}),
        ({"limit_request_line": 0}, {"limit-request-line": ["1M"]}),
        ({"limit_request_line": 8190}, {"limit-request-line": ["8190"]}),
        ({"limit_request_fields": 50}, {"limit-header-count": ["50"]}),
        ({"limit_request_field_size": 8190}, {}),
        ({"limit_request_field_size": 65537}, {"limit-headers": ["65537"]}),
        ({"limit_request_field_size": 0}, {"limit-headers": ["16M"]}),
        ({"reload": True, "reload_engine": "poll"}, {"reload": ["dev"], "watch-poll": ["1"]}),
        ({"reload": "false", "daemon": False, "preload_app": False}, {}),
        ({"reload_extra_files": ["a.ini", "b"]}, {"watch": ["a.ini", "b"]}),
        ({"chdir": "/srv", "daemon": True, "pidfile": "p"},
         {"chdir": ["/srv"], "daemonize": [""], "pidfile": ["p"]}),
        ({"user": "www", "group": 33}, {"chuid": ["www:33"]}),
        ({"user": 33}, {"chuid": ["33"]}),
        ({"group": "www"}, {"chuid": [f"{os.geteuid()}:www"]}),
        ({"umask": 0o27}, {"umask": ["27"]}),
        ({"umask": "0o27"}, {"umask": ["27"]}),
        ({"raw_env": ["A=1", "B=2"]}, {"env": ["A=1", "B=2"]}),
        ({"accesslog": "-"}, {"access-log-file": ["-"]}),
        ({"accesslog": None}, {"access-log-file": ["/dev/null"]}),
        ({"errorlog": "-", "capture_output": True}, {}),
        ({"errorlog": "e"}, {"stderr": ["e"]}),
        ({"capture_output": True, "errorlog": "e"}, {"stderr": ["e"], "stdout": ["e"]}),
        ({"loglevel": "WARNING"}, {"log-level": ["warning"]}),
        ({"loglevel": "critical"}, {"log-level": ["error"]}),
        ({"forwarded_allow_ips": "*"}, {"forwarded-allow-ips": ["*"]}),
        ({"forwarded_allow_ips": ""}, {"forwarded-allow-ips": [""]}),
        ({"proxy_protocol": "off"}, {}),
        ({"proxy_protocol": True}, {"proxy-protocol": [""]}),
        ({"header_map": "Refuse"}, {"header-map": ["refuse"]}),
        ({"backlog": 2048, "sendfile": True, "proxy_allow_ips": "127.0.0.1,::1"}, {}),
        ({"workers": None, "bind": [], "pidfile": ""}, {}),
        ({"unknown": 1, "_workers": 2, "os": os, "Workers": 3}, {}),
    ],
)  # fmt: skip
def test_settings_are_options(settings, expected):
    assert options(**settings) == expected


@pytest.mark.parametrize(
    "bind, expected",
    [
        ("0.0.0.0:80", "0.0.0.0:80"),
        (":80", "0.0.0.0:80"),
        ("shop.local", "shop.local:8000"),
        ("[::1]", "[::1]:8000"),
        ("[::1]:80", "[::1]:80"),
        ("tcp://127.0.0.1:80", "127.0.0.1:80"),
        ("fd://3", "fd://3"),
        ("unix:/run/a.sock", "unix:/run/a.sock"),
        ("unix:///run/a.sock", "unix:/run/a.sock"),
        ("unix:a.sock", "unix:a.sock"),
    ],
)
def test_addresses_are_as_gunicorn_understands_them(bind, expected):
    assert options(bind=bind)["bind"] == [expected]
    assert options(bind=[bind, ":1"])["bind"] == [expected, "0.0.0.0:1"]
    assert "port" not in translated(bind=bind).options


def test_who_comes_over_a_unix_socket_is_believed():
    trusted = [
        translated(**settings).options["forwarded-allow-ips"]
        for settings in (
            {"bind": "unix:a"},
            {"forwarded_allow_ips": "10.0.0.1", "bind": ["unix:a", ":80"]},
            {"bind": "unix:a", "forwarded_allow_ips": ""},
            {"bind": "unix:a", "forwarded_allow_ips": "*"},
        )
    ]

    assert trusted == [["127.0.0.1,::1,unix"], ["10.0.0.1,unix"], ["unix"], ["*"]]
    assert remarks(bind="unix:a") == [
        "g.py: bind: --forwarded-allow-ips unix: who may connect to the socket is believed, as before"
    ]


def test_connections_are_those_of_threads_or_requests_of_greenlets():
    assert options(worker_connections=9, worker_class="gthread") == {"max-connections": ["9"]}
    assert options(worker_connections=9, worker_class="gevent")["worker-connections"] == ["9"]
    assert options(worker_connections=9) == {}


def test_python_looks_first_where_it_says(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/before")

    assert options(pythonpath="/a,/b") == {"env": ["PYTHONPATH=/b:/a:/before"]}
    assert translated(["A=1"], raw_env=["A=2"]).options["env"] == ["A=1", "A=2"]


@pytest.mark.parametrize(
    "template, expected",
    [
        (
            '%(h)s %(l)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
            '%h %l %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"',
        ),
        ("%(m)s %(U)s?%(q)s %(H)s", "%m %U%q %H"),
        ("%(q)s %% %(B)d", "%q %% %B"),
        ("%(T)s %(M)s %(D)6.2f %(L)s %(p)s", "%T %{ms}T %D %{decimal}T <%P>"),
        ("%({x-request-id}i)s %({server}o)s", "%{x-request-id}i %{server}o"),
        ("%(u)s %({wsgi.version}e)s %(z)s", "%u %l %l"),
    ],
)
def test_a_log_format_has_directives(template, expected):
    assert options(access_log_format=template) == {"access-log-format": [expected]}


def test_the_application_is_an_argument():
    assert translated(wsgi_app="shop:app").arguments == ["shop:app"]
    assert translated(wsgi_app="shop:make()").arguments == ["shop:make()"]
    paste = translated(wsgi_app="no", paste="config:a.ini#b", raw_paste_global_conf=["x=1"])
    assert paste.arguments == ["a.ini#b", "x=1"]
    assert paste.options == {"factory": ["spawning.paste_factory.config_factory"]}


def hook(server):
    raise AssertionError("nobody calls it")


@pytest.mark.parametrize(
    "settings, beginning",
    [
        ({"preload_app": True}, "preload_app: ignored: each worker"),
        ({"backlog": 64}, "backlog: ignored: it is 2048"),
        ({"post_fork": hook}, "post_fork: ignored: what a worker needs"),
        ({"when_ready": hook}, "when_ready: ignored: the supervisor"),
        ({"pre_request": hook}, "pre_request: ignored: a middleware"),
        ({"worker_tmp_dir": "/dev/shm"}, "worker_tmp_dir: ignored: no heartbeat"),
        ({"statsd_host": "h:1"}, "statsd_host: ignored: Prometheus"),
        ({"proc_name": "shop"}, "proc_name: ignored: "),
        ({"dirty_apps": ["a"]}, "dirty_apps: ignored: "),
        ({"ca_certs": "a"}, "ca_certs: ignored: a proxy"),
        ({"secure_scheme_headers": {"X-SSL": "1"}}, "secure_scheme_headers: ignored: "),
        ({"proxy_allow_ips": "10.0.0.1"}, "proxy_allow_ips: ignored: --forwarded-allow-ips"),
        ({"worker_connections": 9}, "worker_connections: ignored, as by gunicorn"),
        ({"worker_class": "gevent", "threads": 2}, "threads: ignored, as by gunicorn"),
        ({"timeout": 30}, "timeout: --request-timeout: for one request"),
        ({"user": "www", "group": "www"}, "user: --chuid: the supervisor"),
        ({"limit_request_field_size": 9}, "limit_request_field_size: ignored: "),
        ({"limit_request_field_size": 99999}, "limit_request_field_size: --limit-headers: "),
        ({"limit_request_line": 0}, "limit_request_line: --limit-request-line: there is always"),
        ({"reload_extra_files": ["a"]}, "reload_extra_files: --watch: also without reload"),
        ({"errorlog": "e"}, "errorlog: --stderr: "),
        ({"loglevel": "critical"}, "loglevel: --log-level error: "),
        ({"forwarded_allow_ips": "*"}, "forwarded_allow_ips: --forwarded-allow-ips: believed"),
        ({"proxy_protocol": "v1"}, "proxy_protocol: --proxy-protocol: both"),
        ({"access_log_format": "%(u)s"}, "access_log_format: --access-log-format: %(u)s: "),
        ({"raw_paste_global_conf": ["a=1"]}, "raw_paste_global_conf: ignored: "),
    ],
)
def test_there_is_a_line_about_what_is_not_the_same(settings, beginning):
    (remark,) = remarks(**settings)

    assert remark.startswith(f"g.py: {beginning}")
    assert "\n" not in remark


def test_there_is_none_about_what_is():
    settings = {
        "workers": 2, "threads": 2, "worker_class": "gthread", "bind": ":80", "accesslog": "-",
        "errorlog": "-", "loglevel": "info", "keepalive": 5, "max_requests": 9, "chdir": "/",
        "raw_env": ["A=1"], "graceful_timeout": 9, "umask": 7, "pidfile": "p", "reload": False,
        "secure_scheme_headers": {"X-Forwarded-Proto": "https"}, "logger_class": None,
        "preload_app": False, "certfile": None, "wsgi_app": "a", "protocol": "http",
    }  # fmt: skip

    assert remarks(**settings) == []


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"workers": 2.0}, "workers: expected a number, not a float"),
        ({"bind": 8000}, "bind: expected a list of texts, not an int"),
        ({"bind": [8000]}, "bind: expected a text, not an int"),
        ({"reload": "maybe"}, "reload: expected True or False, not 'maybe'"),
        ({"certfile": "a"}, "certfile: TLS is not served"),
        ({"ssl_context": hook}, "ssl_context: TLS is not served"),
        ({"protocol": "uwsgi"}, "protocol: expected http"),
        ({"worker_class": "tornado"}, "worker_class: expected sync, gthread, gevent or eventlet"),
        ({"worker_class": "uvicorn.workers.UvicornWorker"}, "worker_class: expected sync"),
        ({"proxy_protocol": "v3"}, "proxy_protocol: expected off, v1, v2 or auto, not 'v3'"),
        ({"wsgi_app": "a:make(1)"}, "wsgi_app: expected no arguments in the parentheses"),
        ({"secure_scheme_headers": "a"}, "secure_scheme_headers: expected a dictionary"),
    ],
)
def test_what_cannot_be_is_an_error(settings, message):
    with pytest.raises(SettingError) as raised:
        translated(**settings)

    assert str(raised.value).startswith(f"g.py: {message}")


def test_a_class_is_what_its_bases_are():
    base = type("SyncWorker", (), {})
    assert options(worker_class=type("Mine", (base,), {}), threads=2) == {"threads": ["2"]}
    with pytest.raises(SettingError):
        translated(worker_class=type("Other", (), {}))


@pytest.fixture
def run(tmp_path):
    """run(source): the outcome of the program for a file g.py."""

    def run(source, *arguments):
        (tmp_path / "g.py").write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, "-m", "spawning.gunicorn_config", *(arguments or ["g.py"])],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "CHANGED": "no"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_the_file_is_a_program(run, tmp_path):
    (tmp_path / "helper.py").write_text("workers = 3\n")
    ended = run("""
        import os, sys, threading
        from helper import workers
        print("said", __name__, os.path.basename(__file__))
        os.environ.update(CHANGED="yes", NEW="ü", SPAWNING_SEAT="x")
        os.environ["no.name"] = "1"
        sys.path.insert(0, "/added")
        threading.Thread(target=threading.Event().wait).start()  # nobody waits for it
        def post_fork(server, worker): pass
    """)

    assert (ended.returncode, ended.stderr) == (0, "said __config__ g.py\n")
    answer = json.loads(ended.stdout)
    found = {each["option"]: (each["setting"], each["values"]) for each in answer["options"]}
    assert found["processes"] == ("workers", ["3"])
    assert found["threads"] == ("", ["1"])
    setting, variables = found["env"]
    assert setting == "os.environ"
    assert variables == ["CHANGED=yes", "NEW=ü", f"PYTHONPATH=/added:{PACKAGE.parent}"]
    assert answer["arguments"] == []
    assert len(answer["remarks"]) == 1
    assert not list((tmp_path / "__pycache__").glob("g.*"))  # which could be older than the file


@pytest.mark.parametrize(
    "source, summary",
    [
        ("workers = 1\n\nworkers = workers / 0\n", "g.py:3: ZeroDivisionError: division by zero"),
        ("def f():\n  1 / 0\n\nf()\n", "g.py:2: ZeroDivisionError: division by zero"),
        ("workers = (\n", "g.py:1: SyntaxError: "),
        ("import nowhere\n", "g.py:1: ModuleNotFoundError: No module named 'nowhere'"),
        ("import json\njson.loads('{')\n", "g.py:2: json.decoder.JSONDecodeError: "),
        ("raise SystemExit(0)\n", "g.py:1: SystemExit: 0"),
    ],
)
def test_what_it_raises_is_said_with_its_line(run, source, summary):
    ended = run(source)

    failure = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr, failure["type"]) == (1, "", "failed")
    assert failure["summary"].startswith(summary)
    assert "g.py" in failure["traceback"]
    assert "gunicorn_config" not in failure["traceback"]


def test_a_setting_or_a_file_that_cannot_be_has_no_traceback(run):
    failures = [json.loads(run("workers = []").stdout), json.loads(run("", "none.py").stdout)]

    assert [each["traceback"] for each in failures] == ["", ""]
    assert [each["summary"] for each in failures] == [
        "g.py: workers: expected a number, not a list",
        "--config: none.py: No such file or directory",
    ]


def test_people_are_told_that_it_is_not_for_them(run):
    ended = run("", "one.py", "two.py")

    assert ended.returncode == 2
    assert "is started by `spawn --config" in ended.stderr
