# SPDX-License-Identifier: MIT
"""Machines of their own as far as the network goes: Linux network namespaces, joined by a switch.

A namespace lasts as long as a process in it. The first one, `cat`, ends with the pipe that the tests
hold; so nothing is left, however they end, and nothing has a name that could be taken.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

from running import PATIENCE

CLONE_NEWNET = 0x40000000  # sched.h
LIBC = ctypes.CDLL(None, use_errno=True)
# What is not ours runs without the sanitizer's library.
PLAIN = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def why_not() -> str:
    """What keeps us from having hosts; nothing if they can be had."""
    assert shutil.which("ip") is not None, "ip is not installed, which ./dev test does"
    attempt = ["unshare", "--net", "ip", "link", "add", "switch", "type", "bridge"]
    outcome = subprocess.run(attempt, env=PLAIN, capture_output=True, text=True, check=False)
    return outcome.stderr.strip() if outcome.returncode != 0 else ""


class Host:
    """One machine, with nothing but its loopback."""

    def __init__(self) -> None:
        # What `unshare` becomes says so: only then is it where it shall be.
        command = ["unshare", "--net", "sh", "-c", "echo there; exec cat"]
        self.first = subprocess.Popen(
            command, env=PLAIN, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.first.stdout is not None
        assert self.first.stdout.readline() == "there\n"
        self.namespace = f"/proc/{self.first.pid}/ns/net"
        self.run("ip", "link", "set", "lo", "up")
        self.port = ""  # of a switch

    def end(self) -> None:
        """Its interfaces go when the last process in it has ended."""
        self.first.communicate()
        self.first.wait(PATIENCE)

    def command(self, *command: str) -> list[str]:
        """What runs `command` there, as the process that it is started as."""
        return ["nsenter", f"--net={self.namespace}", "--", *command]

    def run(self, *command: str) -> None:
        subprocess.run(self.command(*command), env=PLAIN, check=True, timeout=PATIENCE)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that the calling thread makes meanwhile are of this machine, and stay so."""
        with open("/proc/thread-self/ns/net") as ours, open(self.namespace) as theirs:
            enter(theirs.fileno())
            try:
                yield
            finally:
                enter(ours.fileno())

    def reaches(self, address: str, port: int) -> bool:
        with self.entered(), contextlib.suppress(OSError):
            socket.create_connection((address, port), PATIENCE).close()
            return True
        return False


def enter(namespace: int) -> None:
    if LIBC.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """Hosts on switches, which are those of the first one, `middle`: so it hears all the others."""

    def __init__(self) -> None:
        self.hosts: list[Host] = []
        self.middle = self._new()
        self.switches: dict[str, str] = {}

    def _new(self) -> Host:
        self.hosts.append(Host())
        return self.hosts[-1]

    def add_switch(self, prefix: str, own: str) -> None:
        """For hosts whose address begins with `prefix`; `own` is the middle's there."""
        name = f"switch{len(self.switches)}"
        self.switches[prefix] = name
        self.middle.run("ip", "link", "add", name, "type", "bridge")
        self.middle.run("ip", "address", "add", f"{own}/24", "dev", name)
        self.middle.run("ip", "link", "set", name, "up")

    def add_host(self, address: str) -> Host:
        host = self._new()
        switch = self.switches[address.rpartition(".")[0]]
        host.port = here = f"port{len(self.hosts)}"
        there = ["peer", "name", "eth0", "netns", str(host.first.pid)]
        self.middle.run("ip", "link", "add", here, "type", "veth", *there)
        self.middle.run("ip", "link", "set", here, "master", switch, "up")
        host.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
        return host

    def cut_off(self, host: Host, state: str = "down") -> None:
        """Pulls a host's cable, or with "up" puts it in again."""
        self.middle.run("ip", "link", "set", host.port, state)

    def end(self) -> None:
        for host in self.hosts:
            host.end()


@contextlib.contextmanager
def network() -> Iterator[Network]:
    joined = Network()
    try:
        yield joined
    finally:
        joined.end()
