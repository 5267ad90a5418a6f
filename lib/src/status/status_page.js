
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
    const summary = [...states].map(([state, amount]) => `${amount} ${state}`).join(", ");
    text(note, summary + (reload ? ` · ${reload.cause}` : ""));
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
       () => element("li", {}, element("div", { class: "event" },
                                       element("b"), element("span"), element("span"), element("time"))),
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
  pairs.push(["Latency, median", span(quantile(0.5, bounds, counts))],
             ["Latency, p99", span(quantile(0.99, bounds, counts))],
             ["Waiting for a thread, p99", span(quantile(0.99, bounds, totals.queue_time.counts))],
             ["Bodies sent", bytes(totals.body_octets_sent)], ["Connections", count(totals.connections_accepted)]);
  const troubles = { client_gone: "Client left", timed_out: "Timed out", aborted: "Broken off", refused: "Refused" };
  for (const [name, label] of Object.entries(troubles))
    if (totals[name] > 0) pairs.push([label, count(totals[name])]);
  for (const [reason, amount] of Object.entries(totals.refusals))
    pairs.push([`refused: ${reason}`, count(amount)]);
  facts(id("totals"), pairs);
}

function flattened(value, prefix = "") {
  const nested = value !== null && typeof value === "object" && !Array.isArray(value);
  if (nested) {
    return Object.entries(value).flatMap(
        ([name, each]) => flattened(each, prefix ? `${prefix}.${name}` : name));
  }
  return [[prefix || "configuration", typeof value === "string" && value !== "" ? value : JSON.stringify(value)]];
}

function showConfiguration(status) {
  const pairs = flattened(status.config);
  text(id("config-count"), `${pairs.length} settings`);
  facts(id("config"), pairs);
  text(id("version"), `Spawning ${status.version}, process ${status.pid}`);
}
