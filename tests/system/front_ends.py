# SPDX-License-Identifier: MIT
"""HAProxy and nginx as processes, with the configuration of docs/examples/deployment."""

from __future__ import annotations

import contextlib
import csv
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from typing import Callable

from documented import EXAMPLES
from hosts import PLAIN
from running import PATIENCE, Client, wait_until

SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"  # daemons are not in everybody's $PATH


def program(name: str) -> str:
    found = shutil.which(name, path=SYSTEM)
    assert found is not None, f"{name} is not installed, which ./dev test does"
    return found


def adapted(example: str, to: pathlib.Path, changes: dict[str, str]) -> pathlib.Path:
    """A copy of an example at `to` with other addresses; every change must be one."""
    text = (EXAMPLES / example).read_text()
    for old, new in changes.items():
        assert old in text, f"no {old} in {example}"
        text = text.replace(old, new)
    to.write_text(text)
    return to


@contextlib.contextmanager
def daemon(command: list[str], log: pathlib.Path, is_there: Callable[[], bool]) -> Iterator[None]:
    """A process that is there soon, and lasts."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=PLAIN,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: process.poll() is not None or is_there(), PATIENCE, command[0])
        assert process.poll() is None, log.read_text()
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()


class HAProxy:
    """One that runs, by what it says at its own socket."""

    def __init__(self, admin: pathlib.Path) -> None:
        self.admin = admin

    def listens(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self.admin))
            return True
        return False

    def servers(self) -> dict[str, dict[str, str]]:
        """What it knows of each server. See its management guide, "show stat"."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(PATIENCE)
            asked.connect(str(self.admin))
            asked.sendall(b"show stat\n")
            answer = b"".join(iter(lambda: asked.recv(65536), b"")).decode()
        rows = csv.DictReader(answer.removeprefix("# ").splitlines())
        own = ("FRONTEND", "BACKEND")
        return {row["svname"]: row for row in rows if row["svname"] not in own}

    def sees(self, server: str, status: str) -> bool:
        return self.servers()[server]["status"] == status

    def wait_until_it_sees(self, server: str, status: str) -> None:
        wait_until(lambda: self.sees(server, status), PATIENCE, f"{server} is {status}")


@contextlib.contextmanager
def haproxy(
    example: str, directory: pathlib.Path, inside: list[str], changes: dict[str, str] | None = None
) -> Iterator[HAProxy]:
    """HAProxy, started by the command `inside`."""
    front = HAProxy(directory / "admin.sock")
    changes = {"/run/haproxy/admin.sock": str(front.admin), **(changes or {})}
    configuration = adapted(example, directory / "haproxy.cfg", changes)
    command = [program("haproxy"), "-db", "-f", str(configuration)]
    with daemon([*inside, *command], directory / "haproxy.log", front.listens):
        yield front


NGINX = """\
daemon off;
pid {directory}/nginx.pid;
{user}
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {directory}/bodies;
    proxy_temp_path {directory}/proxied;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/site.conf;
}}
"""


class Nginx:
    """One that runs, with TLS, and clients of it that come from a certain address."""

    CLIENT = "127.0.0.9"

    def __init__(self, plain: int, secure: int, certificate: pathlib.Path) -> None:
        self.plain, self.secure = plain, secure
        self.context = ssl.create_default_context(cafile=str(certificate))

    def client(self) -> Client:
        return SecureClient(self.secure, self.context)

    def listens(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.secure), PATIENCE).close()
            return True
        return False


class SecureClient(Client):
    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        address, own = ("127.0.0.1", port), (Nginx.CLIENT, 0)
        plain = socket.create_connection(address, PATIENCE, source_address=own)
        self.socket = context.wrap_socket(plain, server_hostname="shop.example")
        self.file = self.socket.makefile("rb")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as taken:
        listeners = [
            taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in listeners]


def certify(certificate: pathlib.Path, key: pathlib.Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=shop.example"]
    command += ["-addext", "subjectAltName=DNS:shop.example"]
    command += ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, env=PLAIN, check=True, capture_output=True, timeout=PATIENCE)


@contextlib.contextmanager
def nginx(example: str, directory: pathlib.Path, changes: dict[str, str]) -> Iterator[Nginx]:
    """nginx with a site; its files are in `directory`."""
    certificate, key = directory / "fullchain.pem", directory / "key.pem"
    certify(certificate, key)
    plain, secure = free_ports(2)
    own = {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        "/etc/ssl/shop/fullchain.pem": str(certificate),
        "/etc/ssl/shop/key.pem": str(key),
    }
    adapted(example, directory / "site.conf", {**own, **changes})
    user = "user root;" if os.geteuid() == 0 else ""  # who may look into the test's directory
    configuration = directory / "nginx.conf"
    configuration.write_text(NGINX.format(directory=directory, user=user))
    command = [program("nginx"), "-e", "stderr", "-p", str(directory), "-c", str(configuration)]
    front = Nginx(plain, secure, certificate)
    with daemon(command, directory / "nginx.log", front.listens):
        yield front
