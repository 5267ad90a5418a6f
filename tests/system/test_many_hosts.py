# SPDX-License-Identifier: MIT
"""Several machines behind HAProxy, as docs/deployment.md has them, and the experience of their clients."""

from __future__ import annotations

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from busy_clients import asking
from documented import EXAMPLES, blocks, shows, spawn_arguments
from front_ends import HAProxy, haproxy, program
from hosts import PLAIN, Host, Network, network, why_not
from running import APPS, PATIENCE, PROGRAM, Client, Spawn, environment, running, wait_until

REFUSED = why_not()
pytestmark = pytest.mark.skipif(bool(REFUSED), reason=f"no network namespaces: {REFUSED}")

# Those of the documentation. They are nobody else's: the machines hear each other only.
MACHINES = {"app1": "10.0.0.11", "app2": "10.0.0.12", "app3": "10.0.0.13"}
BALANCER, PUBLIC, CLIENT = "10.0.0.2", "192.0.2.1", "192.0.2.7"


class Machine:
    """A host, and the `spawn` on it."""

    def __init__(self, host: Host, directory: pathlib.Path, arguments: list[str]) -> None:
        self.host, self.directory, self.arguments = host, directory, arguments
        self.started = 0
        self.context: contextlib.AbstractContextManager[Spawn] | None = None

    def start(self) -> None:
        """Returns when all workers serve."""
        command = [str(PROGRAM), "--python", sys.executable, "--access-log-file", "/dev/null"]
        command += ["--processes", "2", *self.arguments, "system_apps:router"]
        self.started += 1
        log = self.directory / f"stderr-{self.started}"
        inside = self.host.command(*command)
        self.context = running(log, inside, cwd=APPS, env=environment(None))
        self.spawn = self.context.__enter__()

    def end(self) -> None:
        if self.context is not None:
            self.context.__exit__(None, None, None)


class Site:
    """All of it. A client is somebody on a machine beyond the balancer."""

    def __init__(self, joined: Network, directory: pathlib.Path, arguments: list[str]) -> None:
        self.network, self.balancer = joined, joined.middle
        joined.add_switch("10.0.0", BALANCER)
        joined.add_switch("192.0.2", PUBLIC)
        self.beyond = joined.add_host(CLIENT)
        self.machines: dict[str, Machine] = {}
        for name, address in MACHINES.items():
            place = directory / name
            place.mkdir()
            self.machines[name] = Machine(joined.add_host(address), place, arguments)

    def client(self, timeout: float = PATIENCE) -> Client:
        with self.beyond.entered():
            return Client(PUBLIC, 80, timeout)

    def url(self) -> dict[str, str]:
        """Who asks for what, as the application sees it."""
        with self.client() as client:
            client.request("/url", "X-Forwarded-For: 203.0.113.66", "X-Forwarded-Proto: https")
            return json.loads(client.response().body)


@contextlib.contextmanager
def serving(directory: pathlib.Path, example: str, arguments: list[str]) -> Iterator[tuple]:
    program("haproxy")
    with network() as joined, contextlib.ExitStack() as ends:
        site = Site(joined, directory, arguments)
        for machine in site.machines.values():
            ends.callback(machine.end)
            machine.start()
        balancer = ends.enter_context(haproxy(example, directory, site.balancer.command()))
        for name in site.machines:
            balancer.wait_until_it_sees(name, "UP")
        wait_until(lambda: site.balancer.reaches(PUBLIC, 80), PATIENCE, "HAProxy listens")
        yield site, balancer


@pytest.fixture
def shop(tmp_path: pathlib.Path) -> Iterator[tuple[Site, HAProxy]]:
    with serving(tmp_path, "haproxy.cfg", spawn_arguments("Many machines")) as both:
        yield both


def restart(machine: Machine, name: str, balancer: HAProxy) -> None:
    """As a service manager does."""
    machine.spawn.signal(signal.SIGTERM)
    balancer.wait_until_it_sees(name, "DOWN")
    assert machine.spawn.process.poll() is None, "it served on until the balancer knew"
    assert machine.spawn.wait() == 0
    machine.end()
    machine.start()


# Stands in for ssh: says that it was called, and returns when the test has done what it was to do.
SSH = """\
#!/bin/sh
echo "$@" >"$DESK/asked.new"
mv "$DESK/asked.new" "$DESK/asked"
until [ -e "$DESK/done" ]; do sleep 0.05; done
rm "$DESK/done"
"""


@contextlib.contextmanager
def documented_loop(desk: pathlib.Path, balancer: HAProxy) -> Iterator[subprocess.Popen[bytes]]:
    """The shell's loop that restarts all machines, whose ssh comes to `desk`."""
    desk.mkdir()
    (desk / "ssh").write_text(SSH)
    (desk / "ssh").chmod(0o755)
    (script,) = blocks("sh")
    script = script.replace("/run/haproxy/admin.sock", str(balancer.admin))
    variables = {**PLAIN, "DESK": str(desk), "PATH": f"{desk}:{PLAIN['PATH']}"}
    with subprocess.Popen(["sh", "-eu", "-c", script], env=variables) as loop:
        try:
            yield loop
        finally:
            (desk / "done").touch()  # so that an ssh of a test that has failed ends, too
            loop.kill()


def test_a_rolling_restart_of_all_machines_fails_nobody(
    shop: tuple[Site, HAProxy], tmp_path: pathlib.Path
) -> None:
    site, balancer = shop
    before = {name: machine.spawn.pid for name, machine in site.machines.items()}
    asked = tmp_path / "desk" / "asked"

    with asking(site, lasting=4, anew=4), documented_loop(tmp_path / "desk", balancer) as loop:
        for name, machine in site.machines.items():
            wait_until(lambda: asked.exists() or loop.poll() is not None, PATIENCE, "the next one")
            assert asked.read_text() == f"{name} sudo systemctl restart shop\n"
            asked.unlink()
            assert all(balancer.sees(each, "UP") for each in site.machines)
            restart(machine, name, balancer)
            (tmp_path / "desk" / "done").touch()
        assert loop.wait(PATIENCE) == 0

    assert all(site.machines[name].spawn.pid != pid for name, pid in before.items())
    for name, counted in balancer.servers().items():
        troubles = {key: counted[key] for key in ("econ", "eresp", "hrsp_5xx", "wretr", "wredis")}
        assert set(troubles.values()) == {"0"}, (name, troubles)  # nothing had to be mended, either
        assert int(counted["stot"]) > 0, name


def test_a_reload_of_all_machines_fails_nobody_and_the_balancer_does_not_notice(
    shop: tuple[Site, HAProxy],
) -> None:
    site, balancer = shop

    with asking(site, lasting=4, anew=4):
        for machine in site.machines.values():
            machine.spawn.signal(signal.SIGHUP)
        for machine in site.machines.values():
            machine.spawn.says("reloaded:")

    for name, counted in balancer.servers().items():
        assert (counted["status"], counted["chkdown"]) == ("UP", "0"), name
        assert (counted["econ"], counted["eresp"], counted["wretr"]) == ("0", "0", "0"), name


def test_a_machine_that_is_cut_off_is_not_asked_until_it_is_back(
    shop: tuple[Site, HAProxy],
) -> None:
    site, balancer = shop
    host = site.machines["app2"].host

    site.network.cut_off(host)
    balancer.wait_until_it_sees("app2", "DOWN")
    with asking(site):
        site.network.cut_off(host, "up")
        balancer.wait_until_it_sees("app2", "UP")


def test_applications_see_the_client_beyond_the_balancer(shop: tuple[Site, HAProxy]) -> None:
    seen = shop[0].url()

    assert seen["REMOTE_ADDR"] == CLIENT
    assert seen["url"] == "http://test/url"


def test_so_they_do_where_tcp_is_passed_on(tmp_path: pathlib.Path) -> None:
    arguments = spawn_arguments("Many machines", 1)
    with serving(tmp_path, "haproxy-tcp.cfg", arguments) as (site, _):
        assert site.url()["REMOTE_ADDR"] == CLIENT


def test_the_page_shows_these_files() -> None:
    files = [path.name for path in EXAMPLES.glob("*.cfg")]

    shown = blocks("haproxy")

    assert len(shown) == 3
    assert all(any(shows(file, block) for file in files) for block in shown)
