# SPDX-License-Identifier: MIT
"""Compares `spawn` with other WSGI servers: the same applications, in turns, by wrk.

Each measurement starts its server anew. In every round all peers are asked for a subject one after the
other, so that what else the machine does meets all of them; figures are medians of the rounds, and
ratios medians of each round's ratio. Where there are processors enough each of a server's processes has
one, from the last on, and wrk the first; --unpinned leaves that to the kernel. nginx, which answers `return 200`, and a
few lines of C (floor.c) are no WSGI servers: they show what is left to gain.
"""

import argparse
import contextlib
import functools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import peer_report
from peer_table import PEERS, Place, choose
from server_process import compile_package, free_port, started
from situations import (
    APPLICATIONS,
    FOR_FLOORS,
    SITUATIONS,
    Setting,
    environment,
    raise_descriptor_limit,
    throughput,
)

SUBJECTS = [*APPLICATIONS, *SITUATIONS]
USUAL = "spawn"


def read_options(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev bench --peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"peers: {' '.join(peer.name for peer in PEERS)}\nsubjects: {' '.join(SUBJECTS)}",
    )
    parser.add_argument("build", type=Path, help=argparse.SUPPRESS)
    add = parser.add_argument
    add("--only", default="", metavar="PEER,…", help="these peers (all)")
    add(
        "--subjects",
        default="",
        metavar="SUBJECT,…",
        help="these applications and situations (all)",
    )
    add("--processes", type=int, default=1, metavar="N", help="of each server that has more (1)")
    add("--rounds", type=int, default=3, metavar="N", help="how often (3)")
    add("--seconds", type=int, default=3, metavar="N", help="of each measurement (3)")
    add("--to", default=USUAL, metavar="PEER", help=f"whose figures the ratios are to ({USUAL})")
    add("--unpinned", action="store_true", help="leave it to the kernel which processor runs what")
    add("--python", type=Path, metavar="FILE", help="the interpreter that has the peers installed")
    add("--output", type=Path, metavar="DIR", help="for peers.csv and peers.svg (build/bench)")
    options = parser.parse_args(arguments)
    options.only = [name for name in options.only.split(",") if name]
    options.subjects = [name for name in options.subjects.split(",") if name] or SUBJECTS
    for name in options.subjects:
        if name not in SUBJECTS:
            parser.error(f"--subjects: no subject {name!r}; there are {', '.join(SUBJECTS)}")
    if min(options.processes, options.rounds, options.seconds) < 1:
        parser.error("--processes, --rounds and --seconds: expected a number from 1 on")
    return options


# ---- where it runs -----------------------------------------------------------------------------------


def pinning(unpinned, processes):
    """The commands before a server and before wrk."""
    processors = [str(each) for each in sorted(os.sched_getaffinity(0))]
    if unpinned or len(processors) <= processes or not shutil.which("taskset"):
        return [], []
    theirs = ",".join(processors[-processes:])
    return ["taskset", "-c", theirs], ["taskset", "-c", processors[0]]


def describe(place, before_server, before_load):
    version = subprocess.run(
        [place.python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    names = {f"{name}==" for name in place.modules | {"uWSGI", "pyuwsgi", "Django", "Flask"}}
    where = "pinned to no processor"
    if before_server:
        where = f"server on processor {before_server[-1]}, wrk on {before_load[-1]}"
    yield (
        f"Linux {platform.release()}, {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}; processes: {place.processes}, {where}"
    )
    yield " ".join(sorted(each for each in version if each.startswith(tuple(names))))
    load = os.getloadavg()[0]
    if load > 0.5:
        yield f"the load average is {load:.1f}: something else runs here, and these figures show it"


# ---- measuring ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def serve(peer, place, before_server, application):
    port = free_port()
    command = [*before_server, *peer.command(place, application, port)]
    with (
        open(place.scratch / "errors", "wb") as errors,
        started(command, port, environment(place), place.scratch, errors) as process,
    ):
        yield process.pid, port


def bare(place, before_server, module):
    """Python imports a module, and ends."""
    command = [*before_server, place.python, "-c", f"import {module}"]
    subprocess.run(command, env=environment(place), cwd=place.scratch, check=True)


def last_words(place):
    """What the latest server has said at last on standard error."""
    lines = (place.scratch / "errors").read_text(errors="replace").split("\n")
    said = [line.strip() for line in lines if len(line.strip()) > 3]
    return f" ({said[-1][:200]})" if said else ""


def measure(subject, setting):
    if subject in SITUATIONS:
        return SITUATIONS[subject](setting)
    return throughput(setting, *APPLICATIONS[subject])


def suits(peer, subject):
    return subject in FOR_FLOORS or not peer.only_hello


def present(peers, place):
    for peer in peers:
        one = "it has one process" if peer.one_process and place.processes > 1 else None
        missing = one or peer.missing(place)
        if missing:
            print(f"{peer.name} is left out: {missing}", flush=True)
        else:
            yield peer


def compare(peers, place, options, pins):
    """The rows; a peer that does not start, or does not answer, is named."""
    rows, failed = [], set()
    for number in range(1, options.rounds + 1):
        for subject in options.subjects:
            turn = number % len(peers) if peers else 0  # nobody is always the first
            for peer in [*peers[turn:], *peers[:turn]]:
                if (peer, subject) in failed or not suits(peer, subject):
                    continue
                setting = Setting(
                    functools.partial(serve, peer, place, pins[0]),
                    options.seconds,
                    pins[1],
                    functools.partial(bare, place, pins[0]),
                )
                try:
                    found = measure(subject, setting)
                except (OSError, ValueError, EOFError, subprocess.SubprocessError) as error:
                    failed.add((peer, subject))
                    print(
                        f"{subject}: {peer.name} is left out: {error}{last_words(place)}",
                        flush=True,
                    )
                    continue
                rows.append({"round": number, "subject": subject, "peer": peer.name, **found})
                print(
                    f"\r\033[K{number}/{options.rounds} {subject} {peer.name}",
                    end="",
                    file=sys.stderr,
                )
    print(file=sys.stderr)
    order = [peer.name for peer in peers]
    return sorted(
        rows,
        key=lambda row: (SUBJECTS.index(row["subject"]), order.index(row["peer"]), row["round"]),
    )


def main(arguments=None):
    options = read_options(arguments)
    chosen = choose(options.only)
    build = options.build.resolve()
    output = options.output or build.parent / "bench"
    python = options.python or build.parent / "peers" / "bin" / "python"
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        place = Place(build, Path(os.path.abspath(python)), Path(scratch), options.processes)
        compile_package(place.python, place.build)
        pins = pinning(options.unpinned, options.processes)
        heading = list(describe(place, *pins))
        print("\n".join(heading), flush=True)
        rows = compare(list(present(chosen, place)), place, options, pins)
    if not rows:
        sys.exit("nothing could be measured")
    output.mkdir(parents=True, exist_ok=True)
    peer_report.write_csv(output / "peers.csv", rows)
    (output / "peers.svg").write_text(peer_report.plot(rows, heading[0]))
    print("\n".join(peer_report.table(rows, options.to)))
    print(f"each measurement is in {output / 'peers.csv'}, a plot in {output / 'peers.svg'}")


if __name__ == "__main__":
    main()
