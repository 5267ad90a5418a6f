
// ---- numbers as people read them ----

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const none = "–";

function count(number) {
  return number == null ? none : grouped.format(number);
}

function rate(number) {
  if (number == null) return none;
  if (number >= 99.95 || Number.isInteger(number)) return grouped.format(number);
  return number.toFixed(number >= 9.995 ? 1 : 2);
}

function span(seconds) {
  if (seconds == null) return none;
  if (seconds < 0.00995) return (seconds * 1000).toFixed(1) + " ms";
  if (seconds < 0.9995) return (seconds * 1000).toFixed(0) + " ms";
  if (seconds < 59.95) return seconds.toFixed(1) + " s";
  return duration(seconds);
}

// Without the fractions that would only distract.
function duration(seconds) {
  const whole = Math.round(seconds);
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"],
                 [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = whole > 0 ? parts.findIndex(([amount]) => amount > 0) : 3;
  return parts.slice(first, first + 2).map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}

function bytes(size) {
  if (size == null) return none;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) size /= 1024, ++unit;
  return (size >= 99.5 || Number.isInteger(size) ? size.toFixed(0) : size.toFixed(1)) + " " + units[unit];
}

function clock(moment) {
  return moment.toLocaleTimeString("en-GB");
}

function when(moment) {
  const today = moment.toDateString() === new Date().toDateString();
  const date = moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return today ? clock(moment) : `${date} ${clock(moment)}`;
}

// ---- changing the document, and only what has changed ----

const id = (name) => document.getElementById(name);

function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "line"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function time(node, iso) {
  const moment = new Date(iso);
  attribute(node, "datetime", iso);
  attribute(node, "title", iso.replace("T", " ").replace("Z", " UTC"));
  text(node, when(moment));
}

// Has `parent` show one child for each of `items`: children are kept by their keys, made where there
// is none yet, and moved only if they are elsewhere.
function show(parent, items, key, make, update) {
  const kept = parent.kept ?? (parent.kept = new Map());
  const seen = new Map();
  let place = parent.firstElementChild;
  for (const item of items) {
    let name = key(item);
    while (seen.has(name)) name += "+";
    const child = kept.get(name) ?? make(item);
    seen.set(name, child);
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const [name, child] of kept) if (seen.get(name) !== child) child.remove();
  parent.kept = seen;
}

// A table whose cells are `columns`: [label, class, what to show of an item, how to mark it].
function table(node, columns) {
  const heads = columns.map(([label, kind]) => element("th", { scope: "col", role: "columnheader", class: kind }, label));
  node.append(element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)));
  return {
    row: () => element("tr", { role: "row" }, ...columns.map(
      ([label, kind]) => element("td", { role: "cell", class: kind, "data-label": label }))),
    fill(row, item) {
      columns.forEach(([, kind, content, mark], index) => {
        const cell = row.children[index];
        const value = content(item, cell);
        if (value !== undefined) text(cell, value);
        attribute(cell, "class", `${kind} ${mark ? mark(item) : ""}`.trim());
      });
    },
  };
}

function facts(node, pairs) {
  show(node, pairs, ([name]) => name,
       () => element("div", {}, element("dt"), element("dd")),
       (row, [name, value]) => {
         text(row.firstChild, name);
         text(row.lastChild, value);
       });
}

// ---- what follows from two answers of the server ----

const kWindow = 3;  // seconds that rates are about
let samples = [];   // status.json of the last seconds, oldest first

function remember(status) {
  const same = samples.length > 0 && samples[0].started_at === status.started_at && samples[0].pid === status.pid;
  if (!same) samples = [];
  samples.push(status);
  while (samples.length > 2 && status.uptime - samples[1].uptime >= kWindow) samples.shift();
  if (status.uptime - samples[0].uptime > 5 * kWindow) samples = [status];
}

// The share that stayed within this time, as if those of a bucket were spread evenly over it.
function quantile(share, bounds, counts) {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) return null;
  let below = 0;
  for (let i = 0; i < bounds.length; ++i) {
    const from = i === 0 ? 0 : bounds[i - 1];
    if (counts[i] > 0 && below + counts[i] >= share * total)
      return from + (bounds[i] - from) * Math.max(0, share * total - below) / counts[i];
    below += counts[i];
  }
  return bounds[bounds.length - 1];
}

function byClass(requests, name) {
  return Object.values(requests).reduce((sum, classes) => sum + (classes[name] ?? 0), 0);
}

// Everything a second, and latencies, of the last seconds; empty if there was one answer only.
function present() {
  const [before, now] = [samples[0], samples[samples.length - 1]];
  const elapsed = now.uptime - before.uptime;
  const gauges = {
    concurrent_requests: now.concurrent_requests, queued_requests: now.queued_requests, connections: now.connections,
    memory: now.children.reduce((sum, each) => sum + (each.memory ?? 0), 0),
  };
  if (elapsed <= 0) return { ...gauges, workers: new Map() };
  const counts = now.totals.duration.counts.map((each, index) => each - before.totals.duration.counts[index]);
  const earlier = new Map(before.children.map((each) => [each.pid, each]));
  return {
    ...gauges,
    requests_per_second: (now.totals.answers - before.totals.answers) / elapsed,
    errors_per_second: (byClass(now.totals.requests, "5xx") - byClass(before.totals.requests, "5xx")) / elapsed,
    latency_p50: quantile(0.5, now.totals.duration.bounds, counts),
    latency_p99: quantile(0.99, now.totals.duration.bounds, counts),
    workers: new Map(now.children.filter((each) => earlier.has(each.pid)).map((each) => {
      const was = earlier.get(each.pid);
      return [each.pid, { rate: (each.answers - was.answers) / elapsed,
                          processor: (each.cpu_seconds - was.cpu_seconds) / elapsed }];
    })),
  };
}

// How it is, in a word and a sentence.
function judge(status) {
  const { active_children_count: ready, configured_children_count: wanted, phase } = status;
  const reload = status.reloads[status.reloads.length - 1];
  if (phase === "stopping") return ["warn", "Stopping", "Running requests may finish, new ones go elsewhere."];
  if (phase === "starting" && reload?.verdict === "failed") return ["bad", "Cannot load", reload.summary];
  if (phase === "starting") return ["busy", "Starting", "The first workers load the application."];
  if (ready === 0) return ["bad", "Down", lastRestart(status, "No worker serves.")];
  if (reload?.verdict === "failed") return ["bad", "Reload failed", reload.summary];
  if (ready < wanted)
    return ["warn", "Degraded", lastRestart(status, `${wanted - ready} of ${wanted} workers ${wanted - ready === 1 ? "is" : "are"} missing.`)];
  if (reload?.verdict === "loading" && reload.generation > 1) {
    const loaded = status.children.filter((each) => each.generation === reload.generation && each.active).length;
    return ["busy", "Reloading", `Generation ${reload.generation} loads: ${loaded} of ${wanted} workers serve. Cause: ${reload.cause}`];
  }
  return ["good", "OK", ""];
}

function lastRestart(status, sentence) {
  const last = status.recent_restarts[status.recent_restarts.length - 1];
  return last ? `${sentence} Last: worker ${last.worker} ${last.summary}` : sentence;
}

// ---- charts ----

const kSpan = 600;  // seconds, and units of width
const kHeight = 100;

const charts = [
  chart("Requests a second", rate, [["requests_per_second", "all"], ["errors_per_second", "5xx"]]),
  chart("Latency p99", span, [["latency_p99", "p99"], ["latency_p50", "p50"]]),
  chart("Requests running", count, [["concurrent_requests", "running"], ["queued_requests", "queued"]]),
  chart("Connections", count, [["connections", "open"]]),
  chart("Memory", bytes, [["memory", "all workers"]]),
];
let history = null;  // what the server said…
let historyAt = 0;   // …when

function chart(title, format, series) {
  const value = element("span", { class: "value" });
  const most = element("span", { class: "most" });
  const [area, one, two, cursor] = ["area", "line one", "line two", "cursor"].map((each) => element("path", { class: each }));
  const svg = element("svg", { viewBox: `0 0 ${kSpan} ${kHeight}`, preserveAspectRatio: "none", "aria-hidden": "true" },
                      element("line", { class: "rule", x2: kSpan, y1: 0, y2: 0 }),
                      element("line", { class: "rule", x2: kSpan, y1: kHeight, y2: kHeight }), area, two, one, cursor);
  const plot = element("div", { class: "plot", tabindex: "0", role: "img" }, svg, most);
  const [from, readout, to] = [element("span", {}, "10 min ago"), element("output"), element("span", {}, "now")];
  id("charts").append(element("figure", {}, element("figcaption", {}, title, value), plot, element("div", { class: "axis" }, from, readout, to)));
  const self = { title, format, series, value, most, paths: [one, two], area, cursor, plot, from, readout, to, at: null, points: [] };
  plot.addEventListener("pointermove", (event) => point(self, 1 - event.offsetX / plot.clientWidth));
  plot.addEventListener("pointerdown", (event) => point(self, 1 - event.offsetX / plot.clientWidth));
  plot.addEventListener("pointerleave", () => point(self, null));
  plot.addEventListener("blur", () => point(self, null));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: 5 / kSpan, ArrowRight: -5 / kSpan }[event.key];
    if (event.key === "Escape") return point(self, null);
    if (!step) return;
    event.preventDefault();
    point(self, Math.min(1, Math.max(0, (self.at ?? 0) + step)));
  });
  return self;
}

// Shows the values at a place, 1 being the oldest; none for null.
function point(self, at) {
  self.at = at;
  const near = at == null ? null : self.points.reduce((best, each) =>
    !best || Math.abs(each.age - at * kSpan) < Math.abs(best.age - at * kSpan) ? each : best, null);
  self.from.hidden = self.to.hidden = near != null;
  text(self.readout, near == null ? "" : `${clock(new Date(shownAt - near.age * 1000))}  ` + self.series.map(
    ([, label], index) => (self.series.length > 1 ? `${label} ` : "") + self.format(near.values[index])).join(", "));
  attribute(self.cursor, "d", near == null ? "" : `M${kSpan - near.age} 0V${kHeight}`);
}

// The next round number above, so that the scale seldom changes.
function roof(value, binary) {
  const base = binary ? 2 : 10;
  const power = base ** Math.floor(Math.log(value) / Math.log(base));
  return (binary ? [1, 1.25, 1.5, 1.75, 2] : [1, 1.5, 2, 3, 4, 5, 6, 8, 10]).find((each) => value <= each * power * 1.0001) * power;
}

function draw(self, now) {
  const columns = self.series.map(([column]) => history?.[column] ?? []);
  const newest = history ? history.age + (answeredAt - historyAt) / 1000 : 0;
  const length = columns[0].length;
  self.points = [];
  for (let i = 0; i < length; ++i)
    self.points.push({ age: newest + (length - 1 - i) * history.step, values: columns.map((each) => each[i]) });
  if (!history || newest > 2 * history.step) self.points.push({ age: 1, values: columns.map(() => null) });
  const current = self.series.map(([column]) => now[column]);
  if (current[0] !== undefined) self.points.push({ age: 0, values: current });
  self.points = self.points.filter((each) => each.age <= kSpan);
  const values = self.points.flatMap((each) => each.values).filter((each) => each != null);
  const top = Math.max(...values, 0);
  const scale = top > 0 ? roof(top, self.format === bytes) : 1;
  self.paths.forEach((path, index) => attribute(path, "d", index < columns.length ? line(self.points, index, scale) : ""));
  attribute(self.area, "d", line(self.points, 0, scale, true));
  text(self.most, top > 0 ? self.format(scale) : "");
  const shown = current.map((each, index) => each ?? lastOf(columns[index]));
  label(self, shown, top);
  point(self, self.at);
}

// What was last, if the server has not been asked twice yet.
function lastOf(column) {
  return samples.length < 2 ? column[column.length - 1] : null;
}

function label(self, shown, top) {
  const [first, second] = shown.map(self.format);
  const note = self.series.length > 1 ? `${self.series[1][1]} ${second}` : "";
  if (!self.value.firstChild) self.value.append(document.createTextNode(""), element("small"));
  if (self.value.firstChild.nodeValue !== first) self.value.firstChild.nodeValue = first;
  text(self.value.lastChild, note);
  const names = self.series.map(([, name], index) => `${name} ${self.format(shown[index])}`).join(", ");
  attribute(self.plot, "aria-label", `${self.title}: now ${names}; at most ${self.format(top)} in the last ten minutes. Arrow keys read the chart.`);
}

// A line with gaps where there is no value, or the area below it.
function line(points, index, scale, closed = false) {
  let path = "";
  let begin = null;
  let end = null;
  const close = () => {
    if (closed && begin != null) path += `L${end} ${kHeight}L${begin} ${kHeight}Z`;
    else if (begin != null && begin === end) path += "h.01";
    begin = null;
  };
  for (const { age, values } of points) {
    if (values[index] == null) { close(); continue; }
    const x = (kSpan - age).toFixed(1);
    path += `${begin == null ? "M" : "L"}${x} ${(kHeight * (1 - values[index] / scale)).toFixed(1)}`;
    begin = begin ?? x;
    end = x;
  }
  close();
  return path;
}

// ---- the parts of the page ----

const kMostRows = 100;

const running = table(id("running"), [
  ["Age", "number", (each) => span(each.age), (each) => each.age >= 60 ? "bad" : each.age >= 10 ? "warn" : ""],
  ["Request", "path", fillRequest],
  ["Client", "client", (each) => each.client ?? none],
  ["Worker", "number", (each) => count(each.worker)],
  ["Process", "number", (each) => String(each.pid)],
  ["Thread", "number", (each) => each.thread == null ? none : String(each.thread)],
]);
const runningBody = id("running").appendChild(element("tbody", { role: "rowgroup" }));

function fillRequest(each, cell) {
  if (!cell.firstChild)
    cell.append(element("span", { class: "method" }), element("bdi"), element("span", { class: "quiet" }));
  text(cell.children[0], each.method);
  text(cell.children[1], each.path);
  text(cell.children[2], each.path_cut ? "…" : "");
}

function showRunning(status) {
  const all = status.running_requests ?? [];
  // Of many the server lists the oldest.
  const total = all.length < kMostRows ? all.length : Math.max(all.length, status.concurrent_requests);
  text(id("running-count"), total ? count(total) : "");
  id("running").hidden = all.length === 0;
  id("running-none").hidden = all.length > 0;
  show(runningBody, all.slice(0, kMostRows), (each) => `${each.pid}/${each.thread}`, running.row, running.fill);
  id("running-more").hidden = total <= kMostRows;
  text(id("running-more"), `…and ${count(total - kMostRows)} younger ones`);
}

function fillState(each, cell) {
  if (!cell.firstChild) cell.append(element("span"));
  text(cell.firstChild, each.state);
  attribute(cell.firstChild, "class", `mark ${kStates[each.state] ?? ""}`);
}

const kStates = { serving: "good", loading: "busy", draining: "warn" };
let rates = new Map();  // of workers, by pid
const workers = table(id("workers"), [
  ["Worker", "", (each) => String(each.slot)],
  ["State", "", fillState],
  ["Process", "number", (each) => String(each.pid)],
  ["Uptime", "number", (each) => duration(each.uptime)],
  ["Memory", "number", (each) => bytes(each.memory)],
  ["CPU", "number", (each) => rates.has(each.pid) ? (100 * rates.get(each.pid).processor).toFixed(0) + " %" : none],
  ["Requests/s", "number", (each) => rate(rates.get(each.pid)?.rate)],
  ["Connections", "number", (each) => count(each.connections)],
  ["Running", "number", (each) => count(each.concurrent_requests)],
  ["Queued", "number", (each) => count(each.queued_requests), (each) => each.queued_requests ? "warn" : ""],
  ["Answers", "number", (each) => count(each.answers)],
]);

function showWorkers(status) {
  const generations = new Map();
  for (const each of status.children) {
    if (!generations.has(each.generation)) generations.set(each.generation, []);
    generations.get(each.generation).push(each);
  }
  const all = [...generations].sort(([a], [b]) => b - a);
  text(id("workers-count"), `${status.active_children_count} of ${status.configured_children_count} serve`);
  show(id("workers"), [[-1], ...all], ([generation]) => String(generation),
       ([generation]) => generation < 0 ? id("workers").tHead : group(), (body, [generation, members]) => {
    if (generation < 0) return;
    const reload = status.reloads.find((each) => each.generation === generation);
    const states = new Map();
    for (const each of members) states.set(each.state, (states.get(each.state) ?? 0) + 1);
    const [name, note] = body.firstChild.firstChild.children;
    text(name, `Generation ${generation}`);
    text(note, [...states].map(([state, amount]) => `${amount} ${state}`).join(", ") + (reload ? ` · ${reload.cause}` : ""));
    members.sort((a, b) => a.slot - b.slot || a.pid - b.pid);
    show(body, [null, ...members], (each) => each ? String(each.pid) : "group",
         (each) => each ? workers.row() : body.firstChild, (row, each) => each && workers.fill(row, each));
  });
}

function group() {
  const head = element("th", { scope: "rowgroup", role: "rowheader", colspan: 11 }, element("b"), element("span"));
  return element("tbody", { role: "rowgroup" }, element("tr", { role: "row", class: "group" }, head));
}

const kVerdicts = { serving: "good", failed: "bad", loading: "busy", superseded: "quiet", stopped: "quiet" };

function showReloads(status) {
  const counts = Object.entries(status.reload_counts).filter(([, amount]) => amount > 0);
  text(id("reloads-count"), counts.map(([verdict, amount]) => `${count(amount)} ${verdict}`).join(", "));
  show(id("reloads"), [...status.reloads].reverse(), (each) => String(each.generation), makeReload, (item, each) => {
    const [line, summary, details] = item.children;
    text(line.children[0], `Generation ${each.generation}`);
    text(line.children[1], each.verdict);
    attribute(line.children[1], "class", `mark ${kVerdicts[each.verdict] ?? ""}`);
    text(line.children[2], each.cause);
    const took = each.ended ? (new Date(each.ended) - new Date(each.began)) / 1000 : null;
    text(line.children[3], took > 0 ? `took ${duration(took)}` : "");
    time(line.children[4], each.began);
    text(summary, each.summary ?? "");
    summary.hidden = !each.summary;
    details.hidden = !each.traceback;
    text(details.lastChild, each.traceback ?? "");
  });
  const newest = id("reloads").firstElementChild?.querySelector("details");
  if (newest && !newest.hidden && !newest.shown) newest.open = newest.shown = true;
}

function makeReload() {
  const line = element("div", { class: "event" }, element("b"), element("span"), element("span", { class: "quiet" }),
                       element("span", { class: "quiet" }), element("time"));
  return element("li", {}, line, element("div", { class: "summary" }),
                 element("details", {}, element("summary", {}, "Traceback"), element("pre", { tabindex: "0" })));
}

function showRestarts(status) {
  const counts = Object.entries(status.restarts);
  text(id("restarts-count"), counts.map(([reason, amount]) => `${count(amount)} by ${reason}`).join(", "));
  const recent = status.recent_restarts;
  id("restarts-none").hidden = recent.length > 0 || counts.length > 0;
  const kinds = { death: "bad", start: "bad", overdue: "warn" };
  show(id("restarts"), [...recent].reverse(), (each) => `${each.pid} ${each.time} ${each.reason}`,
       () => element("li", {}, element("div", { class: "event" }, element("b"), element("span"), element("span"), element("time"))),
       (item, each) => {
         const [name, reason, summary, at] = item.firstChild.children;
         text(name, `Worker ${each.worker}`);
         text(reason, each.reason);
         attribute(reason, "class", `mark ${kinds[each.reason] ?? "busy"}`);
         text(summary, each.summary);
         attribute(item, "title", `pid ${each.pid}, generation ${each.generation}`);
         time(at, each.time);
       });
}

function showTotals(status) {
  const { totals } = status;
  const pairs = [["Up for", duration(status.uptime)], ["Started", when(new Date(status.started_at))],
                 ["Requests", count(totals.answers)]];
  for (const kind of ["2xx", "3xx", "4xx", "5xx"]) {
    const amount = byClass(totals.requests, kind);
    if (amount > 0) pairs.push([`answered ${kind}`, count(amount)]);
  }
  const { bounds, counts } = totals.duration;
  pairs.push(["Latency, median", span(quantile(0.5, bounds, counts))], ["Latency, p99", span(quantile(0.99, bounds, counts))],
             ["Waiting for a thread, p99", span(quantile(0.99, bounds, totals.queue_time.counts))],
             ["Bodies sent", bytes(totals.body_octets_sent)], ["Connections", count(totals.connections_accepted)]);
  for (const [name, label] of [["client_gone", "Client left"], ["timed_out", "Timed out"], ["aborted", "Broken off"], ["refused", "Refused"]])
    if (totals[name] > 0) pairs.push([label, count(totals[name])]);
  for (const [reason, amount] of Object.entries(totals.refusals)) pairs.push([`refused: ${reason}`, count(amount)]);
  facts(id("totals"), pairs);
}

function flattened(value, prefix = "") {
  const nested = value !== null && typeof value === "object" && !Array.isArray(value);
  if (nested) return Object.entries(value).flatMap(([name, each]) => flattened(each, prefix ? `${prefix}.${name}` : name));
  return [[prefix || "configuration", typeof value === "string" && value !== "" ? value : JSON.stringify(value)]];
}

function showConfiguration(status) {
  const pairs = flattened(status.config);
  text(id("config-count"), `${pairs.length} settings`);
  facts(id("config"), pairs);
  text(id("version"), `Spawning ${status.version}, process ${status.pid}`);
}

// ---- the first line ----

function showGlance(status, now) {
  const [level, word, sentence] = judge(status);
  mark(level, word, sentence);
  const last = (column) => now[column] !== undefined ? now[column] : lastOf(history?.[column] ?? []);
  const oldest = status.running_requests?.[0]?.age;
  text(id("glance-workers"), `${status.active_children_count} of ${status.configured_children_count}`);
  text(id("glance-rate"), rate(last("requests_per_second")));
  text(id("glance-p99"), span(last("latency_p99")));
  text(id("glance-oldest"), oldest === undefined ? "no" : span(oldest));
  text(id("glance-oldest-label"), oldest === undefined ? "request running" : "oldest request");
  attribute(id("glance-oldest"), "class", oldest >= 60 ? "bad" : oldest >= 10 ? "warn" : "");
  document.title = `${word} · ${status.active_children_count}/${status.configured_children_count} · Spawning`;
}

const kColours = { good: "#18794e", warn: "#d98a00", bad: "#d1332b", busy: "#2563c9" };

function mark(level, word, sentence) {
  text(id("word"), word);
  text(id("sentence"), sentence);
  id("sentence").hidden = sentence === "";
  if (document.body.dataset.level === level) return;
  document.body.dataset.level = level;
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${kColours[level]}"/></svg>`;
  id("icon").href = "data:image/svg+xml," + encodeURIComponent(icon);
}

function showFreshness() {
  const at = shownAt ? clock(new Date(shownAt)) : "";
  document.body.dataset.live = paused ? "paused" : lost ? "lost" : "live";
  text(id("fresh"), paused ? `paused at ${at}` : lost ? "trying again" : at);
  text(id("pause"), paused ? "Go on" : "Pause");
  attribute(id("pause"), "aria-pressed", String(paused));
  if (!lost || paused) return;
  mark("bad", "No answer", shownAt ? `No answer since ${at}. This is how it was then; the page goes on by itself.`
                                   : "No answer yet. The page goes on by itself.");
  document.title = "No answer · Spawning";
}

// ---- asking the server ----

const kEvery = 1000;
const kPatience = 5000;
let paused = false;
let lost = false;
let shownAt = 0;     // by this computer's clock
let answeredAt = 0;  // in its own time
let timer = 0;
let asking = false;

class NoAnswer extends Error {}

async function ask(path) {
  try {
    const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(kPatience) });
    if (response.ok) return await response.json();
  } catch {
    // whatever the network, or somebody in between, has made of it
  }
  throw new NoAnswer(path);
}

async function refresh() {
  const old = history === null || performance.now() - historyAt > (history.step - history.age) * 1000 || lost;
  const [status, newer] = await Promise.all([ask("status.json"), old ? ask("status/history.json") : history]);
  if (paused) return;
  answeredAt = performance.now();
  shownAt = Date.now();
  if (newer !== history) [history, historyAt] = [newer, answeredAt];
  remember(status);
  render(status);
}

function render(status) {
  const now = present();
  rates = now.workers;
  showGlance(status, now);
  for (const each of charts) draw(each, now);
  showRunning(status);
  showWorkers(status);
  showReloads(status);
  showRestarts(status);
  showTotals(status);
  showConfiguration(status);
}

// One question at a time, the next one a second after the last.
async function live() {
  clearTimeout(timer);
  if (paused || document.hidden || asking) return;
  asking = true;
  const begin = performance.now();
  try {
    await refresh();
    lost = false;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    lost = true;
  } finally {
    asking = false;
    showFreshness();
    timer = setTimeout(live, Math.max(100, kEvery - (performance.now() - begin)));
  }
}

id("pause").addEventListener("click", () => {
  paused = !paused;
  showFreshness();
  live();
});
document.addEventListener("visibilitychange", live);
live();
