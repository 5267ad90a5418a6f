# SPDX-License-Identifier: MIT
"""The page at /status, in a browser.

Whatever it shows, there is no error in the console, nothing that its Content-Security-Policy
refuses, and no request to anywhere else.
"""

import json
import os
import re
import shutil
import signal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright
from running import PATIENCE, alive, wait_until
from status_pages import Status

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
HOSTILE = "/<img src=x onerror=alert(1)>"
SOURCE = "from spawning.wsgi_factory import hello_world as app\n"
# How much lighter or darker each text is than what is behind it, as WCAG 2 has it; the worst one.
WORST_CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).map((each) => (each /= 255) <= 0.04045
        ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return channels(colour)[3] === 0 ? behind(node.parentElement) : colour;
  };
  const texts = [...document.body.querySelectorAll("*")].filter((node) => node.checkVisibility()
      && node.tagName !== "NOSCRIPT"
      && [...node.childNodes].some((each) => each.nodeType === 3 && each.nodeValue.trim()));
  const contrasts = texts.map((node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.outerHTML.slice(0, 200)];
  });
  return contrasts.sort(([a], [b]) => a - b)[0];
}"""


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Visit:
    """A page in a context of its own, and all that it complains about."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE * 1000)
        self.page = self.context.new_page()
        self.complaints = []
        self.origins = set()
        self.refused_connections = 0
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.origins.add(urlsplit(request.url)[:2]))

    def hear(self, message):
        if re.search("net::ERR_(CONNECTION_|EMPTY_RESPONSE)", message.text):
            self.refused_connections += 1  # the browser says so itself, whatever a page does
        elif message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def visit(browser):
    """visit(url, change=None, …): the page there. `change` edits each /status.json on its way."""
    visits = []
    # Playwright's own limit for what is expected of a page.
    expect.set_options(timeout=PATIENCE * 1000)

    def visit(url, change=None, before=None, **options):
        visit = Visit(browser, **options)
        visits.append(visit)
        if change:

            def fulfill(route):
                response = route.fetch()
                route.fulfill(response=response, json=change(response.json()))

            visit.page.route("**/status.json", fulfill)
        if before:
            before(visit.page)
        visit.page.goto(url)
        expect(visit.page.locator("#word")).not_to_have_text("Loading")
        visit.page.visit = visit
        return visit.page

    yield visit
    for each in visits:
        url = each.page.url
        each.context.close()
        assert each.complaints == []
        assert each.origins == {urlsplit(url)[:2]}


@pytest.fixture
def service(spawn):
    """service(*arguments): a server, and the address of its status server."""

    def service(*arguments, **options):
        if "--status-port" not in arguments:
            arguments = ("--status-port", "0", *arguments)
        server = spawn("--processes", "2", *arguments, **options)
        server.status = Status(server).url
        return server

    return service


def word(page):
    return page.locator("#word")


def answers(page):
    """The sum of a column: what workers have answered."""
    cells = page.locator("#workers td[data-label=Answers]").all_inner_texts()
    return sum(int(each.replace(",", "")) for each in cells)


def test_whoever_opens_the_port_sees_how_the_service_is(service, visit):
    server = service("system_apps:router")
    server.get("/pid")

    page = visit(server.status + "/")

    assert page.url == server.status + "/status"
    expect(word(page)).to_have_text("OK")
    expect(page.locator("#glance-workers")).to_have_text("2 of 2")
    expect(page.locator("#workers td[data-label=Process]")).to_have_text(
        [str(pid) for pid in sorted(server.workers())]
    )
    expect(page.locator("#charts figure")).to_have_count(5)
    expect(page.locator("#reloads")).to_contain_text("Generation 1")
    expect(page.locator("#running-none")).to_be_visible()
    expect(page.locator("#config")).to_contain_text("system_apps:router")
    expect(page).to_have_title("OK · 2/2 · Spawning")


def test_it_can_be_read_by_those_who_do_not_see_it(service, visit):
    server = service("system_apps:router")
    page = visit(server.status + "/status", with_running_requests)

    for landmark in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    workers = page.get_by_role("table", name="Workers")
    expect(workers.get_by_role("columnheader", name="Memory")).to_be_visible()
    expect(workers.get_by_role("rowheader", name="Generation 1")).to_be_visible()
    expect(page.get_by_role("table", name="Running requests")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Connections: now open"))).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("status").first).to_have_text("Reload failed")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "pause"


def test_it_changes_in_place(service, visit):
    server = service("system_apps:router")
    page = visit(server.status + "/status", viewport={"width": 1000, "height": 400})
    page.locator("summary", has_text="settings").click()
    page.evaluate(
        """() => {
          scrollTo(0, 300);
          getSelection().selectAllChildren(document.querySelector("#workers td[data-label=State]"));
          for (const row of document.querySelectorAll("#workers tr")) row.marked = true;
        }"""
    )

    for _ in range(5):
        server.get("/pid")
    wait_until(lambda: answers(page) == 5, server.patience, "five answers")

    assert page.evaluate("[...document.querySelectorAll('#workers tr')].every((row) => row.marked)")
    assert page.evaluate("scrollY") == 300
    assert page.evaluate("getSelection().toString().trim()") == "serving"
    expect(page.locator("#config")).to_be_visible()


def test_it_asks_nothing_while_it_is_paused_or_hidden(service, visit):
    server = service("system_apps:router")
    asked = []
    page = visit(server.status + "/status", before=lambda page: page.clock.install())
    page.on("request", lambda request: asked.append(request.url))
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""

    def asks_again():
        page.clock.run_for(1000)
        return len(asked) > 2

    wait_until(asks_again, server.patience, "live questions")
    for stop, go_on in (
        (lambda: page.locator("#pause").click(), lambda: page.locator("#pause").click()),
        (lambda: page.evaluate(hide, True), lambda: page.evaluate(hide, False)),
    ):
        stop()
        page.evaluate(
            "fetch('healthz').then((answer) => answer.text())"
        )  # behind what is under way
        asked.clear()
        page.clock.run_for(20_000)
        page.evaluate("fetch('healthz').then((answer) => answer.text())")
        assert asked == [server.status + "/healthz"]
        go_on()
        wait_until(asks_again, server.patience, "live questions again")


def test_it_shows_a_reload(service, visit):
    server = service("system_apps:router")
    page = visit(server.status + "/status")
    before = server.workers()

    server.signal(signal.SIGHUP)

    expect(page.locator("#reloads > li").first).to_contain_text("Generation 2")
    expect(page.locator("#reloads > li").first).to_contain_text("serving")
    wait_until(lambda: not any(map(alive, before)), server.patience, "the end of the old ones")
    expect(page.locator("#workers tbody")).to_have_count(1)
    expect(page.locator("#workers tbody")).to_contain_text("Generation 2")
    expect(word(page)).to_have_text("OK")


def test_it_goes_on_by_itself_when_the_server_has_been_started_anew(service, visit):
    server = service("system_apps:router")
    page = visit(server.status + "/status")
    expect(page.locator("#version")).to_contain_text(f"process {server.pid}")

    server.stop()
    expect(word(page)).to_have_text("No answer")
    expect(page.locator("#sentence")).to_have_text(re.compile(r"No answer since \d\d:\d\d:\d\d"))
    port = str(urlsplit(server.status).port)
    again = service("--status-port", port, "system_apps:router")

    expect(word(page)).to_have_text("OK")
    expect(page.locator("#version")).to_contain_text(f"process {again.pid}")
    assert page.visit.refused_connections > 0


def test_a_failed_reload_is_shown_with_its_traceback(service, visit, tmp_path):
    module = tmp_path / "shop.py"
    module.write_text(SOURCE)
    server = service("shop:app", cwd=tmp_path)
    page = visit(server.status + "/status")
    module.write_text("import no_such_module  # <b>\n")

    server.signal(signal.SIGHUP)

    expect(word(page)).to_have_text("Reload failed")
    expect(page.locator("#sentence")).to_contain_text("no_such_module")
    traceback = page.locator("#reloads pre").first
    expect(traceback).to_be_visible()
    expect(traceback).to_contain_text(f'File "{module}", line 1')
    expect(traceback).to_contain_text("# <b>")
    expect(page.locator("#glance-workers")).to_have_text("2 of 2")

    module.write_text(SOURCE)
    server.signal(signal.SIGHUP)
    expect(word(page)).to_have_text("OK")


def test_a_worker_that_was_replaced_is_shown_with_the_reason(service, visit):
    server = service("system_apps:router")
    page = visit(server.status + "/status")
    expect(page.locator("#restarts-none")).to_be_visible()

    os.kill(server.workers()[0], signal.SIGKILL)

    expect(page.locator("#restarts > li").first).to_contain_text("was killed by SIGKILL")
    expect(page.locator("#restarts-count")).to_have_text("1 by death")
    expect(word(page)).to_have_text("OK")


def with_running_requests(status):
    """…of which some are hostile, and so is everything else that somebody else has written."""
    worker = status["children"][0]
    common = {"pid": worker["pid"], "worker": worker["slot"], "generation": worker["generation"]}
    status["running_requests"] = [
        {"method": "POST", "path": "/report/" + "w" * 300, "path_cut": True, "age": 75.0}
        | {"client": "2001:db8:1234:5678:9abc:def0:1234:5678", "thread": 1, **common},
        {"method": "GET", "path": HOSTILE, "path_cut": False, "age": 12.5}
        | {"client": "203.0.113.7", "thread": 2, **common},
        {"method": "GET", "path": "/quick", "path_cut": False, "age": 0.0123}
        | {"client": "203.0.113.8", "thread": 3, **common},
    ]
    status["recent_restarts"].append(
        {"time": status["now"], "reason": "death", "summary": HOSTILE + "x" * 300, **common}
    )
    status["reloads"].append(
        {"generation": 9, "cause": HOSTILE, "began": status["now"], "ended": status["now"]}
        | {"verdict": "failed", "summary": HOSTILE, "traceback": HOSTILE + "y" * 300}
    )
    status["config"][HOSTILE] = [HOSTILE, "z" * 300]
    return status


def test_running_requests_are_shown_oldest_first_and_as_text_whatever_they_are(service, visit):
    server = service("system_apps:router")
    page = visit(server.status + "/status", with_running_requests)
    page.locator("summary", has_text="settings").click()

    expect(page.locator("#running td.path bdi")).to_have_text(
        ["/report/" + "w" * 300, HOSTILE, "/quick"]
    )
    expect(page.locator("#running td[data-label=Age]")).to_have_text(
        ["1 min 15 s", "12.5 s", "12 ms"]
    )
    expect(page.locator("#running td.path").first).to_have_text(re.compile("w…$"))
    expect(page.locator("#running td.client").nth(1)).to_have_text("203.0.113.7")
    expect(page.locator("#glance-oldest")).to_have_text("1 min 15 s")
    for place in ("#sentence", "#restarts", "#reloads pre", "#config"):
        expect(page.locator(place).first).to_contain_text(HOSTILE)
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("change", [None, with_running_requests])
def test_it_fits_a_phone(service, visit, change):
    server = service("system_apps:router")
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    page = visit(server.status + "/status", change, **phone)
    page.locator("summary", has_text="settings").click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    cut_off = """[...document.querySelectorAll("td, th, .value, .event")].filter((each) =>
        each.checkVisibility() && !each.closest("thead")
        && each.getBoundingClientRect().right > 360).length"""
    assert page.evaluate(cut_off) == 0


def test_it_is_light_or_dark_and_legible_either_way(service, visit):
    server = service("system_apps:router")
    backgrounds = []
    for scheme in ("light", "dark"):
        page = visit(server.status + "/status", with_running_requests, color_scheme=scheme)
        expect(page.locator("#running")).to_be_visible()
        backgrounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        contrast, where = page.evaluate(WORST_CONTRAST)
        assert contrast >= 4.5, where
    assert backgrounds == ["rgb(244, 245, 247)", "rgb(16, 19, 23)"]


def test_charts_begin_with_what_the_server_knows_and_leave_gaps(service, visit):
    server = service("system_apps:router")
    known = [*range(50), None, None, None, *range(50)]
    columns = "requests_per_second errors_per_second latency_p50 latency_p99 concurrent_requests"
    columns = [*columns.split(), "queued_requests", "connections", "memory"]
    history = {"step": 5, "age": 1.0, **{name: known for name in columns}}

    def before(page):
        page.route("**/history.json", lambda route: route.fulfill(body=json.dumps(history)))

    page = visit(server.status + "/status", before=before)

    figure = page.locator("figure", has_text="Requests a second")
    expect(figure.locator(".most")).to_have_text("50")
    assert figure.locator("path.one").get_attribute("d").count("M") == 2
    expect(page.locator("figure", has_text="Latency").locator(".least")).to_have_text("0.1 ms")
    plot = figure.locator(".plot")
    plot.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    expect(figure.locator("output")).to_have_text(
        re.compile(r"^\d\d:\d\d:\d\d +all 4[789], 5xx 4[789]$")
    )
    page.keyboard.press("Escape")
    expect(figure.locator("output")).to_be_empty()
    box = plot.bounding_box()
    # 101 s ago; what is known is between one and six seconds old
    page.mouse.move(box["x"] + box["width"] * (1 - 101 / 600), box["y"] + 10)
    expect(figure.locator("output")).to_have_text(re.compile(r"all (29|30), 5xx (29|30)$"))
    # in the gap
    page.mouse.move(box["x"] + box["width"] * (1 - 256 / 600), box["y"] + 10)
    expect(figure.locator("output")).to_have_text(re.compile(r"all –, 5xx –$"))
