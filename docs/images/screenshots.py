# SPDX-License-Identifier: MIT
"""Takes the pictures of the status page that the documentation shows, beside this file.

usage: screenshots.py BUILD_DIR [MINUTES]

A small shop is served to some dozens of clients for ten minutes, because that is what the charts show. Meanwhile
it is reloaded, one worker is killed, and an hour of business comes and goes; in the end a reload fails.
"""

import contextlib
import http.client
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
CLIENTS = 48
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SHOP = """
import random, time

kept = [bytes([1]) * (40 << 20)]

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/reports/"):
        time.sleep(random.uniform(8, 30))
    else:
        time.sleep(random.lognormvariate(-5.3, 0.8))
    if random.random() < 0.02 and len(kept) < 400:
        kept.append(bytes([1]) * (64 << 10))
    start_response("500 Oops" if random.random() < 0.002 else "200 OK", [("Content-Type", "text/html")])
    return [b"<p>goods</p>" * random.randrange(50, 2000)]
"""
BROKEN = "import time\n\nfrom payments import PaymentError\n"
PATHS = [
    *["/", "/products/{n}", "/products/{n}", "/products/{n}/reviews", "/search/teapots", "/cart"],
    *["/api/stock/{n}", "/account/orders/{n}", "/assets/img/{n}.webp"],
]


def business(began):
    """How much there is of it, 0 to 1."""
    minutes = (time.monotonic() - began) / 60
    rush = math.exp(-(((minutes - 6.5) / 1.3) ** 2))
    return 0.35 + 0.1 * math.sin(minutes * 2.1) + 0.5 * rush


def be_a_client(port, began, end):
    """Asks now and then, on one connection as long as that lasts."""
    while not end.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            while not end.is_set():
                path = random.choice(PATHS).format(n=random.randrange(1000, 9999))
                slow = random.random() < 0.0012
                method = "POST" if path == "/cart" else "GET"
                connection.request(method, "/reports/2026/sales-by-region.pdf" if slow else path)
                connection.getresponse().read()
                end.wait(random.expovariate(3.5 * business(began)))
            connection.close()


@contextlib.contextmanager
def shop(build, directory):
    """A server; yields the process, its port, and that of its status server."""
    module = directory / "shop.py"
    module.write_text(SHOP)
    command = [str(build / "cli" / "spawn"), "--python", sys.executable, "--port", "0"]
    command += ["--status-port", "0", "--threads", "4", "--access-log-file", os.devnull]
    with (directory / "log").open("w+") as log:
        process = subprocess.Popen(
            [*command, "shop:application"],
            cwd=directory,
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            banner = process.stdout.readline()
            status = re.search(r"status: \S+:(\d+)/status", (directory / "log").read_text())
            yield process, int(re.search(r":(\d+)/", banner)[1]), int(status[1])
        finally:
            process.terminate()
            process.wait()


def worker_of(process):
    found = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[1])


def take(browser, status, name, **options):
    """One picture, of few colours, so that it is small."""
    full = options.pop("full_page", False)
    page = browser.new_page(**options)
    page.goto(f"http://127.0.0.1:{status}/")
    page.wait_for_timeout(6000)  # until rates are known
    path = HERE / f"status-{name}.png"
    page.screenshot(path=path, full_page=full)
    page.close()
    with Image.open(path) as picture:
        whole = picture.convert("RGB")
    frequent = sorted(whole.getcolors(whole.width * whole.height), reverse=True)[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for _, colour in frequent for channel in colour])
    whole.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size >> 10} KiB")


def take_all(status, process, module):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        desktop = {"viewport": {"width": 1240, "height": 880}}
        phone = {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 2}
        phone |= {"is_mobile": True, "has_touch": True}
        take(browser, status, "light", **desktop)
        take(browser, status, "phone", color_scheme="dark", **phone)
        module.write_text(BROKEN)
        process.send_signal(signal.SIGHUP)
        take(browser, status, "dark", color_scheme="dark", full_page=True, **desktop)
        browser.close()


def main(build, minutes=10.0):
    end = threading.Event()
    with tempfile.TemporaryDirectory() as name, shop(build, Path(name)) as (process, port, status):
        began = time.monotonic()
        clients = [
            threading.Thread(target=be_a_client, args=(port, began, end)) for _ in range(CLIENTS)
        ]
        for each in clients:
            each.start()
        try:
            for share, what in (
                (0.3, lambda: process.send_signal(signal.SIGHUP)),
                (0.55, lambda: os.kill(worker_of(process), signal.SIGKILL)),
                (1.02, lambda: take_all(status, process, Path(name, "shop.py"))),
            ):
                time.sleep(max(0.0, began + 60 * minutes * share - time.monotonic()))
                what()
        finally:
            end.set()
            for each in clients:
                each.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *map(float, sys.argv[2:]))
