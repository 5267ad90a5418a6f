# SPDX-License-Identifier: MIT
"""What a reload costs clients: the time of requests at half load, while workers are replaced and while not.

usage: reload_latency.py BUILD_DIR [ROUNDS] [SPAWN_OPTIONS…]

Hello world is served by four processes. `wrk` first finds out what they can
do, and then keeps them at half of that, over 256 keep-alive connections; eight more ask every 5 ms, and are
timed. In each round three seconds without a reload are compared with four reloads: from SIGHUP until
the last old worker is gone. What counts is the ratio of the 99th percentiles: it must stay below 3. Of a
round it rests on some twenty requests, so that of all rounds together is said, too.
"""

import contextlib
import os
import re
import selectors
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from server_process import APPLICATION, running_process
from slow_clients import CONNECTIONS, PAUSE, Connection, quantile

PROCESSES = 4  # as `spawn` does by itself
LOAD_CONNECTIONS = 256
CAPACITY_SECONDS = 3
STEADY_SECONDS = 3
RELOADS = 4  # a round
BETWEEN = (
    0.5  # seconds from one reload to the next, and from the start of the load to the first look
)
PATIENCE = 60


# ---- half load ---------------------------------------------------------------------------------------


def wrk(port, seconds, *options):
    return [
        *["wrk", "-t1", f"-c{LOAD_CONNECTIONS}", f"-d{seconds}s", *options],
        f"http://127.0.0.1:{port}/",
    ]


def rate(output):
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def capacity(port):
    command = wrk(port, CAPACITY_SECONDS)
    return rate(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@contextlib.contextmanager
def load(port, requests_per_second, results):
    """So many requests a second meanwhile, as long as each connection gets its answers in time."""
    pause = 1000 * LOAD_CONNECTIONS / requests_per_second
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        # wrk waits for whole milliseconds.
        script.write(f"function delay() return math.floor({pause} * 2 * math.random() + 0.5) end\n")
        script.flush()
        command = wrk(port, PATIENCE, "-s", script.name)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate()
            results.append(rate(output))
            failed = re.search(r"Socket errors:.*|Non-2xx.*", output)
            if failed:
                print(failed[0])


# ---- requests that are timed -------------------------------------------------------------------------


class Probe:
    """Asks at a pace, and remembers when each request began and how long it took."""

    def __init__(self, port):
        self.selector = selectors.DefaultSelector()
        start = time.perf_counter()
        self.connections = [
            Connection(port, self.selector, start + PAUSE * number / CONNECTIONS)
            for number in range(CONNECTIONS)
        ]
        self.times = []
        self.errors = 0

    def run_until(self, condition):
        """The times of the requests that began and ended meanwhile."""
        begin = time.perf_counter()
        self.times = []
        while not condition():
            now = time.perf_counter()
            for each in self.connections:
                if each.sent_at is None and now >= each.next_at:
                    each.ask()
            for key, _ in self.selector.select(0.0005):
                self._hear(key.data)
        return [took for asked, took in self.times if asked >= begin]

    def run_for(self, seconds):
        end = time.perf_counter() + seconds
        return self.run_until(lambda: time.perf_counter() >= end)

    def close(self):
        for each in self.connections:
            each.close()

    def _hear(self, connection):
        try:
            answered = connection.hear()
        except OSError:
            self.errors += 1
            connection.give_up()
        else:
            self.times += [answered] if answered else []


def children(pid):
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def reload(server, probe):
    """The times of the requests during one."""
    before = children(server.pid)
    next_look = 0.0

    def done():
        nonlocal next_look
        now = time.perf_counter()
        if now < next_look:
            return False
        next_look = now + 0.01
        after = children(server.pid)
        return len(after) == PROCESSES and not after & before

    server.send_signal(signal.SIGHUP)
    return probe.run_until(done)


# ---- the comparison ----------------------------------------------------------------------------------


def measure(server, port, requests_per_second, rates):
    """The times without a reload and during some, sorted, how long a reload took, and failures."""
    probe = Probe(port)
    steady, reloading, durations = [], [], []
    with load(port, requests_per_second, rates):
        probe.run_for(BETWEEN)
        steady += probe.run_for(STEADY_SECONDS)
        for _ in range(RELOADS):
            began = time.perf_counter()
            reloading += reload(server, probe)
            durations.append(time.perf_counter() - began)
            probe.run_for(BETWEEN)
    probe.close()
    return sorted(steady), sorted(reloading), statistics.median(durations), probe.errors


def prefer_ourselves():
    """The server is to be timed, not this process's own waits for a processor."""
    with contextlib.suppress(PermissionError):
        scheduling = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK  # `wrk` waits as others do
        os.sched_setscheduler(0, scheduling, os.sched_param(1))


def main():
    build = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    if shutil.which("wrk") is None:
        print("install wrk to measure reloads under load")
        return
    command = [build / "cli" / "spawn", "--python", sys.executable]
    command += ["--processes", str(PROCESSES), *sys.argv[3:], APPLICATION, "--port"]
    ratios, steady_p99, reloading_p99, rates = [], [], [], []
    all_steady, all_reloading = [], []
    with running_process(command, build) as (server, port):
        most = capacity(port)
        prefer_ourselves()
        for _ in range(rounds):
            steady, reloading, took, errors = measure(server, port, most / 2, rates)
            all_steady += steady
            all_reloading += reloading
            steady_p99.append(quantile(steady, 0.99))
            reloading_p99.append(quantile(reloading, 0.99))
            ratios.append(reloading_p99[-1] / steady_p99[-1])
            print(
                f"p99 {steady_p99[-1]:6.2f} ms steady, {reloading_p99[-1]:6.2f} ms during reloads of "
                f"{took:.2f} s (p50 {quantile(steady, 0.5):.2f} and {quantile(reloading, 0.5):.2f}, "
                f"longest {quantile(steady, 1):.1f} and {quantile(reloading, 1):.1f}); "
                f"{len(steady)} and {len(reloading)} requests, {errors} errors",
                flush=True,
            )
    print(
        f"{PROCESSES} processes at {statistics.median(rates):.0f} of {most:.0f} requests/s: "
        f"p99 {statistics.median(reloading_p99):.2f} ms during reloads, "
        f"{statistics.median(steady_p99):.2f} ms without, "
        f"{statistics.median(ratios):.2f} times as much (median of {rounds} rounds)"
    )
    together = quantile(sorted(all_reloading), 0.99), quantile(sorted(all_steady), 0.99)
    print(
        f"all {len(all_reloading)} and {len(all_steady)} requests together: p99 {together[0]:.2f} ms "
        f"and {together[1]:.2f} ms, {together[0] / together[1]:.2f} times as much"
    )


if __name__ == "__main__":
    main()
