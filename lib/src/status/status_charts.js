
// ---- charts ----

const kSpan = 600;  // seconds, and units of width
const kHeight = 100;

const charts = [
  chart("Requests a second", rate, [["requests_per_second", "all"], ["errors_per_second", "5xx"]]),
  chart("Latency p99", span, [["latency_p99", "p99"], ["latency_p50", "p50"]], 0.0001),
  chart("Requests running", count, [["concurrent_requests", "running"], ["queued_requests", "queued"]]),
  chart("Connections", count, [["connections", "open"]]),
  chart("Memory", bytes, [["memory", "all workers"]]),
];
let history = null;  // what the server said…
let historyAt = 0;   // …when

// \param floor  of a logarithmic scale, for what one slow request would flatten otherwise; 0: a linear one.
function chart(title, format, series, floor = 0) {
  const value = element("span", { class: "value" });
  const most = element("span", { class: "most" });
  const [area, one, two, cursor] =
      ["area", "line one", "line two", "cursor"].map((each) => element("path", { class: each }));
  const svg = element("svg", { viewBox: `0 0 ${kSpan} ${kHeight}`, preserveAspectRatio: "none", "aria-hidden": "true" },
                      element("line", { class: "rule", x2: kSpan, y1: 0, y2: 0 }),
                      element("line", { class: "rule", x2: kSpan, y1: kHeight, y2: kHeight }), area, two, one, cursor);
  const least = element("span", { class: "least" }, floor ? format(floor) : "");
  const plot = element("div", { class: "plot", tabindex: "0", role: "img" }, svg, most, least);
  const [from, readout, to] = [element("span", {}, "10 min ago"), element("output"), element("span", {}, "now")];
  const axis = element("div", { class: "axis" }, from, readout, to);
  id("charts").append(element("figure", {}, element("figcaption", {}, title, value), plot, axis));
  const self = { title, format, series, floor, value, most, paths: [one, two], area, cursor, plot, from, readout, to,
                 at: null, points: [] };
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
  const steps = binary ? [1, 1.25, 1.5, 1.75, 2] : [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
  return steps.find((each) => value <= each * power * 1.0001) * power;
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
  columns.forEach((_, index) => attribute(self.paths[index], "d", line(self, index, scale)));
  attribute(self.area, "d", self.floor ? "" : line(self, 0, scale, true));
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
  attribute(self.plot, "aria-label", `${self.title}: now ${names}; at most ${self.format(top)} ` +
                                     "in the last ten minutes. Arrow keys read the chart.");
}

// A line with gaps where there is no value, or the area below it.
function line({ points, floor }, index, scale, closed = false) {
  const logarithm = (value) => Math.log(Math.max(value / floor, 1)) / Math.log(Math.max(scale / floor, 2));
  const share = (value) => floor ? logarithm(value) : value / scale;
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
    path += `${begin == null ? "M" : "L"}${x} ${(kHeight * (1 - share(values[index]))).toFixed(1)}`;
    begin = begin ?? x;
    end = x;
  }
  close();
  return path;
}
