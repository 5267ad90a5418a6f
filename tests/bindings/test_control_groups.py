# SPDX-License-Identifier: MIT
"""Limits of control groups, in a copy of what the kernel shows of them."""

import pytest
from spawning.pages.control_groups import limits

GIB = 1 << 30
FS = "sys/fs/cgroup"


@pytest.fixture
def machine(tmp_path):
    """machine({path: content}): a root directory with these files."""

    def machine(files):
        for path, content in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content + "\n")
        return tmp_path

    return machine


def test_version_2_in_a_container_that_sees_itself_as_the_root(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/",
            f"{FS}/memory.max": str(GIB),
            f"{FS}/memory.current": "1000",
            f"{FS}/cpu.max": "150000 100000",
        }
    )

    assert limits(root) == {
        "version": 2,
        "path": "/",
        "memory_max": GIB,
        "memory_current": 1000,
        "cpu_max": 1.5,
    }


def test_the_least_limit_on_the_way_up_counts(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/system.slice/shop.service",
            f"{FS}/system.slice/shop.service/memory.max": "max",
            f"{FS}/system.slice/shop.service/memory.current": "2000",
            f"{FS}/system.slice/shop.service/cpu.max": "400000 100000",
            f"{FS}/system.slice/memory.max": str(2 * GIB),
            f"{FS}/system.slice/memory.current": "3000",
            f"{FS}/system.slice/cpu.max": "max 100000",
        }
    )

    found = limits(root)

    assert (found["memory_max"], found["memory_current"]) == (2 * GIB, 2000)
    assert found["cpu_max"] == 4


def test_version_2_without_limits(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/a",
            f"{FS}/a/memory.max": "max",
            f"{FS}/a/cpu.max": "max 100000",
        }
    )

    found = limits(root)

    assert (found["memory_max"], found["cpu_max"]) == ("max", "max")
    assert found["memory_current"] is None


def test_version_1(machine):
    root = machine(
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/",
            f"{FS}/memory/docker/1/memory.limit_in_bytes": str(GIB),
            f"{FS}/memory/docker/1/memory.usage_in_bytes": "4000",
            f"{FS}/memory/memory.limit_in_bytes": "9223372036854771712",
            f"{FS}/cpu/docker/1/cpu.cfs_quota_us": "50000",
            f"{FS}/cpu/docker/1/cpu.cfs_period_us": "100000",
            f"{FS}/cpu/cpu.cfs_quota_us": "-1",
            f"{FS}/cpu/cpu.cfs_period_us": "100000",
        }
    )

    assert limits(root) == {
        "version": 1,
        "path": "/docker/1",
        "memory_max": GIB,
        "memory_current": 4000,
        "cpu_max": 0.5,
    }


def test_version_1_in_a_container_that_does_not_see_its_name(machine):
    root = machine(
        {
            "proc/self/cgroup": "4:memory:/docker/1",
            f"{FS}/memory/memory.limit_in_bytes": str(GIB),
        }
    )

    assert limits(root)["memory_max"] == GIB
    assert limits(root)["cpu_max"] is None


def test_version_1_without_limits(machine):
    root = machine(
        {
            "proc/self/cgroup": "4:memory:/",
            f"{FS}/memory/memory.limit_in_bytes": "9223372036854771712",
        }
    )

    assert limits(root)["memory_max"] == "max"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "nonsense"},
        {"proc/self/cgroup": "0::/a", f"{FS}/a/memory.max": "much", f"{FS}/a/cpu.max": "1 0"},
        {"proc/self/cgroup": "0::/../..", "memory.max": "1"},
    ],
)
def test_what_cannot_be_read_is_not_known(machine, files):
    found = limits(machine(files))

    assert (found["memory_max"], found["memory_current"], found["cpu_max"]) == (None, None, None)
