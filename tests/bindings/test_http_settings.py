# SPDX-License-Identifier: MIT
"""What `Worker.ready(http=…)` understands."""

import importlib
import json
import subprocess

import pytest

DEFAULTS = {
    "no_keepalive": False,
    "keepalive_requests": 0,
    "header_map": "drop",
    "server_header": "Spawning",
    "limit_request_line": 8 << 10,
    "limit_header_count": 100,
    "limit_headers": 64 << 10,
    "limit_body": 1 << 30,
    "max_connections": 10_000,
    "header_timeout": 30,
    "body_timeout": 30,
    "body_rate": 240,
    "write_timeout": 30,
    "keepalive_timeout": 75,
    "request_timeout": 0,
    "queue_timeout": 0,
    "forwarded_allow_ips": "127.0.0.1,::1",
    "proxy_protocol": False,
    "request_id": False,
}
OTHERS = {
    "no_keepalive": True,
    "keepalive_requests": 7,
    "header_map": "dangerous",
    "server_header": "",
    "limit_request_line": 256,
    "limit_header_count": 8,
    "limit_headers": 1024,
    "limit_body": 1 << 40,
    "max_connections": 1,
    "header_timeout": 0.5,
    "body_timeout": 2,
    "body_rate": 0,
    "write_timeout": 3.25,
    "keepalive_timeout": 4,
    "request_timeout": 5,
    "queue_timeout": 6,
    "forwarded_allow_ips": "10.0.0.0/8,unix",
    "proxy_protocol": True,
    "request_id": True,
}


def read(settings):
    """What the settings were read into, by their names."""
    native = importlib.import_module("spawning._native_testing")
    values = dict(zip(DEFAULTS, native.read_http_settings(settings)))
    values["header_map"] = ["drop", "refuse", "dangerous"][values["header_map"]]
    return values


def test_what_is_not_said_has_its_default():
    assert read({}) == DEFAULTS


@pytest.mark.parametrize("name", DEFAULTS)
def test_each_setting_changes_itself_and_nothing_else(name):
    assert read({name: OTHERS[name]}) == {**DEFAULTS, name: OTHERS[name]}


def test_all_of_them_at_once():
    assert read(OTHERS) == OTHERS
    assert read({**DEFAULTS, "header_map": "refuse"})["header_map"] == "refuse"


def test_they_are_what_spawn_tells_its_workers(spawn_help):
    options = {
        line.split()[0][2:].replace("-", "_") for line in spawn_help if line[:8] == " " * 6 + "--"
    }

    assert set(DEFAULTS) <= options


@pytest.fixture
def spawn_help():
    root = importlib.import_module("spawning").__file__
    program = root[: root.index("/python/spawning/")] + "/cli/spawn"
    return subprocess.check_output([program, "--help"], text=True).splitlines()


@pytest.mark.parametrize("name", ["header_timeouts", "", "Header_Timeout", "bind"])
def test_a_name_that_is_none_is_named(name):
    with pytest.raises(TypeError, match=f"there is no HTTP setting {name}$"):
        read({name: 1})


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("limit_body", "1G", "limit_body: expected int, not str"),
        ("limit_body", 1.0, "limit_body: expected int, not float"),
        ("max_connections", True, "max_connections: expected int, not bool"),
        ("header_timeout", "30", "header_timeout: expected int or float, not str"),
        ("header_timeout", None, "header_timeout: expected int or float, not NoneType"),
        ("request_timeout", False, "request_timeout: expected int or float, not bool"),
        ("proxy_protocol", 1, "proxy_protocol: expected bool, not int"),
        ("server_header", b"x", "server_header: expected str, not bytes"),
        ("header_map", 0, "header_map: expected str, not int"),
        ("forwarded_allow_ips", ["*"], "forwarded_allow_ips: expected str, not list"),
    ],
)
def test_a_value_of_another_type_is_named(name, value, expected):
    with pytest.raises(TypeError) as raised:
        read({name: value})

    assert str(raised.value) == expected


@pytest.mark.parametrize(
    "name, value",
    [
        ("limit_body", -1),
        ("limit_body", 1 << 64),
        ("header_timeout", -0.5),
        ("header_timeout", float("nan")),
        ("header_timeout", float("inf")),
        ("header_timeout", 10**400),
        ("header_map", "keep"),
        ("forwarded_allow_ips", "proxy"),
        ("server_header", "\ud800"),
        ("server_header", "a\r\nb: c"),
    ],
)
def test_a_value_out_of_range_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: |surrogates"):
        read({name: value})


def test_json_carries_them():
    assert read(json.loads(json.dumps(OTHERS))) == OTHERS
