# SPDX-License-Identifier: MIT
"""The benchmark programs themselves: that they run, count right, and complain when they should."""

from __future__ import annotations

import csv
import importlib
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from running import BUILD, ROOT

BENCH = ROOT / "bench" / "system"

TOOLS = {"compiler": "c++ 12.2.0", "python": "3.11.2"}
COUNTS = """version: 1
fn=(1) main
cfn=(2) malloc
calls=3 0
fn=(2)
8 100
fn=(3) other
cfn=(2)
calls=4 12
cfn=(4) calloc
calls=5 12
cfn=(5) free
calls=7 12
totals: 4200
"""


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def instructions() -> Any:
    return importlib.import_module("instructions")


def report() -> Any:
    return importlib.import_module("peer_report")


# ---- the guard -----------------------------------------------------------------------------------------


def of(instructions: float, allocations: float) -> dict[str, dict[str, float]]:
    return {"hello": {"instructions": instructions, "allocations": allocations}}


def judge(before: Any, now: Any, tools: Any = None) -> tuple[str, int]:
    baseline = {"toolchain": TOOLS, "requests": before}
    lines, status = instructions().judge(baseline, tools or TOOLS, now)
    return "\n".join(lines), status


@pytest.mark.parametrize("now", [of(10_000, 1), of(10_500, 1), of(2000, 0)])
def test_the_guard_lets_pass_what_is_at_most_5_percent_more(now: Any) -> None:
    text, status = judge(of(10_000, 1), now)

    assert status == 0, text


def test_the_guard_says_which_number_is_too_high_and_how_to_renew_it() -> None:
    text, status = judge(of(10_000, 1), of(10_600, 1))

    assert status == 1
    assert "hello: 10,600 instructions a request, 10,000 before (+6.0%)" in text
    assert "./dev bench --quick --renew" in text
    assert "allocations a request" not in text


def test_one_more_allocation_is_too_many() -> None:
    text, status = judge(of(10_000, 0), of(10_000, 1))

    assert status == 1
    assert "hello: 1 allocations a request, 0 before" in text


def test_the_guard_misses_what_is_on_one_side_only() -> None:
    text, status = judge({"old": {"instructions": 1, "allocations": 0}}, of(10_000, 0))

    assert status == 1
    assert "hello is not in the file" in text and "old is not measured any more" in text


def test_the_guard_compares_nothing_where_another_compiler_is() -> None:
    text, status = judge(of(10_000, 1), of(20_000, 9), {**TOOLS, "compiler": "c++ 14.1.0"})

    assert status == 0
    assert "compiler: c++ 12.2.0 in the file, c++ 14.1.0 here" in text
    assert "nothing is compared" in text


def test_counts_are_read_from_what_valgrind_writes() -> None:
    assert instructions().counts(COUNTS) == (4200, 12)


# ---- the comparison of servers -------------------------------------------------------------------------


def rows() -> list[dict[str, Any]]:
    """Three rounds; the second one is slow for everybody."""
    return [
        {
            "round": number,
            "subject": "hello",
            "peer": peer,
            "requests_per_second": rate,
            "errors": 1,
        }
        for peer, rates in (("spawn", (100, 10, 110)), ("other", (50, 5, 66)))
        for number, rate in enumerate(rates, 1)
    ]


def test_figures_are_medians_and_errors_add_up() -> None:
    assert report().medians(rows())["hello"] == {
        "spawn": {"requests_per_second": 100, "errors": 3},
        "other": {"requests_per_second": 50, "errors": 3},
    }


def test_ratios_are_taken_round_by_round() -> None:
    assert report().ratios(rows(), "hello", "other") == {"spawn": 2, "other": 1}
    assert report().ratios(rows(), "hello", "nobody") == {}


def test_the_table_has_a_line_for_each_peer() -> None:
    lines = list(report().table(rows(), "other"))

    assert lines[0].split()[:2] == ["hello", "requests/s"]
    assert [line.split() for line in lines[1:3]] == [
        ["spawn", "100", "3", "2.00"],
        ["other", "50", "3", "1.00"],
    ]


def test_the_csv_has_every_measurement(tmp_path: pathlib.Path) -> None:
    report().write_csv(tmp_path / "all.csv", rows())

    with open(tmp_path / "all.csv") as file:
        read = list(csv.DictReader(file))
    assert [(each["peer"], each["requests_per_second"]) for each in read[:3]] == [
        ("spawn", "100"),
        ("spawn", "10"),
        ("spawn", "110"),
    ]
    assert read[0]["p99_ms"] == ""


def test_the_plot_has_a_bar_for_each_peer() -> None:
    image = ET.fromstring(report().plot(rows(), "a & b"))

    bars = image.findall("{http://www.w3.org/2000/svg}rect")[1:]
    assert [float(bar.get("width", 0)) for bar in bars] == [500, 250]


def test_what_has_not_answered_has_no_latencies() -> None:
    said = '{"seconds": 2.0, "requests": %d, "p50_ms": 1.0, "p99_ms": 2.0, "p999_ms": 3.0, "errors": 0}'
    wrk = importlib.import_module("wrk")

    assert wrk.result("Running…\n" + said % 10)["requests_per_second"] == 5
    assert wrk.result(said % 10)["p99_ms"] == 2
    silent = wrk.result(said % 0)
    assert silent["p99_ms"] is None
    lines = list(
        report().table([{"round": 1, "subject": "hello", "peer": "dead", **silent}], "spawn")
    )
    assert lines[1].split() == ["dead", "0", "0", "–"]


def compare(tmp_path: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH / "peers.py"), str(BUILD), "--python", sys.executable]
    return subprocess.run(
        [*command, "--output", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_compares_what_is_there_and_names_what_is_not(tmp_path: pathlib.Path) -> None:
    chosen = ["--only", "spawn,bjoern,gevent,floor", "--subjects", "hello"]

    outcome = compare(tmp_path, *chosen, "--rounds", "1", "--seconds", "1", "--to", "gevent")

    assert outcome.returncode == 0, outcome.stderr
    assert "bjoern is left out: no module bjoern" in outcome.stdout
    with open(tmp_path / "peers.csv") as file:
        found = {row["peer"]: row for row in csv.DictReader(file)}
    assert list(found) == ["spawn", "gevent", "floor"]
    for row in found.values():
        assert float(row["requests_per_second"]) > 0 and row["errors"] == "0"
        assert 0 < float(row["p50_ms"]) <= float(row["p99_ms"]) <= float(row["p999_ms"])
        assert float(row["memory_mib"]) > 0
    assert ET.parse(tmp_path / "peers.svg").getroot().tag.endswith("svg")


def test_it_compares_several_processes_of_each_with_who_has_more_than_one(
    tmp_path: pathlib.Path,
) -> None:
    chosen = ["--only", "spawn,waitress", "--subjects", "start", "--processes", "2"]

    outcome = compare(tmp_path, *chosen, "--rounds", "1")

    assert outcome.returncode == 0, outcome.stderr
    assert "processes: 2" in outcome.stdout
    assert "waitress is left out: it has one process" in outcome.stdout
    with open(tmp_path / "peers.csv") as file:
        (row,) = csv.DictReader(file)
    assert row["peer"] == "spawn" and row["errors"] == "0"
    assert float(row["start_ms"]) > 0 and float(row["import_ms"]) > 0


def test_it_refuses_names_that_there_are_not(tmp_path: pathlib.Path) -> None:
    outcome = compare(tmp_path, "--subjects", "helo")

    assert outcome.returncode == 2
    assert "no subject 'helo'; there are hello" in outcome.stderr
    outcome = compare(tmp_path, "--only", "uvicorn")
    assert outcome.returncode != 0
    assert "no peer 'uvicorn'; there are spawn" in outcome.stderr
    outcome = compare(tmp_path, "--processes", "0")
    assert outcome.returncode == 2
    assert "--processes, --rounds and --seconds: expected a number from 1 on" in outcome.stderr


def test_uploads_are_measured_and_all_arrive() -> None:
    command = [sys.executable, str(BENCH / "uploads.py"), str(BUILD), "1", "8"]

    outcome = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    assert outcome.returncode == 0, outcome.stderr
    lines = [line for line in outcome.stdout.splitlines() if line.startswith("spawn ")]
    assert sum(" s, 0 errors; " in line for line in lines) == 3, outcome.stdout
