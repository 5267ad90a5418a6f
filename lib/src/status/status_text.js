
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
  const heads = columns.map(
      ([label, kind]) => element("th", { scope: "col", role: "columnheader", class: kind }, label));
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
