# SPDX-License-Identifier: MIT
"""The documented image, built with a wheel of this source, and its container."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
from collections.abc import Iterator

import pytest
from documented import EXAMPLES
from hosts import Host, network
from hosts import why_not as why_no_hosts
from image_building import container, why_not
from running import PATIENCE, Client, Response, Spawn, children_of, running, wait_until

REFUSED = why_no_hosts() or why_not()
pytestmark = pytest.mark.skipif(bool(REFUSED), reason=f"no containers: {REFUSED}")


class Container:
    def __init__(self, host: Host, spawn: Spawn) -> None:
        self.host, self.spawn = host, spawn
        (self.first,) = children_of(spawn.process.pid)  # its process 1

    def get(self, port: int, target: str) -> Response:
        with self.host.entered():
            client = Client("127.0.0.1", port, PATIENCE)
        with client:
            client.request(target, "Connection: close")
            return client.response()


@pytest.fixture(scope="module")
def shop(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    place = tmp_path_factory.mktemp("image")
    context = place / "context"
    (context / "dist").mkdir(parents=True)
    shutil.copy(wheel, context / "dist")
    for name in ("requirements.txt", "shop.py"):
        shutil.copy(EXAMPLES / name, context)
    with network() as joined:
        host = joined.middle
        command, variables = container(EXAMPLES, context, place / "store", host)
        with running(place / "stderr", command, cwd=place, env=variables) as spawn:
            yield Container(host, spawn)


def test_it_serves_as_process_1_of_a_user_without_a_name(shop: Container) -> None:
    assert shop.get(8000, "/").body == b"The shop is open.\n"
    assert shop.get(9080, "/readyz").status == 200
    assert shop.spawn.pid == 1
    for pid in (shop.first, *children_of(shop.first)):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)


def test_nothing_is_in_it_that_was_only_needed_to_build(shop: Container) -> None:
    root = pathlib.Path(f"/proc/{shop.first}/root")

    assert (root / "srv/venv/bin/spawn").exists()
    assert not (root / "tmp/dist").exists()
    assert os.statvfs(root).f_flag & os.ST_RDONLY


def test_it_ends_as_docker_stops_it(shop: Container) -> None:
    os.kill(shop.first, signal.SIGTERM)

    wait_until(lambda: shop.get(9080, "/readyz").status == 503, PATIENCE)
    assert shop.get(8000, "/").status == 200
    assert shop.spawn.wait() == 0
