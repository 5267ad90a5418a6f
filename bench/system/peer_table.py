# SPDX-License-Identifier: MIT
"""The servers that peers.py compares, and how each is started: with four threads a process where it has any."""

import functools
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

HERE = Path(__file__).resolve().parent
RUNNER = HERE / "peer_runner.py"
THREADS = "4"
MOST_CONNECTIONS = "20000"

NGINX = """
daemon off; master_process {master}; worker_processes {processes}; pid {scratch}/nginx.pid; error_log /dev/null crit;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {scratch};
  proxy_temp_path {scratch}; fastcgi_temp_path {scratch}; uwsgi_temp_path {scratch}; scgi_temp_path {scratch};
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location / {{ default_type text/plain; return 200 "Hello, world!\\n"; }} }} }}
"""
APACHE = """
ServerRoot {scratch}
ServerName localhost
PidFile {scratch}/apache.pid
ErrorLog /dev/null
DefaultRuntimeDir {scratch}
Mutex file:{scratch}
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
User {user}
Group {user}
StartServers 1
MinSpareThreads 1
MaxSpareThreads 64
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
AsyncRequestWorkerFactor 300
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 75
WSGISocketPrefix {scratch}/wsgi
WSGIDaemonProcess bench processes={processes} threads=4 python-path={path}
WSGIProcessGroup bench
WSGIApplicationGroup %{{GLOBAL}}
WSGIScriptAlias / {scratch}/application.wsgi
<Directory {scratch}>
  Require all granted
</Directory>
"""
MODULES = Path("/usr/lib/apache2/modules")


@dataclass(frozen=True)
class Place:
    """Where everything is."""

    build: Path
    python: Path  # of the environment that the peers are in
    scratch: Path
    processes: int = 1  # of each server

    @functools.cached_property
    def packages(self):
        """The site-packages of that environment."""
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        return subprocess.run(
            [self.python, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()

    def imports(self, module):
        return module in self.modules

    @functools.cached_property
    def modules(self):
        """Those of the peers' that can be imported."""
        code = (
            "import importlib.util as u, sys; print(*filter(u.find_spec, sys.argv[1:]), sep='\\n')"
        )
        names = "granian bjoern fastwsgi fastpysgi gunicorn gevent eventlet waitress cheroot"
        found = subprocess.run(
            [self.python, "-c", code, *names.split(), "django", "flask"],
            capture_output=True,
            text=True,
            check=True,
        )
        return set(found.stdout.split())

    def beside_python(self, name):
        path = self.python.parent / name
        return path if path.exists() else None


@dataclass(frozen=True)
class Peer:
    name: str
    missing: Callable[[Place], Optional[str]]  # what it lacks here
    command: Callable[[Place, str, int], list]  # for MODULE:NAME and a port
    only_hello: bool = False
    one_process: bool = False  # it has no more


def nothing(place):
    return None


def needs(module):
    return lambda place: None if place.imports(module) else f"no module {module}"


# ---- ourselves ---------------------------------------------------------------------------------------


def spawn(*options):
    def command(place, application, port):
        ours = [place.build / "cli" / "spawn", "--python", place.python]
        ours += ["--processes", str(place.processes), "--max-connections", MOST_CONNECTIONS]
        ours += ["--access-log-file", "/dev/null"]
        return [*ours, *options, application, "--port", str(port)]

    return command


# ---- others ------------------------------------------------------------------------------------------


def by_runner(name):
    def command(place, application, port):
        return [place.python, RUNNER, name, application, str(port), str(place.processes)]

    return command


def granian(place, application, port):
    options = "--interface wsgi --no-ws --no-log --backlog 4096"
    command = [place.python, "-m", "granian", *options.split(), "--blocking-threads", THREADS]
    command += ["--workers", str(place.processes), "--backpressure", MOST_CONNECTIONS]
    return [*command, "--port", str(port), application]


def gunicorn(worker, *options):
    def command(place, application, port):
        common = [place.python, "-m", "gunicorn", "-k", worker, "-w", str(place.processes)]
        common += ["--log-level", "error", "--worker-connections", MOST_CONNECTIONS, *options]
        common += ["--keep-alive", "75", "--backlog", "4096", "-b", f"127.0.0.1:{port}"]
        return [*common, application]

    return command


def uwsgi(program, *options):
    def command(place, application, port):
        common = [program(place), *options, "--http11-socket", f"127.0.0.1:{port}", "--need-app"]
        common += ["--processes", str(place.processes), "--threads", THREADS]
        common += ["--disable-logging", "--pythonpath", HERE]
        # The kernel cuts a longer backlog short; uWSGI does not start.
        backlog = min(4096, int(Path("/proc/sys/net/core/somaxconn").read_text()))
        return [*common, "--die-on-term", "--listen", str(backlog), "-w", application]

    return command


def debians_uwsgi(place):
    if not shutil.which("uwsgi"):
        return "no uwsgi"
    return None if list(Path("/usr/lib/uwsgi").glob("plugins/python3*_plugin.so")) else "no plugin"


def nginx(place, application, port):
    path = place.scratch / "nginx.conf"
    master = "on" if place.processes > 1 else "off"
    values = {"scratch": place.scratch, "port": port, "processes": place.processes}
    path.write_text(NGINX.format(master=master, **values))
    return [system_program("nginx"), "-p", place.scratch, "-e", "/dev/null", "-c", path]


def system_program(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def mod_wsgi(place, application, port):
    module, _, name = application.partition(":")
    script = f"from {module} import {name} as application\n"
    (place.scratch / "application.wsgi").write_text(script)
    path = place.scratch / "apache.conf"
    values = {"scratch": place.scratch, "port": port, "processes": place.processes}
    values |= {"modules": MODULES, "user": "www-data", "path": f"{HERE}:{place.packages}"}
    path.write_text(APACHE.format(**values))
    return [system_program("apache2"), "-DFOREGROUND", "-f", path]


def lacks_mod_wsgi(place):
    return None if (MODULES / "mod_wsgi.so").exists() else "no mod_wsgi"


def floor(place, application, port):
    return [place.scratch / "floor", str(port)]


def lacks_floor(place):
    if not shutil.which("cc"):
        return "no cc"
    compiler = ["cc", "-O2", "-o", place.scratch / "floor", HERE / "floor.c"]
    return None if subprocess.run(compiler, check=False).returncode == 0 else "it does not compile"


PEERS = (
    Peer("spawn", nothing, spawn("--threads", THREADS)),
    Peer("spawn-1-thread", nothing, spawn("--threads", "1")),
    Peer("spawn-gevent", needs("gevent"), spawn("--threads", "0", "--green", "gevent")),
    Peer("granian", needs("granian"), granian),
    Peer("bjoern", needs("bjoern"), by_runner("bjoern")),
    Peer("fastwsgi", needs("fastwsgi"), by_runner("fastwsgi")),
    Peer("fastpysgi", needs("fastpysgi"), by_runner("fastpysgi")),
    Peer("gunicorn-gthread", needs("gunicorn"), gunicorn("gthread", "--threads", THREADS)),
    Peer(
        "gunicorn-gevent",
        lambda place: needs("gunicorn")(place) or needs("gevent")(place),
        gunicorn("gevent"),
    ),
    Peer("gevent", needs("gevent"), by_runner("gevent"), one_process=True),
    Peer("eventlet", needs("eventlet"), by_runner("eventlet"), one_process=True),
    Peer("waitress", needs("waitress"), by_runner("waitress"), one_process=True),
    Peer("cheroot", needs("cheroot"), by_runner("cheroot"), one_process=True),
    Peer(
        "uwsgi",
        lambda place: None if place.beside_python("uwsgi") else "no uwsgi in the environment",
        uwsgi(lambda place: place.beside_python("uwsgi")),
    ),
    Peer(
        "uwsgi-debian",
        debians_uwsgi,
        uwsgi(lambda place: shutil.which("uwsgi"), "--plugin", "python3"),
    ),
    Peer("mod_wsgi", lacks_mod_wsgi, mod_wsgi),
    Peer("nginx", lambda place: None if system_program("nginx") else "no nginx", nginx, True),
    Peer("floor", lacks_floor, floor, only_hello=True, one_process=True),
)


def choose(names):
    """The peers of these names, in the table's order; all of them if there are none."""
    known = [peer.name for peer in PEERS]
    for name in names:
        if name not in known:
            sys.exit(f"--only: no peer {name!r}; there are {', '.join(known)}")
    return [peer for peer in PEERS if not names or peer.name in names]
