# SPDX-License-Identifier: MIT
"""What the control groups that this process is in leave it of memory and processors.

A group's limit holds for all below it, so the least on the way up counts. In a container the group
that we are in may have another name than we see, or none; then those that we see count.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

_UNLIMITED = "max"  # as version 2 says
_PRACTICALLY_UNLIMITED = 1 << 62  # as version 1 does, rounded down to pages


def limits(root: pathlib.Path = pathlib.Path("/")) -> dict[str, Any]:
    """Octets of memory, and processors; "max" without a limit; None of what is not known.

    `root` is where /proc and /sys are.
    """
    paths = _paths(root)
    mounts = root / "sys/fs/cgroup"
    if "memory" in paths or "cpu" in paths:
        return _version_1(mounts, paths)
    if "" in paths:
        return _version_2(mounts, paths[""])
    return _found(None, None, [], [], [])


def _paths(root: pathlib.Path) -> dict[str, str]:
    """By controller the path of our group; "" is version 2. \\see cgroups(7)"""
    paths = {}
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def _version_2(mount: pathlib.Path, path: str) -> dict[str, Any]:
    groups = list(_way_up(mount, path))
    quotas = [(_text(group / "cpu.max") or "").split() for group in groups]
    return _found(
        2,
        path,
        [_number(group / "memory.max") for group in groups],
        [_number(group / "memory.current") for group in groups],
        [_processors(*quota) for quota in quotas if len(quota) == 2],
    )


def _version_1(mounts: pathlib.Path, paths: dict[str, str]) -> dict[str, Any]:
    memory = list(_way_up(mounts / "memory", paths.get("memory", "/")))
    cpu = list(_way_up(mounts / "cpu", paths.get("cpu", "/")))
    quotas = [
        (_text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")) for group in cpu
    ]
    return _found(
        1,
        paths.get("memory"),
        [_number(group / "memory.limit_in_bytes") for group in memory],
        [_number(group / "memory.usage_in_bytes") for group in memory],
        [_processors(quota, period) for quota, period in quotas if quota and period],
    )


def _found(
    version: int | None, path: str | None, maxima: list[Any], used: list[Any], quotas: list[Any]
) -> dict[str, Any]:
    known = [number for number in used if isinstance(number, int)]
    return {
        "version": version,
        "path": path,
        "memory_max": _least(maxima),
        "memory_current": known[0] if known else None,
        "cpu_max": _least(quotas),
    }


def _way_up(mount: pathlib.Path, path: str) -> Iterator[pathlib.Path]:
    """The group and all above it; where there is none of that name, there are no files to read."""
    group = mount / path.lstrip("/")
    if ".." not in group.parts:  # above what we may see
        while group != mount:
            yield group
            group = group.parent
    yield mount


def _processors(quota: str, period: str) -> float | str | None:
    try:
        if quota == _UNLIMITED or int(quota) < 0:
            return _UNLIMITED
        return round(int(quota) / int(period), 3)
    except (ValueError, ZeroDivisionError):
        return None


def _number(file: pathlib.Path) -> int | str | None:
    text = _text(file)
    if text is None or not (text == _UNLIMITED or text.isdigit()):
        return None
    return _UNLIMITED if text == _UNLIMITED or int(text) >= _PRACTICALLY_UNLIMITED else int(text)


def _least(found: list[Any]) -> Any:
    numbers = [each for each in found if isinstance(each, (int, float))]
    if numbers:
        return min(numbers)
    return _UNLIMITED if _UNLIMITED in found else None


def _text(file: pathlib.Path) -> str | None:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
